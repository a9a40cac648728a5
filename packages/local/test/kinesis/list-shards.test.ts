import { describe, expect, it } from '@jest/globals';
import { Fixture, lastHashKey, middleHashKey, refusal, shardId, stream, transitionMs } from './engine-fixture';

const hourMs = 3_600_000;

/** Shard 0 is split into 1 and 2 after an hour, and those are merged into 3 after another. */
async function lineage(): Promise<{ fixture: Fixture; startMs: number; splitMs: number; mergeMs: number }> {
  const fixture = new Fixture();
  const startMs = fixture.clock.wallTime();
  await fixture.clock.advance(hourMs);
  await fixture.split(shardId(0), middleHashKey);
  const splitMs = fixture.clock.wallTime();
  await fixture.clock.advance(hourMs);
  await fixture.merge(shardId(1), shardId(2));
  return { fixture, startMs, splitMs, mergeMs: fixture.clock.wallTime() };
}

const ids = (...indexes: number[]): string[] => indexes.map(shardId);

describe('ListShards', () => {
  it('shows hash keys that cover the whole space without gaps', () => {
    const { Shards } = new Fixture({ shardCount: 3 }).list();
    expect(Shards.map((shard) => shard.ShardId)).toEqual(ids(0, 1, 2));
    expect(Shards[0]?.HashKeyRange.StartingHashKey).toBe('0');
    expect(Shards[2]?.HashKeyRange.EndingHashKey).toBe(lastHashKey);
    for (const [index, shard] of Shards.slice(1).entries()) {
      expect(BigInt(shard.HashKeyRange.StartingHashKey)).toBe(
        BigInt(Shards[index]?.HashKeyRange.EndingHashKey ?? '') + 1n,
      );
    }
  });

  it('shows the parents of children', async () => {
    const { fixture } = await lineage();
    const { Shards } = fixture.list();
    expect(Shards[1]).toMatchObject({ ParentShardId: shardId(0) });
    expect(Shards[1]).not.toHaveProperty('AdjacentParentShardId');
    expect(Shards[3]).toMatchObject({ ParentShardId: shardId(1), AdjacentParentShardId: shardId(2) });
  });

  it('filters by what was open at a moment, and from it on', async () => {
    const { fixture, startMs, splitMs, mergeMs } = await lineage();
    const at = (ms: number): readonly string[] => fixture.listIds({ Type: 'AT_TIMESTAMP', Timestamp: ms / 1000 });
    const from = (ms: number): readonly string[] => fixture.listIds({ Type: 'FROM_TIMESTAMP', Timestamp: ms / 1000 });
    expect(at(startMs - hourMs)).toEqual(ids(0));
    expect(at(startMs)).toEqual(ids(0));
    expect(at(splitMs - 1)).toEqual(ids(0));
    expect(at(splitMs)).toEqual(ids(0, 1, 2));
    expect(at(splitMs + 1)).toEqual(ids(1, 2));
    expect(at(mergeMs + 1)).toEqual(ids(3));
    expect(from(0)).toEqual(ids(0, 1, 2, 3));
    expect(from(splitMs)).toEqual(ids(0, 1, 2, 3));
    expect(from(splitMs + 1)).toEqual(ids(1, 2, 3));
    expect(from(mergeMs + 1)).toEqual(ids(3));
  });

  it('has one moment for a merge, also if one parent could have ended before the other', () => {
    const fixture = new Fixture({ shardCount: 2 });
    const { engine } = fixture;
    // On a clock that stands still each generation begins a millisecond after the one before.
    const [left = '', right = ''] = engine.split('flights', shardId(0));
    const [younger = ''] = engine.split('flights', right);
    const [youngest = ''] = engine.split('flights', younger);
    const [child = ''] = engine.merge('flights', left, youngest);
    for (let ms = 0; ms < 8; ms++) {
      const open = fixture.listIds({ Type: 'AT_TIMESTAMP', Timestamp: (fixture.clock.wallTime() + ms) / 1000 });
      expect([shardId(0), left, child].filter((id) => open.includes(id))).not.toEqual([]);
    }
  });

  it('filters by the trim horizon, the tip, and an id', async () => {
    const { fixture } = await lineage();
    expect(fixture.listIds({ Type: 'AT_TRIM_HORIZON' })).toEqual(ids(0));
    expect(fixture.listIds({ Type: 'FROM_TRIM_HORIZON' })).toEqual(ids(0, 1, 2, 3));
    expect(fixture.listIds({ Type: 'AT_LATEST' })).toEqual(ids(3));
    expect(fixture.listIds({ Type: 'AFTER_SHARD_ID', ShardId: shardId(1) })).toEqual(ids(2, 3));
    await fixture.clock.advance(23 * hourMs - 1);
    expect(fixture.listIds({ Type: 'AT_TRIM_HORIZON' })).toEqual(ids(1, 2));
  });

  it('refuses filters that contradict themselves', () => {
    const fixture = new Fixture();
    for (const filter of [
      { Type: 'AFTER_SHARD_ID' },
      { Type: 'AT_LATEST', ShardId: shardId(0) },
      { Type: 'AT_TIMESTAMP' },
      { Type: 'AT_TRIM_HORIZON', Timestamp: 1 },
    ] as const) {
      expect(refusal(() => fixture.listIds(filter))).toBe('InvalidArgumentException');
    }
    expect(refusal(() => fixture.engine.dispatch('ListShards', { ...stream, ShardFilter: { Type: 'ALL' } }))).toBe(
      'ValidationException',
    );
  });

  it('pages, with the filter of the first page and its moment', async () => {
    const fixture = new Fixture({ shardCount: 5 });
    const first = fixture.list({ ...stream, MaxResults: 2, ShardFilter: { Type: 'AT_TRIM_HORIZON' } });
    await fixture.split(shardId(0), '1000');
    const second = fixture.list({ NextToken: first.NextToken ?? '', MaxResults: 2 });
    const third = fixture.list({ NextToken: second.NextToken ?? '' });
    const listed = [first, second, third].map((page) => page.Shards.map((shard) => shard.ShardId));
    expect(listed).toEqual([ids(0, 1), ids(2, 3), ids(4)]);
    expect(third.NextToken).toBeUndefined();
  });

  it('shows a thousand shards at most at a time', () => {
    const fixture = new Fixture({ shardCount: 1001 });
    const first = fixture.list({ ...stream, MaxResults: 10_000 });
    expect(first.Shards).toHaveLength(1000);
    expect(fixture.list({ NextToken: first.NextToken ?? '' }).Shards).toHaveLength(1);
  });

  it('starts after a given shard', () => {
    const fixture = new Fixture({ shardCount: 3 });
    const { Shards } = fixture.list({ ...stream, ExclusiveStartShardId: shardId(0) });
    expect(Shards.map((shard) => shard.ShardId)).toEqual(ids(1, 2));
  });

  it('refuses a token beside a name, a token of another kind, and one that is five minutes old', async () => {
    const fixture = new Fixture({ shardCount: 3 });
    const { NextToken = '' } = fixture.list({ ...stream, MaxResults: 1 });
    expect(refusal(() => fixture.list({ ...stream, NextToken }))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.list({ NextToken, ExclusiveStartShardId: shardId(0) }))).toBe(
      'InvalidArgumentException',
    );
    expect(refusal(() => fixture.list({ NextToken: fixture.iterator({ ShardIteratorType: 'LATEST' }) }))).toBe(
      'InvalidArgumentException',
    );
    await fixture.clock.advance(300_000);
    expect(refusal(() => fixture.list({ NextToken }))).toBeUndefined();
    await fixture.clock.advance(1);
    expect(refusal(() => fixture.list({ NextToken }))).toBe('ExpiredNextTokenException');
  });

  it('tells a stream from its predecessor by its creation time', async () => {
    const fixture = new Fixture();
    const StreamCreationTimestamp = fixture.clock.wallTime() / 1000;
    await fixture.clock.advance(5000);
    expect(refusal(() => fixture.list({ ...stream, StreamCreationTimestamp }))).toBeUndefined();
    fixture.engine.handle('DeleteStream', stream);
    await fixture.clock.advance(transitionMs);
    fixture.engine.addStream('flights', 1);
    expect(refusal(() => fixture.list({ ...stream, StreamCreationTimestamp }))).toBe('ResourceNotFoundException');
  });
});
