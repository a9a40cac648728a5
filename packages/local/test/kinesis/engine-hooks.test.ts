import { describe, expect, it } from '@jest/globals';
import {
  faultInCover,
  Fixture,
  lastHashKey,
  middleHashKey,
  noReadRates,
  refusal,
  shardId,
  stream,
  streamArn,
  transitionMs,
} from './engine-fixture';

const fromStart = { ShardIteratorType: 'TRIM_HORIZON' } as const;
const make = (shardCount = 1): Fixture => new Fixture({ shardCount, limits: noReadRates });

describe('expireIterators', () => {
  it('makes all iterators expire that were issued until now, and no later one', () => {
    const fixture = make();
    fixture.put('a');
    const first = fixture.iterator(fromStart);
    const { NextShardIterator } = fixture.page(first);
    fixture.engine.expireIterators();
    expect(refusal(() => fixture.page(first))).toBe('ExpiredIteratorException');
    expect(refusal(() => fixture.page(NextShardIterator))).toBe('ExpiredIteratorException');
    const later = fixture.iterator(fromStart);
    expect(fixture.read(later)).toEqual(['a']);
    fixture.engine.expireIterators();
    expect(refusal(() => fixture.page(later))).toBe('ExpiredIteratorException');
  });

  it('may be for one stream', () => {
    const fixture = make();
    fixture.engine.addStream('other', 1);
    const iterators = ['flights', 'other'].map((StreamName) => fixture.iterator({ StreamName, ...fromStart }));
    fixture.engine.expireIterators('other');
    expect(iterators.map((iterator) => refusal(() => fixture.page(iterator)))).toEqual([
      undefined,
      'ExpiredIteratorException',
    ]);
    const renewed = fixture.iterator({ StreamName: 'other', ...fromStart });
    fixture.engine.expireIterators('flights');
    expect(refusal(() => fixture.page(renewed))).toBeUndefined();
    expect(refusal(() => fixture.engine.expireIterators('none'))).toBe('ResourceNotFoundException');
  });
});

