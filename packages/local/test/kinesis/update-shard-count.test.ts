import { describe, expect, it } from '@jest/globals';
import {
  faultInCover,
  Fixture,
  lastHashKey,
  middleHashKey,
  noControlPlaneRates,
  noReadRates,
  refusal,
  shardId,
  stream,
  streamArn,
  transitionMs,
} from './engine-fixture';

const dayMs = 86_400_000;
const update = (fixture: Fixture, TargetShardCount: number): unknown =>
  fixture.engine.handle('UpdateShardCount', { ...stream, TargetShardCount, ScalingType: 'UNIFORM_SCALING' });

async function scale(fixture: Fixture, count: number): Promise<void> {
  update(fixture, count);
  await fixture.clock.advance(transitionMs);
}

describe('UpdateShardCount', () => {
  it('doubles by splitting every shard in the middle, once the stream has been UPDATING', async () => {
    const fixture = new Fixture({ shardCount: 3 });
    expect(update(fixture, 6)).toEqual({
      StreamName: 'flights',
      StreamARN: streamArn,
      CurrentShardCount: 3,
      TargetShardCount: 6,
    });
    expect(fixture.status()).toBe('UPDATING');
    expect(fixture.openRanges()).toHaveLength(3);
    await fixture.clock.advance(transitionMs);
    expect(fixture.status()).toBe('ACTIVE');
    const shards = fixture.list().Shards;
    expect(shards).toHaveLength(9);
    const parents = shards.slice(3).map((shard) => [shard.ParentShardId, shard.AdjacentParentShardId]);
    expect(parents.map(([parent]) => parent).sort()).toEqual([0, 0, 1, 1, 2, 2].map(shardId));
    expect(parents.every(([, adjacent]) => adjacent === undefined)).toBe(true);
    expect(faultInCover(fixture.openRanges())).toBeUndefined();
  });

  it('halves by merging neighbours', async () => {
    const fixture = new Fixture({ shardCount: 6 });
    await scale(fixture, 3);
    const merged = fixture.list().Shards.slice(6);
    expect(merged).toHaveLength(3);
    expect(merged.map((shard) => [shard.ParentShardId, shard.AdjacentParentShardId]).sort()).toEqual([
      [shardId(0), shardId(1)],
      [shardId(2), shardId(3)],
      [shardId(4), shardId(5)],
    ]);
  });

  it('goes from two to three by short-lived shards, each with two parents at most', async () => {
    const fixture = new Fixture({ shardCount: 2, limits: noReadRates });
    await scale(fixture, 3);
    const ranges = fixture.openRanges();
    expect(ranges).toHaveLength(3);
    expect(faultInCover(ranges)).toBeUndefined();
    const third = (1n << 128n) / 3n;
    for (const { start, end } of ranges) expect(Math.abs(Number(end - start - third))).toBeLessThan(4);
    // Two splits make four shards; the two in the middle are merged.
    expect(fixture.list().Shards).toHaveLength(2 + 4 + 1);
    const children = new Map(
      fixture.engine
        .inspect('flights')
        .filter((shard) => !shard.open)
        .map(({ shardId: ShardId }) => {
          const page = fixture.page(fixture.iterator({ ShardId, ShardIteratorType: 'TRIM_HORIZON' }));
          expect(page.NextShardIterator).toBeUndefined();
          return [ShardId, page.ChildShards?.map((child) => child.ShardId)];
        }),
    );
    for (const { shardId: id, parentShardIds } of fixture.engine.inspect('flights')) {
      for (const parent of parentShardIds) expect(children.get(parent)).toContain(id);
    }
  });

  it('has at every moment, past and present, shards for all hash keys', async () => {
    const fixture = new Fixture({ shardCount: 5 });
    const startMs = fixture.clock.wallTime();
    await fixture.clock.advance(1000);
    await scale(fixture, 7);
    await fixture.clock.advance(1000);
    for (let ms = 1005; ms < 1030; ms++) {
      const open = fixture
        .list({ ...stream, ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp: (startMs + ms) / 1000 } })
        .Shards.map(({ HashKeyRange: range }) => [BigInt(range.StartingHashKey), BigInt(range.EndingHashKey)] as const);
      // At the moment of a change both sides count, so that nothing may be missing, but something be there twice.
      let next = 0n;
      while (next < 1n << 128n) {
        const reach = open.filter(([start, end]) => start <= next && end >= next).map(([, end]) => end);
        expect(reach).not.toEqual([]);
        next = reach.reduce((a, b) => (a > b ? a : b)) + 1n;
      }
    }
  });

  it('makes uneven shards even, and leaves alone what is so already', async () => {
    const fixture = new Fixture({ shardCount: 2 });
    await fixture.split(shardId(0), '1000');
    await scale(fixture, 4);
    const quarter = 1n << 126n;
    expect(fixture.openRanges().map(({ start }) => start)).toEqual([0n, quarter, 2n * quarter, 3n * quarter]);
    const before = fixture.openRanges();
    await scale(fixture, 4);
    expect(fixture.openRanges()).toEqual(before);
  });

  it('routes records to the new shards, and keeps those of the old', async () => {
    const fixture = new Fixture({ shardCount: 1, limits: noReadRates });
    fixture.put('old');
    await scale(fixture, 2);
    expect(fixture.put('new', 'a').ShardId).toBe(shardId(1));
    const put = { ...stream, Data: '', PartitionKey: 'k', ExplicitHashKey: middleHashKey };
    expect(fixture.engine.handle('PutRecord', put).ShardId).toBe(shardId(2));
    expect(fixture.read(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }))).toEqual(['old']);
  });

  it('refuses more than double, less than half, and more than 10,000', async () => {
    const fixture = new Fixture({ shardCount: 5 });
    expect(() => update(fixture, 11)).toThrow(
      'UpdateShardCount cannot scale up over double your current open shard count. ' +
        'Current open shard count: 5, Target shard count: 11',
    );
    expect(() => update(fixture, 2)).toThrow('UpdateShardCount cannot scale down below half');
    expect(refusal(() => update(fixture, 11))).toBe('LimitExceededException');
    expect(refusal(() => update(fixture, 0))).toBe('ValidationException');
    expect(fixture.status()).toBe('ACTIVE');
    await scale(fixture, 3);
    expect(fixture.openRanges()).toHaveLength(3);
    const low = new Fixture({ shardCount: 5, limits: { shardCountUpdateMaxShards: 9 } });
    expect(() => update(low, 10)).toThrow('Target shard count or number of open shards cannot be greater than 9');
    expect(refusal(() => update(low, 9))).toBeUndefined();
  });

  it('goes only to double and half of the open shards, not of all', async () => {
    const fixture = new Fixture({ shardCount: 2 });
    await scale(fixture, 4);
    expect(refusal(() => update(fixture, 9))).toBe('LimitExceededException');
    expect(refusal(() => update(fixture, 8))).toBeUndefined();
  });

  it('takes one of ten calls per stream in any 24 hours, and a refused one none', async () => {
    const fixture = new Fixture({ shardCount: 2, limits: noControlPlaneRates });
    for (let call = 0; call < 10; call++) {
      expect(refusal(() => update(fixture, 9))).toBe('LimitExceededException');
      await scale(fixture, 2 + (call % 2));
      await fixture.clock.advance(60_000);
    }
    expect(() => update(fixture, 3)).toThrow('cannot be called more than 10 times in a rolling 24-hour period');
    await fixture.clock.advance(dayMs - 600_000 - 10 * transitionMs);
    expect(refusal(() => update(fixture, 3))).toBeUndefined();
    await fixture.clock.advance(transitionMs);
    expect(refusal(() => update(fixture, 3))).toBe('LimitExceededException');
  });

  it('counts short-lived shards against the quota', () => {
    const fixture = new Fixture({ shardCount: 2, limits: { shardQuota: 3 } });
    expect(refusal(() => update(fixture, 3))).toBe('LimitExceededException');
    const roomy = new Fixture({ shardCount: 2, limits: { shardQuota: 4 } });
    expect(refusal(() => update(roomy, 3))).toBeUndefined();
  });

  it('refuses another scaling type, and a stream that is not ACTIVE or not there', () => {
    const { engine } = new Fixture({ shardCount: 2 });
    const call = (input: object) => (): unknown => engine.dispatch('UpdateShardCount', { ...stream, ...input });
    expect(refusal(call({ TargetShardCount: 2, ScalingType: 'OTHER' }))).toBe('ValidationException');
    expect(refusal(call({ TargetShardCount: 2 }))).toBe('ValidationException');
    const valid = { TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' };
    expect(refusal(call({ ...valid, StreamName: 'none' }))).toBe('ResourceNotFoundException');
    expect(refusal(call(valid))).toBeUndefined();
    expect(refusal(call(valid))).toBe('ResourceInUseException');
  });

  it('ends in the range of the last hash key', async () => {
    const fixture = new Fixture({ shardCount: 4 });
    await scale(fixture, 7);
    expect(fixture.openRanges().at(-1)?.end.toString()).toBe(lastHashKey);
  });
});
