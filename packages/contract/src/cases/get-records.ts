import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis';
import type { CaseContext } from '../case-context';
import { idOf, rangeOf } from '../case-context';
import { casesOf, needing, quotasPage, reshardingPage, retentionPage, rule } from '../contract-case';
import { given, holds, invalid, malformed, notFound, outcomeOf, refused, same, throttled } from '../expectations';
import { bytes, exceedsRate, hourMs, kibibyte, mebibyte, minuteMs, streamWithClosedShard } from './fixtures';

const texts = ['first', 'second', 'third', 'fourth', 'fifth'];

async function fiveRecords(context: CaseContext): Promise<{ readonly name: string; readonly start: string }> {
  const name = await context.stream();
  for (const text of texts) await context.put(name, text);
  return { name, start: await context.iterator(name, await context.shard(name)) };
}

const reading = [
  rule('answers with what was written: data, partition key, sequence number, time of arrival', async (context) => {
    const name = await context.stream();
    const data = Buffer.from([0, 1, 127, 128, 254, 255]);
    const put = await context.kinesis.putRecord({ StreamName: name, Data: data, PartitionKey: 'LH 400' });
    const [record] = (await context.readFrom(name, await context.shard(name))).records;
    same('Data', Buffer.from(given(record?.Data, 'Data')).toString('hex'), data.toString('hex'));
    same('PartitionKey', record?.PartitionKey, 'LH 400');
    same('SequenceNumber', record?.SequenceNumber, put.SequenceNumber);
    holds(record?.ApproximateArrivalTimestamp instanceof Date, 'ApproximateArrivalTimestamp is missing');
  }),
  rule('reads the records of a shard in the order of their sequence numbers', async (context) => {
    const name = await context.stream();
    const sent = Array.from({ length: 50 }, (_, index) => `record ${index}`);
    await context.kinesis.putRecords({
      StreamName: name,
      Records: sent.map((text) => ({ Data: Buffer.from(text), PartitionKey: text })),
    });
    const { records } = await context.readFrom(name, await context.shard(name));
    const numbers = records.map(({ SequenceNumber: number }) => BigInt(given(number, 'SequenceNumber')));
    same('the number of records', numbers.length, sent.length);
    for (const [index, number] of numbers.slice(1).entries()) {
      holds(number > (numbers[index] ?? number), 'a sequence number is not above the one before');
    }
  }),
  rule('returns at most Limit records, and goes on after them with NextShardIterator', async (context) => {
    const { start } = await fiveRecords(context);
    const found: string[] = [];
    let iterator = start;
    for (let page = 0; page < 10 && found.length < texts.length; page++) {
      const answer = await context.getRecords(iterator, 2);
      const records = given(answer.Records, 'Records');
      holds(records.length <= 2, `a page of ${records.length} records`);
      found.push(...records.map(({ Data: data }) => Buffer.from(given(data, 'Data')).toString()));
      iterator = given(answer.NextShardIterator, 'NextShardIterator');
      await context.rest(210);
    }
    same('the records', found, texts);
  }),
  rule('reads the same again from the same iterator', async (context) => {
    const { start } = await fiveRecords(context);
    const once = await context.read(start);
    const again = await context.read(start);
    same('the first time', once.texts, texts);
    same('the second time', again.texts, texts);
  }),
  rule('answers with no records and a NextShardIterator at the tip of an open shard', async (context) => {
    const name = await context.stream();
    const answer = await context.getRecords(await context.iterator(name, await context.shard(name)));
    same('Records', answer.Records, []);
    holds(typeof answer.NextShardIterator === 'string', 'NextShardIterator is missing');
    same('ChildShards', answer.ChildShards?.length ?? 0, 0);
  }),
  rule('finds what is written later by the iterators of empty pages', async (context) => {
    const name = await context.stream();
    const { next } = await context.read(await context.iterator(name, await context.shard(name)));
    await context.put(name, 'late');
    same('the records', (await context.read(given(next, 'NextShardIterator'))).texts, ['late']);
  }),
  rule('takes the StreamARN of the iterator’s stream', async (context) => {
    const { name, start } = await fiveRecords(context);
    const answer = await context.kinesis.getRecords({ ShardIterator: start, StreamARN: await context.arnOf(name) });
    holds(Array.isArray(answer.Records), 'Records is missing');
  }),
  rule('says MillisBehindLatest 0 once there is nothing left to read', async (context) => {
    const { start } = await fiveRecords(context);
    await context.rest(1200);
    const { next } = await context.read(start);
    await context.rest(1200);
    const tip = await context.getRecords(given(next, 'NextShardIterator'));
    same('MillisBehindLatest', tip.MillisBehindLatest, 0);
  }),
  rule('says how far behind the tip a reader is while there is more to read', async (context) => {
    const { name, start } = await fiveRecords(context);
    await context.rest(2000);
    await context.put(name, 'late');
    const page = await context.firstRecords(start, 1);
    same('the number of records', page.Records?.length, 1);
    const behindMs = given(page.MillisBehindLatest, 'MillisBehindLatest');
    holds(behindMs >= 1000 && behindMs < 60_000, `MillisBehindLatest is ${behindMs} after two seconds`);
  }),
];