describe('trim', () => {
  it('drops all that is in the stream, and not what comes at the same moment', () => {
    const fixture = make();
    fixture.put('a');
    const old = fixture.iterator(fromStart);
    fixture.engine.trim('flights');
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(0);
    expect(fixture.read(old)).toEqual([]);
    fixture.put('b');
    expect(fixture.read(old)).toEqual(['b']);
    expect(fixture.read(fixture.iterator(fromStart))).toEqual(['b']);
    fixture.engine.trim('flights');
    fixture.put('c');
    expect(fixture.read(old)).toEqual(['c']);
  });

  it('drops what arrived before a moment', async () => {
    const fixture = make();
    fixture.put('a');
    await fixture.clock.advance(1000);
    fixture.put('b');
    const beforeMs = fixture.clock.wallTime();
    await fixture.clock.advance(1000);
    fixture.put('c');
    fixture.engine.trim('flights', { beforeMs });
    expect(fixture.read(fixture.iterator(fromStart))).toEqual(['b', 'c']);
    fixture.engine.trim('flights', { beforeMs: beforeMs - 1000 });
    fixture.engine.trim('flights', { beforeMs: 0 });
    expect(fixture.read(fixture.iterator(fromStart))).toEqual(['b', 'c']);
  });

  it('leaves checkpoints usable: a trimmed position is the trim horizon', () => {
    const fixture = make();
    const numbers = ['a', 'b'].map((text) => fixture.put(text).SequenceNumber);
    fixture.engine.trim('flights');
    fixture.put('c');
    for (const StartingSequenceNumber of numbers) {
      for (const ShardIteratorType of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
        expect(fixture.read(fixture.iterator({ ShardIteratorType, StartingSequenceNumber }))).toEqual(['c']);
      }
    }
    const Timestamp = fixture.clock.wallTime() / 1000;
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp }))).toEqual(['c']);
  });

  it('leaves the checkpoint behind the last record usable when nothing is left', () => {
    const fixture = make();
    const { SequenceNumber } = fixture.put('a');
    fixture.engine.trim('flights');
    const after = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: SequenceNumber } as const;
    expect(fixture.read(fixture.iterator(after))).toEqual([]);
  });

  it('makes closed shards disappear that are wholly behind the horizon, and others not', async () => {
    const fixture = make();
    await fixture.split(shardId(0), middleHashKey);
    await fixture.clock.advance(1000);
    const splitMs = fixture.clock.wallTime() - 1000;
    fixture.engine.trim('flights', { beforeMs: splitMs - 1 });
    expect(fixture.listIds()).toEqual([0, 1, 2].map(shardId));
    const iterator = fixture.iterator(fromStart);
    fixture.engine.trim('flights', { beforeMs: splitMs });
    expect(fixture.listIds()).toEqual([shardId(1), shardId(2)]);
    expect(fixture.listIds({ Type: 'AT_TRIM_HORIZON' })).toEqual([shardId(1), shardId(2)]);
    expect(refusal(() => fixture.page(iterator))).toBe('ResourceNotFoundException');
  });

  it('takes with it all generations of shards but the open one', async () => {
    const fixture = make(4);
    fixture.engine.updateShardCount('flights', 7);
    fixture.engine.updateShardCount('flights', 3);
    fixture.engine.trim('flights');
    expect(fixture.listIds()).toEqual(
      fixture
        .openRanges()
        .map(({ id }) => id)
        .sort(),
    );
    await fixture.split(fixture.openRanges()[0]?.id ?? '', '1000');
    // The parent has just been closed, and is there to be read to its end.
    expect(fixture.listIds()).toHaveLength(5);
  });

  it('does not move back', () => {
    const fixture = make();
    fixture.engine.split('flights');
    fixture.engine.trim('flights');
    const horizon = fixture.listIds({ Type: 'AT_TRIM_HORIZON' });
    expect(horizon).toEqual([shardId(1), shardId(2)]);
    fixture.engine.trim('flights', { beforeMs: 0 });
    expect(fixture.listIds({ Type: 'AT_TRIM_HORIZON' })).toEqual(horizon);
  });

  it('refuses a moment to come, and a stream that is not there', () => {
    const fixture = make();
    const nowMs = fixture.clock.wallTime();
    expect(refusal(() => fixture.engine.trim('flights', { beforeMs: nowMs + 1 }))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.engine.trim('flights', { beforeMs: Number.NaN }))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.engine.trim('flights', { beforeMs: nowMs }))).toBeUndefined();
    expect(refusal(() => fixture.engine.trim('none'))).toBe('ResourceNotFoundException');
  });
});

describe('an empty page', () => {
  const empty = { emptyPage: true };
  const get = (fixture: Fixture, ShardIterator: string | undefined, options = {}) =>
    fixture.engine.dispatch('GetRecords', { ShardIterator }, options) as ReturnType<Fixture['page']>;

  it('has no records, an iterator for the same place, and the truth about how far behind that is', async () => {
    const fixture = make();
    fixture.put('a');
    await fixture.clock.advance(3000);
    fixture.put('b');
    const page = get(fixture, fixture.iterator(fromStart), empty);
    expect(page.Records).toEqual([]);
    expect(page.MillisBehindLatest).toBe(3000);
    expect(fixture.read(page.NextShardIterator)).toEqual(['a', 'b']);
  });

  it('is behind also when the records have only just come', () => {
    const fixture = make();
    fixture.put('a');
    const iterator = fixture.iterator(fromStart);
    expect(get(fixture, iterator, empty).MillisBehindLatest).toBe(1);
    expect(get(fixture, iterator).MillisBehindLatest).toBe(0);
  });

  it('does not end a closed shard that has records left, and ends one that has none', async () => {
    const fixture = make();
    fixture.put('a');
    await fixture.split(shardId(0), middleHashKey);
    const page = get(fixture, fixture.iterator(fromStart), empty);
    expect(page.ChildShards).toBeUndefined();
    expect(fixture.read(page.NextShardIterator)).toEqual(['a']);
    const end = get(fixture, fixture.iterator({ ShardIteratorType: 'LATEST' }), empty);
    expect(end.NextShardIterator).toBeUndefined();
    expect(end.ChildShards).toHaveLength(2);
  });

  it('is at the tip where there is nothing to read', () => {
    const fixture = make();
    const page = get(fixture, fixture.iterator(fromStart), empty);
    expect(page).toMatchObject({
      Records: [],
      MillisBehindLatest: 0,
      NextShardIterator: expect.any(String) as unknown,
    });
  });

  it('costs a call, and no bytes', () => {
    const fixture = new Fixture({ limits: { getRecordsCallsPerSecond: 2, readBytesPerSecond: 1 } });
    fixture.put('abc');
    const iterator = fixture.iterator(fromStart);
    get(fixture, iterator, empty);
    expect(get(fixture, iterator).Records).toHaveLength(1);
    expect(refusal(() => get(fixture, iterator, empty))).toBe('ProvisionedThroughputExceededException');
  });

  it('is only for GetRecords', () => {
    const fixture = make();
    expect(fixture.engine.dispatch('ListShards', stream, empty)).toEqual(fixture.list());
  });
});

