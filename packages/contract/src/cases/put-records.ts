import type { PutRecordsCommandOutput, PutRecordsRequestEntry, Shard } from '@aws-sdk/client-kinesis';
import { idOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, needing, quotasPage, rule } from '../contract-case';
import { given, holds, invalid, outcomeOf, refused, same, throttled } from '../expectations';
import { bytes, kibibyte, mebibyte } from './fixtures';

function entries(count: number): readonly PutRecordsRequestEntry[] {
  return Array.from({ length: count }, (_, index) => ({ Data: Buffer.from(String(index)), PartitionKey: 'key' }));
}

function putAll(
  context: CaseContext,
  name: string,
  records: readonly PutRecordsRequestEntry[],
): Promise<PutRecordsCommandOutput> {
  return context.kinesis.putRecords({ StreamName: name, Records: [...records] });
}

function to(shard: Shard | undefined, data: Uint8Array): PutRecordsRequestEntry {
  return { Data: data, PartitionKey: 'key', ExplicitHashKey: shard?.HashKeyRange?.StartingHashKey };
}

const results = [
  rule('answers for each record, in the order of the request, with its shard and sequence number', async (context) => {
    const name = await context.stream(3);
    const shards = await context.shards(name);
    const order = [2, 0, 1, 1, 2, 0, 0];
    const sent = order.map((index, place) => to(shards[index], Buffer.from(String(place))));
    const answer = await putAll(context, name, sent);
    same('FailedRecordCount', answer.FailedRecordCount, 0);
    same(
      'the shards',
      answer.Records?.map(({ ShardId: id }) => id),
      order.map((index) => idOf(given(shards[index], 'a shard'))),
    );
    const numbers = new Set(answer.Records?.map(({ SequenceNumber: number }) => number));
    same('different sequence numbers', numbers.size, order.length);
    for (const [index, shard] of shards.entries()) {
      const places = order.flatMap((one, place) => (one === index ? [String(place)] : []));
      same('the records of a shard', [...(await context.readFrom(name, shard)).texts].sort(), places.sort());
    }
  }),
  rule('answers for a record with the sequence number by which it is read', async (context) => {
    const name = await context.stream();
    const answer = await putAll(context, name, entries(5));
    const { records } = await context.readFrom(name, await context.shard(name));
    same(
      'the sequence numbers',
      records.map(({ SequenceNumber: number }) => number),
      answer.Records?.map(({ SequenceNumber: number }) => number).sort(),
    );
  }),
  rule('takes 500 records, and refuses 501 or none', async (context) => {
    const name = await context.stream();
    await refused(putAll(context, name, entries(501)), invalid, '501 records');
    await refused(putAll(context, name, []), invalid, 'none');
    const answer = await putAll(context, name, entries(500));
    same('the answers', [answer.Records?.length, answer.FailedRecordCount], [500, 0]);
  }),
  rule('needs Records', async (context) => {
    const name = await context.sharedStream();
    await refused(context.kinesis.putRecords({ StreamName: name, Records: undefined }), invalid);
  }),
  rule('refuses all records if one has no Data, no partition key, or one of no or 257 characters', async (context) => {
    const name = await context.stream();
    const good = { Data: bytes(1), PartitionKey: 'key' };
    for (const [what, bad] of [
      ['no Data', { Data: undefined, PartitionKey: 'key' }],
      ['no partition key', { Data: bytes(1), PartitionKey: undefined }],
      ['an empty partition key', { Data: bytes(1), PartitionKey: '' }],
      ['257 characters', { Data: bytes(1), PartitionKey: 'k'.repeat(257) }],
      ['a bad ExplicitHashKey', { ...good, ExplicitHashKey: 'abc' }],
    ] as const) {
      await refused(putAll(context, name, [good, bad, good]), invalid, what);
    }
    same('the records', (await context.readFrom(name, await context.shard(name))).records.length, 0);
  }),
];

const sizes = needing('megabytes', [
  rule(
    'refuses all records if one is larger than 1 MiB, its partition key included',
    async (context) => {
      const name = await context.stream();
      const records = [...entries(1), { Data: bytes(mebibyte - 9), PartitionKey: 'k'.repeat(10) }];
      await refused(putAll(context, name, records), invalid);
      same('the records', (await context.readFrom(name, await context.shard(name))).records.length, 0);
    },
    { page: apiPage('Record') },
  ),
]);