const endsOfShards = [
  rule('gives no NextShardIterator at the end of a closed shard, and one before', async (context) => {
    const { name, closed } = await streamWithClosedShard(context, ['first', 'second']);
    const first = await context.firstRecords(await context.iterator(name, closed), 1);
    holds(typeof first.NextShardIterator === 'string', 'NextShardIterator is missing before the end');
    same('ChildShards before the end', first.ChildShards?.length ?? 0, 0);
    await context.rest(210);
    const { texts: rest, end } = await context.read(first.NextShardIterator);
    same('the rest', rest, ['second']);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule(
    'names the two children of a shard that was split, with their hash keys and their one parent',
    async (context) => {
      const { name, closed } = await streamWithClosedShard(context, ['first']);
      const { end } = await context.readFrom(name, closed);
      const children = given(given(end, 'the end of the shard').children, 'ChildShards');
      const [, left, right] = await context.shards(name);
      const sorted = [...children].sort((a, b) => (rangeOf(a)[0] < rangeOf(b)[0] ? -1 : 1));
      same(
        'ChildShards',
        sorted.map(({ ShardId: id, ParentShards: parents }) => [id, parents]),
        [left, right].map((child) => [child?.ShardId, [idOf(closed)]]),
      );
      same(
        'the hash keys',
        sorted.map(rangeOf),
        [left, right].map((child) => rangeOf(given(child, 'a child'))),
      );
    },
  ),
  rule('names the one child of two shards that were merged, with both parents, at the end of each', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await context.shards(name);
    const parents = [given(left, 'a shard'), given(right, 'a shard')] as const;
    await context.merge(name, ...parents);
    const child = await context.shard(name, 2);
    for (const parent of parents) {
      const { end } = await context.readFrom(name, parent);
      const children = given(given(end, 'the end of the shard').children, 'ChildShards');
      same(
        'ChildShards',
        children.map(({ ShardId: id, ParentShards: ids }) => [id, [...(ids ?? [])].sort()]),
        [[child.ShardId, parents.map(idOf)]],
      );
    }
  }),
  rule(
    'still reads from a parent what was written before the split',
    async (context) => {
      const { name, closed } = await streamWithClosedShard(context, texts);
      same('the records', (await context.readFrom(name, closed)).texts, texts);
      for (const child of (await context.shards(name)).slice(1)) {
        same('the records of a child', (await context.readFrom(name, child)).texts, []);
      }
    },
    { page: reshardingPage },
  ),
];

const refusals = [
  rule('refuses an iterator that was never given out', async (context) => {
    for (const iterator of ['bogus', 'AAAAAAAAAAE='.repeat(14)]) {
      await refused(context.kinesis.getRecords({ ShardIterator: iterator }), invalid);
    }
  }),
  rule('refuses an iterator that is empty or longer than 512 characters', async (context) => {
    for (const iterator of ['', 'A'.repeat(513)]) {
      await refused(context.kinesis.getRecords({ ShardIterator: iterator }), invalid, `${iterator.length} characters`);
    }
  }),
  rule('needs a ShardIterator', async (context) => {
    await refused(context.kinesis.getRecords({ ShardIterator: undefined }), invalid);
  }),
  rule('refuses a Limit below 1 or above 10,000', async (context) => {
    const name = await context.sharedStream();
    const iterator = await context.iterator(name, await context.shard(name));
    for (const limit of [0, -1, 10_001]) {
      await refused(context.kinesis.getRecords({ ShardIterator: iterator, Limit: limit }), invalid, `Limit ${limit}`);
    }
  }),
  rule('refuses a StreamARN that is none', async (context) => {
    const { start } = await fiveRecords(context);
    await refused(context.kinesis.getRecords({ ShardIterator: start, StreamARN: malformed('flights') }), invalid);
  }),
  rule('answers ResourceNotFoundException once the stream is deleted', async (context) => {
    const { name, start } = await fiveRecords(context);
    await context.delete(name);
    await refused(context.kinesis.getRecords({ ShardIterator: start }), notFound);
  }),
  rule(
    'answers ExpiredIteratorException to an iterator that is older than 5 minutes, and not before',
    async (context) => {
      const { start } = await fiveRecords(context);
      context.advance(4.9 * minuteMs);
      const { NextShardIterator: next } = await context.kinesis.getRecords({ ShardIterator: start });
      context.advance(0.2 * minuteMs);
      await refused(context.kinesis.getRecords({ ShardIterator: start }), ['ExpiredIteratorException']);
      same(
        'the later iterator',
        await outcomeOf(context.kinesis.getRecords({ ShardIterator: given(next, 'it') })),
        'accepted',
      );
      context.advance(5 * minuteMs);
      await refused(context.kinesis.getRecords({ ShardIterator: given(next, 'it') }), ['ExpiredIteratorException']);
    },
    { needs: ['clock'] },
  ),
];

const limits = [
  rule('throttles more than 5 calls per second and shard, and no other shard', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await context.shards(name);
    const busy = await context.iterator(name, given(left, 'a shard'));
    const idle = await context.iterator(name, given(right, 'a shard'));
    const read = (iterator: string): Promise<unknown> => context.kinesis.getRecords({ ShardIterator: iterator });
    await exceedsRate(() => read(busy), { perSecond: 5, name: throttled[0] });
    same('another shard', await outcomeOf(read(idle)), 'accepted');
    await context.rest(2000);
    same('the same shard later', await outcomeOf(read(busy)), 'accepted');
  }),
  rule(
    'refuses for a while after a page of more than 2 MB, and then reads on',
    async (context) => {
      const name = await context.stream();
      const iterator = await context.iterator(name, await context.shard(name));
      for (let index = 0; index < 4; index++) await putLarge(context, name, 900 * kibibyte);
      await context.rest(1500);
      const { pages, next } = await readMoreThan(context, iterator, 2 * mebibyte);
      await refused(context.kinesis.getRecords({ ShardIterator: next }), throttled);
      await context.rest(4000);
      const { records: rest } = await context.read(next);
      same('the records of all pages', pages.flat().length + rest.length, 4);
    },
    { page: quotasPage, needs: ['megabytes'] },
  ),
];

