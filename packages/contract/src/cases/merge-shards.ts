import type { Shard } from '@aws-sdk/client-kinesis';
import { idOf, isOpen, rangeOf, type Bench } from '../bench';
import { apiPage, casesOf, reshardingPage, rule } from '../contract-case';
import { given, holds, inUse, invalid, notFound, outcomeOf, overLimit, refused, same } from '../expectations';
import { streamsForRates } from './fixtures';

function merge(bench: Bench, name: string, shard: Shard | undefined, adjacent: Shard | undefined): Promise<unknown> {
  return bench.kinesis.mergeShards({
    StreamName: name,
    ShardToMerge: shard?.ShardId,
    AdjacentShardToMerge: adjacent?.ShardId,
  });
}

const unknownShard = { ShardId: 'shardId-000000009999', HashKeyRange: undefined, SequenceNumberRange: undefined };
const firstShard = { ...unknownShard, ShardId: 'shardId-000000000000' };
const secondShard = { ...unknownShard, ShardId: 'shardId-000000000001' };

const effects = [
  rule(
    'leaves the stream UPDATING, and ACTIVE later',
    async (bench) => {
      const name = await bench.stream(2);
      await merge(bench, name, ...(await pair(bench, name)));
      same('StreamStatus', (await bench.summary(name)).StreamStatus, 'UPDATING');
      await bench.untilActive(name);
    },
    { needs: ['states'] },
  ),
  ...(['lower first', 'higher first'] as const).map((order) =>
    rule(`combines two neighbours into one open child with all their hash keys, ${order}`, async (bench) => {
      const name = await bench.stream(3);
      const [left, right] = await pair(bench, name);
      await merge(bench, name, ...(order === 'lower first' ? ([left, right] as const) : ([right, left] as const)));
      await bench.untilActive(name);
      const shards = await bench.shards(name);
      same('open or not', shards.map(isOpen), [false, false, true, true]);
      same('the hash keys', rangeOf(given(shards[3], 'the child')), [rangeOf(left)[0], rangeOf(right)[1]]);
    }),
  ),
  rule(
    'names both parents in the child: ParentShardId and AdjacentParentShardId',
    async (bench) => {
      const name = await bench.stream(2);
      const parents = await pair(bench, name);
      await bench.merge(name, ...parents);
      const child = await bench.shard(name, 2);
      same('the parents', [child.ParentShardId, child.AdjacentParentShardId].sort(), parents.map(idOf));
    },
    { page: apiPage('Shard') },
  ),
  rule(
    'closes both parents, each with an EndingSequenceNumber not below its last record’s and below the child’s start',
    async (bench) => {
      const name = await bench.stream(2);
      const parents = await pair(bench, name);
      const last: bigint[] = [];
      for (const parent of parents) {
        last.push(BigInt(given((await bench.put(name, 'data', parent)).SequenceNumber, 'SequenceNumber')));
      }
      await bench.merge(name, ...parents);
      const [left, right, child] = await bench.shards(name);
      const start = BigInt(given(child?.SequenceNumberRange?.StartingSequenceNumber, 'StartingSequenceNumber'));
      for (const [index, parent] of [left, right].entries()) {
        const end = BigInt(given(parent?.SequenceNumberRange?.EndingSequenceNumber, 'EndingSequenceNumber'));
        holds(end >= (last[index] ?? 0n), 'EndingSequenceNumber is below the last record');
        holds(start > end, 'the child’s StartingSequenceNumber is not above its parents’ EndingSequenceNumber');
      }
    },
    { page: apiPage('SequenceNumberRange') },
  ),
  rule('routes all hash keys of both parents to the child', async (bench) => {
    const name = await bench.stream(2);
    const parents = await pair(bench, name);
    await bench.merge(name, ...parents);
    const child = await bench.shard(name, 2);
    for (const parent of parents) same('ShardId', (await bench.put(name, 'new', parent)).ShardId, child.ShardId);
  }),
  rule(
    'leaves the parents’ records in the parents, readable',
    async (bench) => {
      const name = await bench.stream(2);
      const parents = await pair(bench, name);
      for (const parent of parents) await bench.put(name, idOf(parent), parent);
      await bench.merge(name, ...parents);
      for (const parent of parents) same('the records', (await bench.readFrom(name, parent)).texts, [idOf(parent)]);
    },
    { page: reshardingPage },
  ),
];

/** The first two shards, which are neighbours. */
async function pair(bench: Bench, name: string): Promise<readonly [Shard, Shard]> {
  const [left, right] = await bench.shards(name);
  return [given(left, 'a shard'), given(right, 'a shard')];
}

const refusals = [
  rule('refuses shards that are not adjacent', async (bench) => {
    const name = await bench.stream(3);
    await refused(merge(bench, name, await bench.shard(name, 0), await bench.shard(name, 2)), invalid);
  }),
  rule('refuses a shard with itself', async (bench) => {
    const name = await bench.stream(2);
    const shard = await bench.shard(name);
    await refused(merge(bench, name, shard, shard), invalid);
  }),
  rule('refuses a shard that is closed', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = await pair(bench, name);
    await bench.split(name, left);
    await refused(merge(bench, name, left, right), ['InvalidArgumentException']);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (bench) => {
    const name = await bench.stream(2);
    const shard = await bench.shard(name);
    await refused(merge(bench, name, shard, unknownShard), notFound, 'as AdjacentShardToMerge');
    await refused(merge(bench, name, unknownShard, shard), notFound, 'as ShardToMerge');
  }),
  rule('needs ShardToMerge and AdjacentShardToMerge', async (bench) => {
    const name = await bench.stream(2);
    const shard = await bench.shard(name);
    await refused(merge(bench, name, undefined, shard), invalid, 'no ShardToMerge');
    await refused(merge(bench, name, shard, undefined), invalid, 'no AdjacentShardToMerge');
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(merge(bench, await bench.creating({ ShardCount: 2 }), firstShard, secondShard), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream(4);
      const [first, second, third, fourth] = await bench.shards(name);
      await merge(bench, name, first, second);
      await refused(merge(bench, name, third, fourth), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is DELETING',
    async (bench) => {
      const name = await bench.stream(2);
      await bench.patiently(() => bench.kinesis.deleteStream({ StreamName: name }));
      await refused(merge(bench, name, firstShard, secondShard), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (bench) => {
    const name = await bench.onDemandStream();
    await refused(merge(bench, name, await bench.shard(name, 0), await bench.shard(name, 1)), ['ValidationException']);
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (bench) => {
      const names = (await streamsForRates(bench, 2)).values();
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () => outcomeOf(merge(bench, names.next().value ?? '', firstShard, secondShard))),
      );
      same('the outcomes', [...new Set(outcomes)].sort(), [...overLimit, 'accepted'].sort());
    },
    { needs: ['costly'] },
  ),
];

export const mergeShardsCases = casesOf('MergeShards', [...effects, ...refusals]);
