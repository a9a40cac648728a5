import type { Shard } from '@aws-sdk/client-kinesis';
import { idOf, isOpen, rangeOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, reshardingPage, rule } from '../contract-case';
import { given, holds, inUse, invalid, notFound, refused, same } from '../expectations';
import { exceedsRateOfChanges, likelySecondShardId, likelyShardId, unknownShardId } from './fixtures';

type Named = Pick<Shard, 'ShardId'>;

function merge(
  context: CaseContext,
  name: string,
  shard: Named | undefined,
  adjacent: Named | undefined,
): Promise<unknown> {
  return context.kinesis.mergeShards({
    StreamName: name,
    ShardToMerge: shard?.ShardId,
    AdjacentShardToMerge: adjacent?.ShardId,
  });
}

const unknownShard = { ShardId: unknownShardId };
/** Of a stream that is CREATING, whose shards can't be asked for. */
const likelyShards = [{ ShardId: likelyShardId }, { ShardId: likelySecondShardId }] as const;

const effects = [
  rule(
    'leaves the stream UPDATING, and ACTIVE later',
    async (context) => {
      const name = await context.stream(2);
      await merge(context, name, ...(await pair(context, name)));
      same('StreamStatus', (await context.summary(name)).StreamStatus, 'UPDATING');
      await context.untilActive(name);
    },
    { needs: ['states'] },
  ),
  ...(['lower first', 'higher first'] as const).map((order) =>
    rule(`combines two neighbours into one open child with all their hash keys, ${order}`, async (context) => {
      const name = await context.stream(3);
      const [left, right] = await pair(context, name);
      await merge(context, name, ...(order === 'lower first' ? ([left, right] as const) : ([right, left] as const)));
      await context.untilActive(name);
      const shards = await context.shards(name);
      same('open or not', shards.map(isOpen), [false, false, true, true]);
      same('the hash keys', rangeOf(given(shards[3], 'the child')), [rangeOf(left)[0], rangeOf(right)[1]]);
    }),
  ),
  rule(
    'names both parents in the child: ParentShardId and AdjacentParentShardId',
    async (context) => {
      const name = await context.stream(2);
      const parents = await pair(context, name);
      await context.merge(name, ...parents);
      const child = await context.shard(name, 2);
      same('the parents', [child.ParentShardId, child.AdjacentParentShardId].sort(), parents.map(idOf));
    },
    { page: apiPage('Shard') },
  ),
  rule(
    'closes both parents, each with an EndingSequenceNumber that is not below its last record’s',
    async (context) => {
      const name = await context.stream(2);
      const parents = await pair(context, name);
      const last: bigint[] = [];
      for (const parent of parents) last.push(await putNumber(context, name, parent));
      await context.merge(name, ...parents);
      for (const [index, parent] of (await pair(context, name)).entries()) {
        const end = BigInt(given(parent.SequenceNumberRange?.EndingSequenceNumber, 'EndingSequenceNumber'));
        holds(end >= (last[index] ?? 0n), 'EndingSequenceNumber is below the last record');
      }
    },
    { page: apiPage('SequenceNumberRange') },
  ),
  rule(
    'lets the sequence numbers of both parents’ hash keys grow on in the child',
    async (context) => {
      const name = await context.stream(2);
      const parents = await pair(context, name);
      const before: bigint[] = [];
      for (const parent of parents) before.push(await putNumber(context, name, parent));
      await context.merge(name, ...parents);
      for (const [index, parent] of parents.entries()) {
        const after = await putNumber(context, name, parent);
        holds(after > (before[index] ?? 0n), 'the sequence numbers of a hash key do not grow');
      }
    },
    { page: apiPage('PutRecord') },
  ),
  rule('routes all hash keys of both parents to the child', async (context) => {
    const name = await context.stream(2);
    const parents = await pair(context, name);
    await context.merge(name, ...parents);
    const child = await context.shard(name, 2);
    for (const parent of parents) same('ShardId', (await context.put(name, 'new', parent)).ShardId, child.ShardId);
  }),
  rule(
    'leaves the parents’ records in the parents, readable',
    async (context) => {
      const name = await context.stream(2);
      const parents = await pair(context, name);
      for (const parent of parents) await context.put(name, idOf(parent), parent);
      await context.merge(name, ...parents);
      for (const parent of parents) same('the records', (await context.readFrom(name, parent)).texts, [idOf(parent)]);
    },
    { page: reshardingPage },
  ),
];

/** The sequence number of a new record with the first hash key of this shard. */
async function putNumber(context: CaseContext, name: string, shard: Shard): Promise<bigint> {
  return BigInt(given((await context.put(name, 'data', shard)).SequenceNumber, 'SequenceNumber'));
}

/** The first two shards, which are neighbours. */
async function pair(context: CaseContext, name: string): Promise<readonly [Shard, Shard]> {
  const [left, right] = await context.shards(name);
  return [given(left, 'a shard'), given(right, 'a shard')];
}

const refusals = [
  rule('refuses shards that are not adjacent', async (context) => {
    const name = await context.stream(3);
    await refused(merge(context, name, await context.shard(name, 0), await context.shard(name, 2)), invalid);
  }),
  rule('refuses a shard with itself', async (context) => {
    const name = await context.stream(2);
    const shard = await context.shard(name);
    await refused(merge(context, name, shard, shard), invalid);
  }),
  rule('refuses a shard that is closed', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await pair(context, name);
    await context.split(name, left);
    await refused(merge(context, name, left, right), ['InvalidArgumentException']);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (context) => {
    const name = await context.stream(2);
    const shard = await context.shard(name);
    await refused(merge(context, name, shard, unknownShard), notFound, 'as AdjacentShardToMerge');
    await refused(merge(context, name, unknownShard, shard), notFound, 'as ShardToMerge');
  }),
  rule('needs ShardToMerge and AdjacentShardToMerge', async (context) => {
    const name = await context.stream(2);
    const shard = await context.shard(name);
    await refused(merge(context, name, undefined, shard), invalid, 'no ShardToMerge');
    await refused(merge(context, name, shard, undefined), invalid, 'no AdjacentShardToMerge');
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(merge(context, await context.creating({ ShardCount: 2 }), ...likelyShards), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (context) => {
      const name = await context.stream(4);
      const [first, second, third, fourth] = await context.shards(name);
      await merge(context, name, first, second);
      await refused(merge(context, name, third, fourth), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is DELETING',
    async (context) => {
      const name = await context.stream(2);
      const parents = await pair(context, name);
      await context.patiently(() => context.kinesis.deleteStream({ StreamName: name }));
      await refused(merge(context, name, ...parents), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (context) => {
    const name = await context.onDemandStream();
    await refused(merge(context, name, await context.shard(name, 0), await context.shard(name, 1)), [
      'ValidationException',
    ]);
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (context) => {
      await exceedsRateOfChanges(context, { shardCount: 2, perSecond: 5 }, (name, [left, right]) =>
        merge(context, name, left, right),
      );
    },
    { needs: ['costly'] },
  ),
];

export const mergeShardsCases = casesOf('MergeShards', [...effects, ...refusals]);
