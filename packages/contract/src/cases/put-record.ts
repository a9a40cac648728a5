import { createHash } from 'node:crypto';
import type { Shard } from '@aws-sdk/client-kinesis';
import { greatestHashKey, idOf, rangeOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, needing, quotasPage, reshardingPage, rule } from '../contract-case';
import { given, holds, invalid, outcomeOf, refused, same, throttled } from '../expectations';
import { bytes, kibibyte, mebibyte } from './fixtures';

/** The shard whose hash keys contain this one. */
function shardOf(shards: readonly Shard[], hashKey: bigint): string {
  const found = shards.find((shard) => {
    const [start, end] = rangeOf(shard);
    return start <= hashKey && hashKey <= end;
  });
  return idOf(given(found, 'a shard for the hash key'));
}

function md5(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey, 'utf8').digest('hex')}`);
}

function put(context: CaseContext, name: string, input: { readonly key?: string; readonly hashKey?: bigint | string }) {
  return context.kinesis.putRecord({
    StreamName: name,
    Data: Buffer.from('data'),
    PartitionKey: input.key ?? 'key',
    ...(input.hashKey !== undefined && { ExplicitHashKey: String(input.hashKey) }),
  });
}

const routing = [
  rule('maps a partition key to a shard by its MD5 hash', async (context) => {
    const name = await context.stream(4);
    const shards = await context.shards(name);
    const keys = ['a', 'LH 400', 'Zürich', '東京', ' ', ...Array.from({ length: 15 }, (_, index) => `key ${index}`)];
    for (const key of keys) {
      same(`the shard of '${key}'`, (await put(context, name, { key })).ShardId, shardOf(shards, md5(key)));
    }
  }),
  rule('maps the same partition key to the same shard every time', async (context) => {
    const name = await context.stream(4);
    const ids = new Set<string | undefined>();
    for (let index = 0; index < 5; index++) ids.add((await put(context, name, { key: 'LH 400' })).ShardId);
    same('the number of shards', ids.size, 1);
  }),
  rule('puts a record by ExplicitHashKey to the shard whose range contains it, both ends included', async (context) => {
    const name = await context.stream(3);
    for (const shard of await context.shards(name)) {
      for (const hashKey of rangeOf(shard)) {
        same(`the shard of ${hashKey}`, (await put(context, name, { hashKey })).ShardId, shard.ShardId);
      }
    }
  }),
  rule('prefers ExplicitHashKey to the hash of the partition key', async (context) => {
    const name = await context.stream(2);
    const shards = await context.shards(name);
    const hashKey = md5('LH 400') > greatestHashKey / 2n ? 0n : greatestHashKey;
    same('the shard', (await put(context, name, { key: 'LH 400', hashKey })).ShardId, shardOf(shards, hashKey));
  }),
  rule(
    'routes to the children after a split, at the exact boundary',
    async (context) => {
      const name = await context.stream();
      await context.split(name, await context.shard(name));
      const [, left, right] = (await context.shards(name)).map((shard) => given(shard, 'a shard'));
      const [lower, upper] = [given(left, 'a child'), given(right, 'a child')].sort((a, b) =>
        rangeOf(a)[0] < rangeOf(b)[0] ? -1 : 1,
      );
      const boundary = rangeOf(given(upper, 'a child'))[0];
      same('below it', (await put(context, name, { hashKey: boundary - 1n })).ShardId, lower?.ShardId);
      same('at it', (await put(context, name, { hashKey: boundary })).ShardId, upper?.ShardId);
    },
    { page: reshardingPage },
  ),
];

const sequenceNumbers = [
  rule('answers with a sequence number of up to 128 digits', async (context) => {
    const { SequenceNumber: number } = await context.put(await context.stream(), 'data');
    holds(/^(0|[1-9]\d{0,127})$/.test(given(number, 'SequenceNumber')), 'SequenceNumber is no decimal integer');
  }),
  rule('gives growing sequence numbers within a shard', async (context) => {
    const name = await context.stream();
    let last = -1n;
    for (let index = 0; index < 10; index++) {
      const number = BigInt(given((await context.put(name, 'data')).SequenceNumber, 'SequenceNumber'));
      holds(number > last, 'a sequence number is not above the one before');
      last = number;
    }
  }),
  rule('gives sequence numbers that are unique in the stream', async (context) => {
    const name = await context.stream(2);
    const puts = Array.from({ length: 20 }, (_, index) => put(context, name, { key: `key ${index}` }));
    const numbers = new Set((await Promise.all(puts)).map(({ SequenceNumber: number }) => number));
    same('different numbers', numbers.size, 20);
  }),
  rule('gives sequence numbers from the shard’s StartingSequenceNumber on', async (context) => {
    const name = await context.stream();
    const { SequenceNumberRange: range } = await context.shard(name);
    const start = BigInt(given(range?.StartingSequenceNumber, 'StartingSequenceNumber'));
    const number = BigInt(given((await context.put(name, 'data')).SequenceNumber, 'SequenceNumber'));
    holds(number >= start, 'the sequence number is below StartingSequenceNumber');
  }),
  rule('gives a number above SequenceNumberForOrdering, with the number of the record before', async (context) => {
    const name = await context.stream();
    let last: string | undefined;
    for (let index = 0; index < 5; index++) {
      const { SequenceNumber: number } = await context.kinesis.putRecord({
        StreamName: name,
        Data: Buffer.from(String(index)),
        PartitionKey: 'key',
        ...(last !== undefined && { SequenceNumberForOrdering: last }),
      });
      holds(BigInt(given(number, 'SequenceNumber')) > BigInt(last ?? -1), 'a sequence number does not grow');
      last = number;
    }
    const { texts } = await context.readFrom(name, await context.shard(name));
    same('the records', texts, ['0', '1', '2', '3', '4']);
  }),
  rule('refuses a SequenceNumberForOrdering that is no decimal integer', async (context) => {
    const name = await context.sharedStream();
    for (const number of ['abc', '-1', '0123']) {
      const input = { StreamName: name, Data: bytes(1), PartitionKey: 'key', SequenceNumberForOrdering: number };
      await refused(context.kinesis.putRecord(input), invalid, `'${number}'`);
    }
  }),
];

const records = [
  rule('takes empty data', async (context) => {
    const name = await context.stream();
    await context.put(name, '');
    const [record] = (await context.readFrom(name, await context.shard(name))).records;
    same('the length of Data', record?.Data?.byteLength, 0);
  }),
  ...(
    [
      ['letters', 'k'],
      ['letters of two bytes', 'ü'],
      ['letters of three bytes', '東'],
    ] as const
  ).map(([what, letter]) =>
    rule(`takes a partition key of 256 ${what}, and refuses one of 257`, async (context) => {
      const name = await context.stream();
      const key = letter.repeat(256);
      await put(context, name, { key });
      const [record] = (await context.readFrom(name, await context.shard(name))).records;
      same('PartitionKey', record?.PartitionKey, key);
      await refused(put(context, name, { key: letter.repeat(257) }), invalid, '257');
    }),
  ),
  rule('refuses an empty partition key', async (context) => {
    await refused(put(context, await context.sharedStream(), { key: '' }), invalid);
  }),
  rule('needs Data and PartitionKey', async (context) => {
    const name = await context.sharedStream();
    const { kinesis } = context;
    await refused(kinesis.putRecord({ StreamName: name, Data: undefined, PartitionKey: 'key' }), invalid, 'no Data');
    await refused(
      kinesis.putRecord({ StreamName: name, Data: bytes(1), PartitionKey: undefined }),
      invalid,
      'no PartitionKey',
    );
  }),
  rule('refuses an ExplicitHashKey that is no decimal integer', async (context) => {
    const name = await context.sharedStream();
    for (const hashKey of ['', 'abc', '-1', '01', '1.5', '0x10']) {
      await refused(put(context, name, { hashKey }), invalid, `'${hashKey}'`);
    }
  }),
  rule('refuses an ExplicitHashKey above 2^128-1', async (context) => {
    await refused(put(context, await context.sharedStream(), { hashKey: greatestHashKey + 1n }), invalid);
  }),
];

/** Of so many bytes, a key of ten included. */
function putOfSize(context: CaseContext, name: string, size: number): Promise<unknown> {
  return context.kinesis.putRecord({ StreamName: name, Data: bytes(size - 10), PartitionKey: 'k'.repeat(10) });
}

const limits = needing('megabytes', [
  rule(
    'takes a record of 1 MiB, its partition key included, and refuses a byte more',
    async (context) => {
      const name = await context.stream();
      await refused(putOfSize(context, name, mebibyte + 1), invalid, 'a byte more');
      same('1 MiB', await outcomeOf(putOfSize(context, name, mebibyte)), 'accepted');
    },
    { page: apiPage('Record') },
  ),
  rule('throttles more than 1 MiB per second and shard, and no other shard', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await context.shards(name);
    const write = (shard: Shard | undefined, size: number): Promise<string> =>
      outcomeOf(
        context.kinesis.putRecord({
          StreamName: name,
          Data: bytes(size),
          PartitionKey: 'key',
          ExplicitHashKey: shard?.HashKeyRange?.StartingHashKey,
        }),
      );
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => write(left, 300 * kibibyte)));
    same('the outcomes', [...new Set(outcomes)].sort(), [...throttled, 'accepted'].sort());
    same('another shard', await write(right, 300 * kibibyte), 'accepted');
    await context.rest(3000);
    same('the same shard later', await write(left, 300 * kibibyte), 'accepted');
  }),
  rule(
    'does not store a record that was throttled',
    async (context) => {
      const name = await context.stream();
      const attempts = Array.from({ length: 10 }, () => outcomeOf(putOfSize(context, name, 300 * kibibyte)));
      const accepted = (await Promise.all(attempts)).filter((outcome) => outcome === 'accepted').length;
      await context.rest(3000);
      same('the records', (await context.readFrom(name, await context.shard(name))).records.length, accepted);
    },
    { page: quotasPage },
  ),
]);

const states = [
  rule(
    'works while the stream is UPDATING',
    async (context) => {
      const name = await context.stream();
      await context.kinesis.splitShard({
        StreamName: name,
        ShardToSplit: idOf(await context.shard(name)),
        NewStartingHashKey: '1000',
      });
      same('the call', await outcomeOf(context.put(name, 'data')), 'accepted');
    },
    { needs: ['states'], page: apiPage('SplitShard') },
  ),
];

export const putRecordCases = casesOf('PutRecord', [...routing, ...sequenceNumbers, ...records, ...limits, ...states]);
