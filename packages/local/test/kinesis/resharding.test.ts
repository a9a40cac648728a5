import { describe, expect, it } from '@jest/globals';
import { compareSequenceNumbers, isSequenceNumber } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { base64, Fixture, lastHashKey, middleHashKey, refusal, shardId, stream } from './engine-fixture';

describe('sequence numbers', () => {
  it('are 56 digits, grow within the shard, and grow into its children', async () => {
    const fixture = new Fixture({ streamTransitionMs: 0 });
    const parent = ['a', 'b', 'c'].map((text) => fixture.put(text).SequenceNumber);
    await fixture.split(shardId(0), middleHashKey);
    const child = ['d', 'e'].map((text) => fixture.put(text).SequenceNumber);
    const [{ SequenceNumberRange: range }, ...children] = fixture.list().Shards as [
      ReturnType<Fixture['list']>['Shards'][number],
      ...ReturnType<Fixture['list']>['Shards'],
    ];
    const childStart = children[0]?.SequenceNumberRange.StartingSequenceNumber ?? '';
    const inOrder = [range.StartingSequenceNumber, ...parent, range.EndingSequenceNumber ?? '', childStart, ...child];
    for (const [index, number] of inOrder.entries()) {
      expect(number).toHaveLength(56);
      expect(isSequenceNumber(number)).toBe(true);
      if (index > 0) expect(compareSequenceNumbers(inOrder[index - 1] ?? '', number)).toBeLessThan(0);
    }
  });

  it('do not go back with the wall clock, nor do arrival times', async () => {
    const clock = new ManualClock();
    let wallTimeMs = 1_700_000_005_000;
    clock.wallTime = () => wallTimeMs;
    const fixture = new Fixture({ clock });
    const first = fixture.put('a').SequenceNumber;
    wallTimeMs -= 4000;
    expect(compareSequenceNumbers(first, fixture.put('b').SequenceNumber)).toBeLessThan(0);
    const { Records } = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }));
    expect(Records.map((record) => record.ApproximateArrivalTimestamp)).toEqual([1_700_000_005, 1_700_000_005]);
  });

  it('given for ordering must look like one', () => {
    const fixture = new Fixture();
    const { SequenceNumber } = fixture.put('a');
    const put = (SequenceNumberForOrdering: string) => (): unknown =>
      fixture.engine.handle('PutRecord', { ...stream, Data: '', PartitionKey: 'k', SequenceNumberForOrdering });
    expect(refusal(put(SequenceNumber))).toBeUndefined();
    expect(refusal(put('12'))).toBe('InvalidArgumentException');
  });
});

describe('routing', () => {
  it('goes by the MD5 of the partition key in UTF-8', () => {
    const fixture = new Fixture({ shardCount: 4 });
    // md5('ü') = c0…, md5('a') = 0c…
    expect(fixture.put('x', 'ü').ShardId).toBe(shardId(3));
    expect(fixture.put('x', 'a').ShardId).toBe(shardId(0));
  });

  it('goes by the explicit hash key before the partition key', () => {
    const fixture = new Fixture({ shardCount: 2 });
    const put = (ExplicitHashKey: string): string =>
      fixture.engine.handle('PutRecord', { ...stream, Data: base64('x'), PartitionKey: 'k', ExplicitHashKey }).ShardId;
    expect(put('0')).toBe(shardId(0));
    expect(put((BigInt(middleHashKey) - 1n).toString())).toBe(shardId(0));
    expect(put(middleHashKey)).toBe(shardId(1));
    expect(put(lastHashKey)).toBe(shardId(1));
    expect(refusal(() => put((1n << 128n).toString()))).toBe('InvalidArgumentException');
    expect(refusal(() => put('-1'))).toBe('ValidationException');
    expect(refusal(() => put('007'))).toBe('ValidationException');
  });

  it('follows splits and merges', async () => {
    const fixture = new Fixture({ shardCount: 2 });
    await fixture.split(shardId(0), '1000');
    expect(fixture.engine.inspect('flights').map((shard) => shard.open)).toEqual([false, true, true, true]);
    await fixture.merge(shardId(3), shardId(1));
    expect(fixture.put('x', 'a').ShardId).toBe(shardId(4));
    const merged = fixture.list().Shards[4];
    expect(merged?.HashKeyRange).toEqual({ StartingHashKey: '1000', EndingHashKey: lastHashKey });
    expect(merged).toMatchObject({ ParentShardId: shardId(3), AdjacentParentShardId: shardId(1) });
  });
});

describe('resharding', () => {
  it('refuses shards that are closed, unknown, or not adjacent', async () => {
    const fixture = new Fixture({ shardCount: 3 });
    const split = (shard: string, key: string) => (): unknown =>
      fixture.engine.handle('SplitShard', { ...stream, ShardToSplit: shard, NewStartingHashKey: key });
    const merge = (shard: string, adjacent: string) => (): unknown =>
      fixture.engine.handle('MergeShards', { ...stream, ShardToMerge: shard, AdjacentShardToMerge: adjacent });
    expect(refusal(merge(shardId(0), shardId(2)))).toBe('InvalidArgumentException');
    expect(refusal(merge(shardId(0), shardId(0)))).toBe('InvalidArgumentException');
    expect(refusal(merge(shardId(0), shardId(7)))).toBe('ResourceNotFoundException');
    expect(refusal(split(shardId(0), '0'))).toBe('InvalidArgumentException');
    expect(refusal(split(shardId(0), '1'))).toBe('InvalidArgumentException');
    expect(refusal(split(shardId(0), lastHashKey))).toBe('InvalidArgumentException');
    await fixture.split(shardId(0), '1000');
    expect(refusal(split(shardId(0), '500'))).toBe('InvalidArgumentException');
    expect(refusal(merge(shardId(0), shardId(1)))).toBe('InvalidArgumentException');
  });

  it('takes effect at its own moment, also if nobody looked then', async () => {
    const fixture = new Fixture();
    const startMs = fixture.clock.wallTime();
    fixture.engine.handle('SplitShard', { ...stream, ShardToSplit: shardId(0), NewStartingHashKey: '1000' });
    await fixture.clock.advance(60_000);
    const openAt = (ms: number): readonly string[] =>
      fixture.listIds({ Type: 'AT_TIMESTAMP', Timestamp: (startMs + ms) / 1000 });
    expect(openAt(9)).toEqual([shardId(0)]);
    expect(openAt(11)).toEqual([shardId(1), shardId(2)]);
  });
});

describe('inspection', () => {
  it('shows shards, and how many records come after a sequence number', async () => {
    const fixture = new Fixture();
    fixture.put('a');
    const { SequenceNumber } = fixture.put('b');
    const last = fixture.put('c').SequenceNumber;
    await fixture.split(shardId(0), '1000');
    expect(fixture.engine.inspect('flights')[0]).toEqual({
      shardId: shardId(0),
      parentShardIds: [],
      open: false,
      recordCount: 3,
      lastSequenceNumber: last,
    });
    expect(fixture.engine.inspect('flights')[1]).toMatchObject({ parentShardIds: [shardId(0)], recordCount: 0 });
    expect(fixture.engine.recordsAfter('flights', shardId(0))).toBe(3);
    expect(fixture.engine.recordsAfter('flights', shardId(0), SequenceNumber)).toBe(1);
    expect(fixture.engine.recordsAfter('flights', shardId(8))).toBe(0);
    expect(refusal(() => fixture.engine.inspect('none'))).toBe('ResourceNotFoundException');
  });
});