describe('targetOf', () => {
  it('reads the stream from a name, an ARN, an iterator or a token, and the shard from whatever names one', () => {
    const fixture = make(3);
    const { engine } = fixture;
    const ShardIterator = fixture.iterator({ ShardId: shardId(1), ...fromStart });
    const { NextToken } = fixture.list({ ...stream, MaxResults: 1 });
    const flights = { streamName: 'flights' };
    expect(engine.targetOf('PutRecord', { ...stream, PartitionKey: 'k' })).toEqual(flights);
    expect(engine.targetOf('DescribeStream', { StreamARN: streamArn })).toEqual(flights);
    expect(engine.targetOf('TagResource', { ResourceARN: streamArn, Tags: {} })).toEqual(flights);
    expect(engine.targetOf('GetRecords', { ShardIterator })).toEqual({ ...flights, shardId: shardId(1) });
    expect(engine.targetOf('ListShards', { NextToken })).toEqual(flights);
    for (const member of ['ShardId', 'ShardToSplit', 'ShardToMerge']) {
      expect(engine.targetOf('Any', { ...stream, [member]: shardId(2) })).toEqual({ ...flights, shardId: shardId(2) });
    }
  });

  it('reads expired iterators and names of streams that are not there', () => {
    const fixture = make();
    const ShardIterator = fixture.iterator(fromStart);
    fixture.engine.expireIterators();
    expect(fixture.engine.targetOf('GetRecords', { ShardIterator })).toMatchObject({ streamName: 'flights' });
    expect(fixture.engine.targetOf('ListShards', { StreamName: 'none' })).toEqual({ streamName: 'none' });
  });

  it('is empty for what names nothing, and never throws', () => {
    const { engine } = make();
    const nothing = [undefined, null, 5, 'flights', [], {}, { StreamName: 5, ShardId: {} }, { StreamARN: 'flights' }];
    for (const input of nothing) expect(engine.targetOf('GetRecords', input)).toEqual({});
    for (const token of ['', 'bogus', 'ü', 5, {}, 'x'.repeat(100_000)]) {
      expect(engine.targetOf('GetRecords', { ShardIterator: token })).toEqual({});
      expect(engine.targetOf('ListShards', { NextToken: token })).toEqual({});
    }
    expect(engine.targetOf('__proto__', { ShardIterator: 'x' })).toEqual({});
  });
});