const largePages = needing('volume', [
  rule('returns at most 10 MiB, and then refuses for 5 seconds', async (context) => {
    const name = await context.stream();
    const iterator = await context.iterator(name, await context.shard(name));
    for (let index = 0; index < 11; index++) await putLarge(context, name, 1000 * kibibyte);
    await context.rest(1500);
    const { pages, next } = await readMoreThan(context, iterator, 9 * mebibyte);
    const sizes = pages.map(sizeOf);
    holds(Math.max(...sizes) <= 10 * mebibyte, `a page of ${Math.max(...sizes)} bytes`);
    await refused(context.kinesis.getRecords({ ShardIterator: next }), throttled, 'the next call');
    // As long as the last page takes at 2 MiB per second, and a little less.
    const restMs = Math.max(0, ((sizes.at(-1) ?? 0) / (2 * mebibyte)) * 1000 - 600);
    await context.rest(restMs);
    await refused(context.kinesis.getRecords({ ShardIterator: next }), throttled, `a call ${restMs} ms later`);
    await context.rest(2000);
    const { texts: rest } = await context.read(next);
    same('the records of all pages', pages.flat().length + rest.length, 11);
  }),
  rule('returns at most 10,000 records', async (context) => {
    const name = await context.stream();
    const start = await context.iterator(name, await context.shard(name));
    const batch = Array.from({ length: 500 }, (_, index) => ({ Data: Buffer.from('x'), PartitionKey: String(index) }));
    for (let sent = 0; sent <= 10_000; sent += batch.length) {
      const { FailedRecordCount: failed } = await context.kinesis.putRecords({ StreamName: name, Records: batch });
      same('FailedRecordCount', failed, 0);
      await context.rest(700);
    }
    const page = await context.firstRecords(start);
    const count = page.Records?.length ?? 0;
    holds(count <= 10_000, `a page of ${count} records`);
    const { records } = await context.read(given(page.NextShardIterator, 'NextShardIterator'));
    same('the records of all pages', count + records.length, 10_500);
  }),
]);