const largeCalls = needing('volume', [
  rule('refuses more than 10 MiB in one call, partition keys included', async (context) => {
    const name = await context.stream();
    const key = 'k'.repeat(256);
    const record = { Data: bytes(1000 * kibibyte), PartitionKey: key };
    // Ten MiB and 2304 bytes: it is the keys that are too much.
    const records = [
      ...Array.from({ length: 10 }, () => record),
      { Data: bytes(240 * kibibyte - 512), PartitionKey: key },
    ];
    await refused(putAll(context, name, records), invalid);
  }),
]);

/** One call with 2 MiB for one shard between small records for another. */
async function partlyThrottled(context: CaseContext): Promise<{
  readonly name: string;
  readonly shards: readonly Shard[];
  readonly answer: PutRecordsCommandOutput;
}> {
  const name = await context.stream(2);
  const shards = await context.shards(name);
  const records = Array.from({ length: 40 }, (_, index) =>
    index % 2 === 0 ? to(shards[0], bytes(100 * kibibyte)) : to(shards[1], Buffer.from(String(index))),
  );
  return { name, shards, answer: await putAll(context, name, records) };
}

const partialFailures = needing('megabytes', [
  rule('goes on after a record that is throttled, and counts the failed ones', async (context) => {
    const { shards, answer } = await partlyThrottled(context);
    const answers = given(answer.Records, 'Records');
    same('the number of answers', answers.length, 40);
    const failed = answers.filter(({ ErrorCode: code }) => (code ?? undefined) !== undefined);
    holds(failed.length > 0, 'no record failed');
    same('FailedRecordCount', answer.FailedRecordCount, failed.length);
    const small = answers.filter((_, index) => index % 2 === 1);
    same('the shards of the small records', [...new Set(small.map(({ ShardId: id }) => id))], [shards[1]?.ShardId]);
    holds(
      answers.filter((_, index) => index % 2 === 0).some(({ ShardId: id }) => id === shards[0]?.ShardId),
      'all failed',
    );
  }),
  rule('says of a throttled record ErrorCode and a message with account, stream and shard', async (context) => {
    const { name, shards, answer } = await partlyThrottled(context);
    const [, , , , account = ''] = (await context.arnOf(name)).split(':');
    const failed = (answer.Records ?? []).filter(({ ErrorCode: code }) => (code ?? undefined) !== undefined);
    holds(failed.length > 0, 'no record failed');
    for (const { ErrorCode: code, ErrorMessage: message = '', SequenceNumber: number, ShardId: id } of failed) {
      same('ErrorCode', code, throttled[0]);
      for (const part of [account, name, idOf(given(shards[0], 'a shard'))]) {
        holds(message.includes(part), 'ErrorMessage does not name account, stream and shard');
      }
      same('SequenceNumber and ShardId', [number ?? undefined, id ?? undefined], [undefined, undefined]);
    }
  }),
  rule('stores exactly the records that it says are stored', async (context) => {
    const { name, shards, answer } = await partlyThrottled(context);
    const said = (answer.Records ?? []).flatMap(({ SequenceNumber: number }) => number ?? []).sort();
    holds(said.length < 40, 'no record failed');
    await context.rest(2000);
    const stored: string[] = [];
    for (const shard of shards) {
      const { records } = await context.readFrom(name, shard);
      stored.push(...records.map(({ SequenceNumber: number }) => given(number, 'SequenceNumber')));
    }
    same('the records', stored.sort(), said);
  }),
  rule(
    'throttles more than 1000 records per second and shard',
    async (context) => {
      const name = await context.stream();
      const batches = Array.from({ length: 6 }, () => putAll(context, name, entries(500)));
      const answers = await Promise.allSettled(batches);
      const codes = new Set<string>();
      for (const answer of answers) {
        if (answer.status === 'rejected') codes.add(await outcomeOf(Promise.reject(answer.reason as Error)));
        else for (const { ErrorCode: code } of answer.value.Records ?? []) codes.add(code ?? 'accepted');
      }
      same('the outcomes', [...codes].sort(), [...throttled, 'accepted'].sort());
      await context.rest(2000);
      same('later', (await putAll(context, name, entries(10))).FailedRecordCount, 0);
    },
    { page: quotasPage },
  ),
]);

export const putRecordsCases = casesOf('PutRecords', [...results, ...sizes, ...largeCalls, ...partialFailures]);
