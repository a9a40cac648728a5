import { describe, expect, it } from '@jest/globals';
import { Fixture, refusal, shardId, stream, transitionMs } from './engine-fixture';

describe('streams', () => {
  it('pass through CREATING, and have no shards until then', async () => {
    const fixture = new Fixture();
    const other = { StreamName: 'other' };
    fixture.engine.handle('CreateStream', { ...other, ShardCount: 2 });
    const describe = (): unknown => fixture.engine.handle('DescribeStream', other).StreamDescription;
    expect(describe()).toMatchObject({ StreamStatus: 'CREATING', Shards: [] });
    expect(refusal(() => fixture.list(other))).toBe('ResourceInUseException');
    const put = { ...other, Data: '', PartitionKey: 'k' };
    expect(refusal(() => fixture.engine.handle('PutRecord', put))).toBe('ResourceNotFoundException');
    await fixture.clock.advance(transitionMs);
    expect(describe()).toMatchObject({ StreamStatus: 'ACTIVE', HasMoreShards: false, RetentionPeriodHours: 24 });
    expect(fixture.list(other).Shards).toHaveLength(2);
  });

  it('take records but no other change while they are UPDATING', async () => {
    const fixture = new Fixture();
    fixture.engine.handle('SplitShard', { ...stream, ShardToSplit: shardId(0), NewStartingHashKey: '1000' });
    expect(fixture.status()).toBe('UPDATING');
    expect(fixture.put('a').ShardId).toBe(shardId(0));
    const merge = { ...stream, ShardToMerge: shardId(0), AdjacentShardToMerge: shardId(0) };
    expect(refusal(() => fixture.engine.handle('MergeShards', merge))).toBe('ResourceInUseException');
    expect(refusal(() => fixture.engine.handle('DeleteStream', stream))).toBe('ResourceInUseException');
    await fixture.clock.advance(transitionMs);
    expect(fixture.status()).toBe('ACTIVE');
    expect(fixture.put('b').ShardId).toBe(shardId(2));
  });

  it('are gone once deleted, and another one under the same name is another', async () => {
    const fixture = new Fixture();
    const createdAt = (): number =>
      fixture.engine.handle('DescribeStreamSummary', stream).StreamDescriptionSummary.StreamCreationTimestamp;
    const first = createdAt();
    fixture.put('old');
    fixture.engine.handle('DeleteStream', stream);
    expect(fixture.status()).toBe('DELETING');
    expect(refusal(() => fixture.engine.handle('CreateStream', { ...stream, ShardCount: 1 }))).toBe(
      'ResourceInUseException',
    );
    await fixture.clock.advance(transitionMs);
    expect(refusal(() => fixture.status())).toBe('ResourceNotFoundException');
    fixture.engine.handle('CreateStream', { ...stream, ShardCount: 1 });
    await fixture.clock.advance(transitionMs);
    expect(createdAt()).toBeGreaterThan(first);
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }))).toEqual([]);
  });

  it('have another creation time when made again within the millisecond', () => {
    const fixture = new Fixture({ streamTransitionMs: 0 });
    const created = [0, 1, 2].map(() => {
      const { StreamDescriptionSummary } = fixture.engine.handle('DescribeStreamSummary', stream);
      fixture.engine.handle('DeleteStream', stream);
      fixture.engine.addStream('flights', 1);
      return StreamDescriptionSummary.StreamCreationTimestamp;
    });
    expect(new Set(created).size).toBe(3);
  });

  it('have a creation time in whole seconds, by which clients can name them again', async () => {
    const fixture = new Fixture();
    await fixture.clock.advance(1_234);
    fixture.engine.addStream('trains', 1);
    const { StreamDescriptionSummary: trains } = fixture.engine.handle('DescribeStreamSummary', {
      StreamName: 'trains',
    });
    const { StreamName, StreamCreationTimestamp } = trains;
    expect(StreamCreationTimestamp).toBe(Math.floor(fixture.clock.wallTime() / 1000));
    expect(fixture.list({ StreamName, StreamCreationTimestamp }).Shards).toHaveLength(1);
  });

  it('go by name, by ARN, or by both if they agree', () => {
    const { engine } = new Fixture();
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/flights';
    const describe = (input: object) => (): unknown => engine.dispatch('DescribeStreamSummary', input);
    expect(describe({ StreamARN })()).toMatchObject({ StreamDescriptionSummary: { StreamARN, OpenShardCount: 1 } });
    expect(refusal(describe({ ...stream, StreamARN }))).toBeUndefined();
    expect(refusal(describe({ StreamName: 'other', StreamARN }))).toBe('InvalidArgumentException');
    expect(refusal(describe({ StreamARN: StreamARN.replace('us-east-1', 'eu-west-1') }))).toBe(
      'ResourceNotFoundException',
    );
    expect(refusal(describe({}))).toBe('InvalidArgumentException');
    expect(refusal(describe({ StreamName: 'no such name' }))).toBe('ValidationException');
    expect(refusal(describe({ StreamName: 5 }))).toBe('SerializationException');
    expect(refusal(describe({ StreamName: '__proto__' }))).toBe('ResourceNotFoundException');
  });

  it('are listed in the order of their names, page by page', () => {
    const { engine } = new Fixture();
    for (const name of ['b', 'a', 'c']) engine.addStream(name, 1);
    const first = engine.handle('ListStreams', { Limit: 3 });
    expect(first).toMatchObject({ StreamNames: ['a', 'b', 'c'], HasMoreStreams: true });
    const second = engine.handle('ListStreams', { NextToken: first.NextToken ?? '' });
    expect(second).toMatchObject({ StreamNames: ['flights'], HasMoreStreams: false });
    expect(engine.handle('ListStreams', { ExclusiveStartStreamName: 'b' }).StreamNames).toEqual(['c', 'flights']);
  });

  it('are described page by page', () => {
    const { engine } = new Fixture({ shardCount: 3 });
    const first = engine.handle('DescribeStream', { ...stream, Limit: 2 }).StreamDescription;
    expect(first.HasMoreShards).toBe(true);
    const after = { ...stream, ExclusiveStartShardId: first.Shards[1]?.ShardId ?? '' };
    expect(engine.handle('DescribeStream', after).StreamDescription).toMatchObject({
      Shards: [{ ShardId: shardId(2) }],
      HasMoreShards: false,
    });
  });

  it('are shown a hundred at most at a time, and so are their shards', () => {
    const { engine } = new Fixture({ shardCount: 101 });
    for (let index = 0; index < 100; index++) engine.addStream(`s-${index}`, 1);
    const { StreamDescription } = engine.handle('DescribeStream', { ...stream, Limit: 10_000 });
    expect([StreamDescription.Shards.length, StreamDescription.HasMoreShards]).toEqual([100, true]);
    const streams = engine.handle('ListStreams', { Limit: 10_000 });
    expect([streams.StreamNames.length, streams.HasMoreStreams]).toEqual([100, true]);
    expect(refusal(() => engine.handle('ListStreams', { Limit: 10_001 }))).toBe('ValidationException');
  });

  it('are limited to five in CREATING', () => {
    const { engine } = new Fixture();
    const create = (name: string) => (): unknown => engine.handle('CreateStream', { StreamName: name, ShardCount: 1 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) create(name)();
    expect(refusal(create('f'))).toBe('LimitExceededException');
  });
});