/** Reads pages with records, each as soon as it is allowed, until they have more bytes than this together. */
async function readMoreThan(
  context: CaseContext,
  iterator: string,
  bytesInAll: number,
): Promise<{ readonly pages: readonly (readonly KinesisRecord[])[]; readonly next: string }> {
  const pages: (readonly KinesisRecord[])[] = [];
  let next = iterator;
  while (sizeOf(pages.flat()) <= bytesInAll) {
    const page = await context.firstRecords(next);
    pages.push(given(page.Records, 'Records'));
    next = given(page.NextShardIterator, 'NextShardIterator');
  }
  return { pages, next };
}

function sizeOf(records: readonly KinesisRecord[]): number {
  return records.reduce((sum, { Data: data }) => sum + given(data, 'Data').byteLength, 0);
}

async function putLarge(context: CaseContext, name: string, size: number): Promise<void> {
  await context.patiently(() =>
    context.kinesis.putRecord({ StreamName: name, Data: bytes(size), PartitionKey: 'large' }),
  );
  await context.rest(1000);
}

const trimming = [
  rule(
    'no longer returns records that are older than the retention period of 24 hours',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      context.advance(23.9 * hourMs);
      same('after 23.9 hours', (await context.readFrom(name, await context.shard(name))).texts, ['old']);
      context.advance(0.2 * hourMs);
      same('after 24.1 hours', (await context.readFrom(name, await context.shard(name))).texts, []);
    },
    { needs: ['clock'], page: retentionPage },
  ),
  rule(
    'does not return a record that was trimmed since the iterator was given out',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      context.advance(24 * hourMs - minuteMs);
      const iterator = await context.iterator(name, await context.shard(name));
      context.advance(2 * minuteMs);
      await context.put(name, 'new');
      same('the records', (await context.read(iterator)).texts, ['new']);
    },
    { needs: ['clock'], page: retentionPage },
  ),
];

export const getRecordsCases = casesOf('GetRecords', [
  ...reading,
  ...endsOfShards,
  ...refusals,
  ...limits,
  ...largePages,
  ...trimming,
]);