describe('split, merge and updateShardCount', () => {
  it('split at once: the first open shard in the middle, unless told otherwise', () => {
    const fixture = make();
    expect(fixture.engine.split('flights')).toEqual([shardId(1), shardId(2)]);
    expect(fixture.status()).toBe('ACTIVE');
    expect(fixture.openRanges().map(({ start }) => start.toString())).toEqual(['0', middleHashKey]);
    expect(fixture.engine.split('flights', shardId(2))).toEqual([shardId(3), shardId(4)]);
    expect(fixture.engine.split('flights', shardId(1), '1000')).toEqual([shardId(5), shardId(6)]);
    expect(fixture.openRanges().map(({ id }) => id)).toEqual([5, 6, 3, 4].map(shardId));
    expect(fixture.engine.split('flights')).toEqual([shardId(7), shardId(8)]);
    expect(fixture.openRanges()[1]).toMatchObject({ id: shardId(8), start: 500n });
    expect(faultInCover(fixture.openRanges())).toBeUndefined();
  });

  it('merge at once', () => {
    const fixture = make(3);
    expect(fixture.engine.merge('flights', shardId(1), shardId(0))).toEqual([shardId(3)]);
    expect(fixture.list().Shards[3]).toMatchObject({ ParentShardId: shardId(1), AdjacentParentShardId: shardId(0) });
    expect(fixture.openRanges().map(({ id }) => id)).toEqual([shardId(3), shardId(2)]);
    const put = (ExplicitHashKey: string): string =>
      fixture.engine.handle('PutRecord', { ...stream, Data: '', PartitionKey: 'k', ExplicitHashKey }).ShardId;
    expect(['0', middleHashKey, lastHashKey].map(put)).toEqual([3, 3, 2].map(shardId));
  });

  it('scale at once, far beyond double and half, and as often as wanted', () => {
    const fixture = make();
    for (const count of [16, 3, 40, 1, 2, 4, 8, 16, 32, 64, 5]) {
      const ids = fixture.engine.updateShardCount('flights', count);
      expect(ids).toHaveLength(count);
      expect(ids).toEqual(fixture.openRanges().map(({ id }) => id));
      expect(faultInCover(fixture.openRanges())).toBeUndefined();
    }
    expect(fixture.openRanges().at(-1)?.end.toString()).toBe(lastHashKey);
  });

  it('are as bold as AWS itself with streams in the mode ON_DEMAND', () => {
    const fixture = make();
    fixture.engine.handle('CreateStream', { StreamName: 'od', StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    expect(fixture.engine.split('od')).toHaveLength(2);
    expect(fixture.engine.updateShardCount('od', 8)).toHaveLength(8);
  });

  it('let a change that is under way take effect before', () => {
    const fixture = make();
    fixture.engine.handle('SplitShard', { ...stream, ShardToSplit: shardId(0), NewStartingHashKey: '1000' });
    expect(fixture.engine.split('flights', shardId(2))).toEqual([shardId(3), shardId(4)]);
    expect(fixture.status()).toBe('ACTIVE');
  });

  it('keep records readable in order', () => {
    const fixture = make();
    fixture.put('a');
    fixture.engine.split('flights');
    fixture.put('b', 'a');
    const parent = fixture.page(fixture.iterator(fromStart));
    expect(parent.ChildShards?.map((child) => child.ShardId)).toEqual([shardId(1), shardId(2)]);
    expect(fixture.read(fixture.iterator({ ShardId: shardId(1), ...fromStart }))).toEqual(['b']);
  });

  it('refuse what makes no sense, and change nothing', async () => {
    const fixture = new Fixture({ shardCount: 3, limits: { shardQuota: 3 } });
    const { engine } = fixture;
    expect(refusal(() => engine.split('flights'))).toBe('LimitExceededException');
    expect(refusal(() => engine.updateShardCount('flights', 4))).toBe('LimitExceededException');
    expect(refusal(() => engine.updateShardCount('flights', 1.5))).toBe('InvalidArgumentException');
    expect(refusal(() => engine.updateShardCount('flights', 0))).toBe('InvalidArgumentException');
    expect(refusal(() => engine.split('flights', shardId(7)))).toBe('ResourceNotFoundException');
    expect(refusal(() => engine.split('flights', shardId(0), 'half'))).toBe('InvalidArgumentException');
    expect(refusal(() => engine.split('none'))).toBe('ResourceNotFoundException');
    expect(refusal(() => engine.merge('flights', shardId(0), shardId(2)))).toBe('InvalidArgumentException');
    expect(engine.inspect('flights').map((shard) => shard.open)).toEqual([true, true, true]);
    engine.handle('DeleteStream', stream);
    expect(refusal(() => engine.merge('flights', shardId(0), shardId(1)))).toBe('ResourceInUseException');
    await fixture.clock.advance(transitionMs);
    expect(refusal(() => engine.merge('flights', shardId(0), shardId(1)))).toBe('ResourceNotFoundException');
  });
});