describe('retention', () => {
  const dayMs = 86_400_000;

  it('trims records by age, and a trimmed position is the trim horizon', async () => {
    const fixture = new Fixture();
    const { SequenceNumber } = fixture.put('a');
    const fromStart = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: SequenceNumber } as const;
    await fixture.clock.advance(dayMs - 60_000);
    fixture.put('b');
    const old = fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' });
    expect(fixture.read(old)).toEqual(['a', 'b']);
    await fixture.clock.advance(60_001);
    expect(fixture.read(old)).toEqual(['b']);
    expect(fixture.read(fixture.iterator(fromStart))).toEqual(['b']);
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(1);
  });

  it('drops a closed shard once it has nothing left, and the iterators into it', async () => {
    const fixture = new Fixture();
    await fixture.split(shardId(0), '1000');
    await fixture.clock.advance(dayMs - 1);
    expect(fixture.listIds()).toHaveLength(3);
    const iterator = fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' });
    await fixture.clock.advance(1);
    expect(fixture.listIds()).toEqual([shardId(1), shardId(2)]);
    expect(refusal(() => fixture.page(iterator))).toBe('ResourceNotFoundException');
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'LATEST' }))).toBe('ResourceNotFoundException');
  });

  it('can be made longer and shorter, within 24 hours and a year', async () => {
    const fixture = new Fixture();
    const change = async (name: 'Decrease' | 'Increase', hours: number): Promise<string | undefined> => {
      const refused = refusal(() =>
        fixture.engine.handle(`${name}StreamRetentionPeriod`, { ...stream, RetentionPeriodHours: hours }),
      );
      await fixture.clock.advance(transitionMs);
      return refused;
    };
    fixture.put('a');
    expect(await change('Increase', 48)).toBeUndefined();
    expect(await change('Increase', 48)).toBe('InvalidArgumentException');
    expect(await change('Decrease', 48)).toBe('InvalidArgumentException');
    expect(await change('Increase', 47)).toBe('InvalidArgumentException');
    expect(await change('Decrease', 49)).toBe('InvalidArgumentException');
    expect(await change('Increase', 8761)).toBe('ValidationException');
    expect(await change('Decrease', 23)).toBe('ValidationException');
    await fixture.clock.advance(dayMs + 1);
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(1);
    expect(await change('Decrease', 24)).toBeUndefined();
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(0);
  });

  it('is longer from the moment that it was due, also if nobody looked then', async () => {
    const hourMs = 3_600_000;
    const fixture = new Fixture();
    fixture.put('expired');
    await fixture.clock.advance(hourMs);
    fixture.put('a');
    await fixture.clock.advance(23 * hourMs + 1);
    fixture.engine.handle('IncreaseStreamRetentionPeriod', { ...stream, RetentionPeriodHours: 48 });
    await fixture.clock.advance(10 * hourMs);
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(1);
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }))).toEqual(['a']);
    await fixture.clock.advance(15 * hourMs);
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(0);
  });

  it('does not give back what had expired when it is made longer', async () => {
    const fixture = new Fixture();
    fixture.put('a');
    await fixture.clock.advance(dayMs - 1);
    fixture.put('b');
    await fixture.clock.advance(2);
    // Nobody has looked at the shard in between.
    fixture.engine.handle('IncreaseStreamRetentionPeriod', { ...stream, RetentionPeriodHours: 48 });
    await fixture.clock.advance(transitionMs);
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }))).toEqual(['b']);
    await fixture.clock.advance(2 * dayMs);
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }))).toEqual([]);
  });
});
