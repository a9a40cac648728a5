import type { Shard } from '@aws-sdk/client-kinesis';
import { greatestHashKey, idOf, isOpen, rangeOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, reshardingPage, rule } from '../contract-case';
import { given, holds, inUse, invalid, notFound, outcomeOf, refused, same } from '../expectations';
import { exceedsRateOfChanges, likelyShardId, unknownShardId } from './fixtures';

function split(context: CaseContext, name: string, shard: Shard | string, hashKey: bigint | string): Promise<unknown> {
  return context.kinesis.splitShard({
    StreamName: name,
    ShardToSplit: typeof shard === 'string' ? shard : idOf(shard),
    NewStartingHashKey: String(hashKey),
  });
}

const effects = [
  rule(
    'leaves the stream UPDATING, and ACTIVE later',
    async (context) => {
      const name = await context.stream();
      await split(context, name, await context.shard(name), 1000n);
      same('StreamStatus', (await context.summary(name)).StreamStatus, 'UPDATING');
      await context.untilActive(name);
    },
    { needs: ['states'] },
  ),
  rule('divides the hash keys at NewStartingHashKey between two open children', async (context) => {
    const name = await context.stream();
    const parent = await context.shard(name);
    await split(context, name, parent, 12_345n);
    await context.untilActive(name);
    const [closed, ...children] = await context.shards(name);
    same('open or not', [given(closed, 'a shard'), ...children].map(isOpen), [false, true, true]);
    same(
      'the hash keys',
      children.map(rangeOf).sort(([a], [b]) => (a < b ? -1 : 1)),
      [
        [0n, 12_344n],
        [12_345n, greatestHashKey],
      ],
    );
    same(
      'ParentShardId',
      children.map(({ ParentShardId: id }) => id),
      [parent.ShardId, parent.ShardId],
    );
  }),
  rule(
    'closes the parent with an EndingSequenceNumber that is not below its last record’s',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'first');
      const { SequenceNumber: last } = await context.put(name, 'last');
      await context.split(name, await context.shard(name));
      const { SequenceNumberRange: range } = await context.shard(name);
      const end = BigInt(given(range?.EndingSequenceNumber, 'EndingSequenceNumber'));
      holds(end >= BigInt(given(last, 'SequenceNumber')), 'EndingSequenceNumber is below the last record');
      holds(
        end >= BigInt(given(range?.StartingSequenceNumber, 'it')),
        'EndingSequenceNumber is below StartingSequenceNumber',
      );
    },
    { page: apiPage('SequenceNumberRange') },
  ),
  rule(
    'lets the sequence numbers of a partition key grow on in the child',
    async (context) => {
      const name = await context.stream();
      const before = await context.put(name, 'key');
      await context.split(name, await context.shard(name));
      const after = await context.put(name, 'key');
      holds(
        BigInt(given(after.SequenceNumber, 'it')) > BigInt(given(before.SequenceNumber, 'it')),
        'the sequence numbers of a partition key do not grow',
      );
    },
    { page: apiPage('PutRecord') },
  ),
  rule(
    'leaves the parent’s records in the parent, readable, and puts new ones into the children',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      await context.split(name, await context.shard(name));
      const { ShardId: id } = await context.put(name, 'new');
      const [parent, ...children] = await context.shards(name);
      holds(
        children.some((child) => child.ShardId === id),
        'the new record is not in a child',
      );
      same('the records of the parent', (await context.readFrom(name, given(parent, 'it'))).texts, ['old']);
    },
    { page: reshardingPage },
  ),
  rule(
    'lets reads and writes go on while the stream is UPDATING',
    async (context) => {
      const name = await context.stream();
      const shard = await context.shard(name);
      const iterator = await context.iterator(name, shard);
      await split(context, name, shard, 1000n);
      same('PutRecord', await outcomeOf(context.put(name, 'data')), 'accepted');
      same('GetRecords', await outcomeOf(context.getRecords(iterator)), 'accepted');
      same('GetShardIterator', await outcomeOf(context.iterator(name, shard)), 'accepted');
    },
    { needs: ['states'] },
  ),
];

const refusals = [
  rule('refuses a NewStartingHashKey outside of the shard’s hash keys', async (context) => {
    const name = await context.stream(2);
    const [left, right] = (await context.shards(name)).map((shard) => given(shard, 'a shard'));
    const boundary = rangeOf(given(right, 'a shard'))[0];
    await refused(split(context, name, given(left, 'it'), boundary + 1000n), invalid, 'a key of the next shard');
    await refused(split(context, name, given(right, 'it'), 1000n), invalid, 'a key of the shard before');
    await refused(split(context, name, given(right, 'it'), greatestHashKey + 1n), invalid, 'a key above 2^128-1');
  }),
  rule('refuses a NewStartingHashKey that is no decimal integer', async (context) => {
    const name = await context.stream();
    for (const key of ['', 'abc', '-1', '01']) {
      await refused(split(context, name, await context.shard(name), key), invalid, `'${key}'`);
    }
  }),
  rule('refuses a shard that is closed', async (context) => {
    const name = await context.stream();
    const shard = await context.shard(name);
    await context.split(name, shard);
    await refused(split(context, name, shard, 1000n), ['InvalidArgumentException']);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (context) => {
    await refused(split(context, await context.stream(), unknownShardId, 1000n), notFound);
  }),
  rule('needs ShardToSplit and NewStartingHashKey', async (context) => {
    const name = await context.stream();
    const { kinesis } = context;
    const id = idOf(await context.shard(name));
    const input = { StreamName: name, ShardToSplit: id, NewStartingHashKey: '1000' };
    await refused(kinesis.splitShard({ ...input, ShardToSplit: undefined }), invalid, 'no ShardToSplit');
    await refused(kinesis.splitShard({ ...input, NewStartingHashKey: undefined }), invalid, 'no NewStartingHashKey');
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(split(context, await context.creating(), likelyShardId, 1000n), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (context) => {
      const name = await context.stream(2);
      const [left, right] = (await context.shards(name)).map(idOf);
      await split(context, name, given(left, 'it'), 1000n);
      await refused(split(context, name, given(right, 'it'), greatestHashKey - 1000n), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (context) => {
    const name = await context.onDemandStream();
    await refused(split(context, name, await context.shard(name), 1000n), ['ValidationException']);
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (context) => {
      await exceedsRateOfChanges(context, { shardCount: 1, perSecond: 5 }, (name, [shard]) =>
        split(context, name, given(shard, 'a shard'), 1000n),
      );
    },
    { needs: ['costly'] },
  ),
];

export const splitShardCases = casesOf('SplitShard', [...effects, ...refusals]);
