import type { Shard } from '@aws-sdk/client-kinesis';
import { greatestHashKey, idOf, isOpen, rangeOf, type Bench } from '../bench';
import { apiPage, casesOf, reshardingPage, rule } from '../contract-case';
import { given, holds, inUse, invalid, notFound, outcomeOf, overLimit, refused, same } from '../expectations';
import { streamsForRates } from './fixtures';

function split(bench: Bench, name: string, shard: Shard | string, hashKey: bigint | string): Promise<unknown> {
  return bench.kinesis.splitShard({
    StreamName: name,
    ShardToSplit: typeof shard === 'string' ? shard : idOf(shard),
    NewStartingHashKey: String(hashKey),
  });
}

const effects = [
  rule(
    'leaves the stream UPDATING, and ACTIVE later',
    async (bench) => {
      const name = await bench.stream();
      await split(bench, name, await bench.shard(name), 1000n);
      same('StreamStatus', (await bench.summary(name)).StreamStatus, 'UPDATING');
      await bench.untilActive(name);
    },
    { needs: ['states'] },
  ),
  rule('divides the hash keys at NewStartingHashKey between two open children', async (bench) => {
    const name = await bench.stream();
    const parent = await bench.shard(name);
    await split(bench, name, parent, 12_345n);
    await bench.untilActive(name);
    const [closed, ...children] = await bench.shards(name);
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
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'first');
      const { SequenceNumber: last } = await bench.put(name, 'last');
      await bench.split(name, await bench.shard(name));
      const { SequenceNumberRange: range } = await bench.shard(name);
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
    'starts the children’s sequence numbers above the parent’s end, so that they grow for every key',
    async (bench) => {
      const name = await bench.stream();
      const before = await bench.put(name, 'before');
      await bench.split(name, await bench.shard(name));
      const [parent, ...children] = await bench.shards(name);
      const end = BigInt(given(parent?.SequenceNumberRange?.EndingSequenceNumber, 'EndingSequenceNumber'));
      for (const child of children) {
        const start = BigInt(given(child.SequenceNumberRange?.StartingSequenceNumber, 'StartingSequenceNumber'));
        holds(start > end, 'a child’s StartingSequenceNumber is not above its parent’s EndingSequenceNumber');
      }
      const after = await bench.put(name, 'before');
      holds(
        BigInt(given(after.SequenceNumber, 'it')) > BigInt(given(before.SequenceNumber, 'it')),
        'the sequence numbers of a partition key do not grow',
      );
    },
    { page: apiPage('PutRecord') },
  ),
  rule(
    'leaves the parent’s records in the parent, readable, and puts new ones into the children',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      await bench.split(name, await bench.shard(name));
      const { ShardId: id } = await bench.put(name, 'new');
      const [parent, ...children] = await bench.shards(name);
      holds(
        children.some((child) => child.ShardId === id),
        'the new record is not in a child',
      );
      same('the records of the parent', (await bench.readFrom(name, given(parent, 'it'))).texts, ['old']);
    },
    { page: reshardingPage },
  ),
  rule(
    'lets reads and writes go on while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream();
      const shard = await bench.shard(name);
      const iterator = await bench.iterator(name, shard);
      await split(bench, name, shard, 1000n);
      same('PutRecord', await outcomeOf(bench.put(name, 'data')), 'accepted');
      same('GetRecords', await outcomeOf(bench.getRecords(iterator)), 'accepted');
      same('GetShardIterator', await outcomeOf(bench.iterator(name, shard)), 'accepted');
    },
    { needs: ['states'] },
  ),
];

const refusals = [
  rule('refuses a NewStartingHashKey outside of the shard’s hash keys', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = (await bench.shards(name)).map((shard) => given(shard, 'a shard'));
    const boundary = rangeOf(given(right, 'a shard'))[0];
    await refused(split(bench, name, given(left, 'it'), boundary + 1000n), invalid, 'a key of the next shard');
    await refused(split(bench, name, given(right, 'it'), 1000n), invalid, 'a key of the shard before');
    await refused(split(bench, name, given(right, 'it'), greatestHashKey + 1n), invalid, 'a key above 2^128-1');
  }),
  rule('refuses a NewStartingHashKey that is no decimal integer', async (bench) => {
    const name = await bench.stream();
    for (const key of ['', 'abc', '-1', '01']) {
      await refused(split(bench, name, await bench.shard(name), key), invalid, `'${key}'`);
    }
  }),
  rule('refuses a shard that is closed', async (bench) => {
    const name = await bench.stream();
    const shard = await bench.shard(name);
    await bench.split(name, shard);
    await refused(split(bench, name, shard, 1000n), ['InvalidArgumentException']);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (bench) => {
    await refused(split(bench, await bench.stream(), 'shardId-000000009999', 1000n), notFound);
  }),
  rule('needs ShardToSplit and NewStartingHashKey', async (bench) => {
    const name = await bench.stream();
    const { kinesis } = bench;
    const id = idOf(await bench.shard(name));
    const input = { StreamName: name, ShardToSplit: id, NewStartingHashKey: '1000' };
    await refused(kinesis.splitShard({ ...input, ShardToSplit: undefined }), invalid, 'no ShardToSplit');
    await refused(kinesis.splitShard({ ...input, NewStartingHashKey: undefined }), invalid, 'no NewStartingHashKey');
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(split(bench, await bench.creating(), 'shardId-000000000000', 1000n), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream(2);
      const [left, right] = (await bench.shards(name)).map(idOf);
      await split(bench, name, given(left, 'it'), 1000n);
      await refused(split(bench, name, given(right, 'it'), greatestHashKey - 1000n), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (bench) => {
    const name = await bench.onDemandStream();
    await refused(split(bench, name, await bench.shard(name), 1000n), ['ValidationException']);
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (bench) => {
      const names = (await streamsForRates(bench, 1)).values();
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () =>
          outcomeOf(split(bench, names.next().value ?? '', 'shardId-000000000000', 1000n)),
        ),
      );
      same('the outcomes', [...new Set(outcomes)].sort(), [...overLimit, 'accepted'].sort());
    },
    { needs: ['costly'] },
  ),
];

export const splitShardCases = casesOf('SplitShard', [...effects, ...refusals]);
