import type { Bench } from '../bench';
import { idOf, rangeOf } from '../bench';
import { casesOf, needing, quotasPage, reshardingPage, retentionPage, rule } from '../contract-case';
import { given, holds, invalid, malformed, notFound, outcomeOf, refused, same, throttled } from '../expectations';
import { bytes, exceedsRate, hourMs, kibibyte, mebibyte, minuteMs, streamWithClosedShard } from './fixtures';

const texts = ['first', 'second', 'third', 'fourth', 'fifth'];

async function fiveRecords(bench: Bench): Promise<{ readonly name: string; readonly start: string }> {
  const name = await bench.stream();
  for (const text of texts) await bench.put(name, text);
  return { name, start: await bench.iterator(name, await bench.shard(name)) };
}

const reading = [
  rule('answers with what was written: data, partition key, sequence number, time of arrival', async (bench) => {
    const name = await bench.stream();
    const data = Buffer.from([0, 1, 127, 128, 254, 255]);
    const put = await bench.kinesis.putRecord({ StreamName: name, Data: data, PartitionKey: 'LH 400' });
    const [record] = (await bench.readFrom(name, await bench.shard(name))).records;
    same('Data', Buffer.from(given(record?.Data, 'Data')).toString('hex'), data.toString('hex'));
    same('PartitionKey', record?.PartitionKey, 'LH 400');
    same('SequenceNumber', record?.SequenceNumber, put.SequenceNumber);
    holds(record?.ApproximateArrivalTimestamp instanceof Date, 'ApproximateArrivalTimestamp is missing');
  }),
  rule('reads the records of a shard in the order of their sequence numbers', async (bench) => {
    const name = await bench.stream();
    const sent = Array.from({ length: 50 }, (_, index) => `record ${index}`);
    await bench.kinesis.putRecords({
      StreamName: name,
      Records: sent.map((text) => ({ Data: Buffer.from(text), PartitionKey: text })),
    });
    const { records } = await bench.readFrom(name, await bench.shard(name));
    const numbers = records.map(({ SequenceNumber: number }) => BigInt(given(number, 'SequenceNumber')));
    same('the number of records', numbers.length, sent.length);
    for (const [index, number] of numbers.slice(1).entries()) {
      holds(number > (numbers[index] ?? number), 'a sequence number is not above the one before');
    }
  }),
  rule('returns at most Limit records, and goes on after them with NextShardIterator', async (bench) => {
    const { start } = await fiveRecords(bench);
    const found: string[] = [];
    let iterator = start;
    for (let page = 0; page < 10 && found.length < texts.length; page++) {
      const answer = await bench.getRecords(iterator, 2);
      const records = given(answer.Records, 'Records');
      holds(records.length <= 2, `a page of ${records.length} records`);
      found.push(...records.map(({ Data: data }) => Buffer.from(given(data, 'Data')).toString()));
      iterator = given(answer.NextShardIterator, 'NextShardIterator');
      await bench.rest(210);
    }
    same('the records', found, texts);
  }),
  rule('reads the same again from the same iterator', async (bench) => {
    const { start } = await fiveRecords(bench);
    const once = await bench.read(start);
    const again = await bench.read(start);
    same('the first time', once.texts, texts);
    same('the second time', again.texts, texts);
  }),
  rule('answers with no records and a NextShardIterator at the tip of an open shard', async (bench) => {
    const name = await bench.stream();
    const answer = await bench.getRecords(await bench.iterator(name, await bench.shard(name)));
    same('Records', answer.Records, []);
    holds(typeof answer.NextShardIterator === 'string', 'NextShardIterator is missing');
    same('ChildShards', answer.ChildShards?.length ?? 0, 0);
  }),
  rule('finds what is written later by the iterators of empty pages', async (bench) => {
    const name = await bench.stream();
    const { next } = await bench.read(await bench.iterator(name, await bench.shard(name)));
    await bench.put(name, 'late');
    same('the records', (await bench.read(given(next, 'NextShardIterator'))).texts, ['late']);
  }),
  rule('takes the StreamARN of the iterator’s stream', async (bench) => {
    const { name, start } = await fiveRecords(bench);
    const answer = await bench.kinesis.getRecords({ ShardIterator: start, StreamARN: await bench.arnOf(name) });
    holds(Array.isArray(answer.Records), 'Records is missing');
  }),
  rule('says MillisBehindLatest 0 once there is nothing left to read', async (bench) => {
    const { start } = await fiveRecords(bench);
    await bench.rest(1200);
    const { next } = await bench.read(start);
    await bench.rest(1200);
    const tip = await bench.getRecords(given(next, 'NextShardIterator'));
    same('MillisBehindLatest', tip.MillisBehindLatest, 0);
  }),
  rule('says how far behind the tip a reader is while there is more to read', async (bench) => {
    const { name, start } = await fiveRecords(bench);
    await bench.rest(2000);
    await bench.put(name, 'late');
    const page = await bench.getRecords(start, 1);
    same('the number of records', page.Records?.length, 1);
    const behindMs = given(page.MillisBehindLatest, 'MillisBehindLatest');
    holds(behindMs >= 1000 && behindMs < 60_000, `MillisBehindLatest is ${behindMs} after two seconds`);
  }),
];

const endsOfShards = [
  rule('gives no NextShardIterator at the end of a closed shard, and one before', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, ['first', 'second']);
    const first = await bench.getRecords(await bench.iterator(name, closed), 1);
    holds(typeof first.NextShardIterator === 'string', 'NextShardIterator is missing before the end');
    same('ChildShards before the end', first.ChildShards?.length ?? 0, 0);
    await bench.rest(210);
    const { texts: rest, end } = await bench.read(first.NextShardIterator);
    same('the rest', rest, ['second']);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('names the two children of a shard that was split, with their hash keys and their one parent', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, ['first']);
    const { end } = await bench.readFrom(name, closed);
    const children = given(given(end, 'the end of the shard').children, 'ChildShards');
    const [, left, right] = await bench.shards(name);
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
  }),
  rule('names the one child of two shards that were merged, with both parents, at the end of each', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = await bench.shards(name);
    const parents = [given(left, 'a shard'), given(right, 'a shard')] as const;
    await bench.merge(name, ...parents);
    const child = await bench.shard(name, 2);
    for (const parent of parents) {
      const { end } = await bench.readFrom(name, parent);
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
    async (bench) => {
      const { name, closed } = await streamWithClosedShard(bench, texts);
      same('the records', (await bench.readFrom(name, closed)).texts, texts);
      for (const child of (await bench.shards(name)).slice(1)) {
        same('the records of a child', (await bench.readFrom(name, child)).texts, []);
      }
    },
    { page: reshardingPage },
  ),
];

const refusals = [
  rule('refuses an iterator that was never given out', async (bench) => {
    for (const iterator of ['bogus', 'AAAAAAAAAAE='.repeat(14)]) {
      await refused(bench.kinesis.getRecords({ ShardIterator: iterator }), invalid);
    }
  }),
  rule('refuses an iterator that is empty or longer than 512 characters', async (bench) => {
    for (const iterator of ['', 'A'.repeat(513)]) {
      await refused(bench.kinesis.getRecords({ ShardIterator: iterator }), invalid, `${iterator.length} characters`);
    }
  }),
  rule('needs a ShardIterator', async (bench) => {
    await refused(bench.kinesis.getRecords({ ShardIterator: undefined }), invalid);
  }),
  rule('refuses a Limit below 1 or above 10,000', async (bench) => {
    const name = await bench.sharedStream();
    const iterator = await bench.iterator(name, await bench.shard(name));
    for (const limit of [0, -1, 10_001]) {
      await refused(bench.kinesis.getRecords({ ShardIterator: iterator, Limit: limit }), invalid, `Limit ${limit}`);
    }
  }),
  rule('refuses a StreamARN that is none', async (bench) => {
    const { start } = await fiveRecords(bench);
    await refused(bench.kinesis.getRecords({ ShardIterator: start, StreamARN: malformed('flights') }), invalid);
  }),
  rule('answers ResourceNotFoundException once the stream is deleted', async (bench) => {
    const { name, start } = await fiveRecords(bench);
    await bench.delete(name);
    await refused(bench.kinesis.getRecords({ ShardIterator: start }), notFound);
  }),
  rule(
    'answers ExpiredIteratorException to an iterator that is older than 5 minutes, and not before',
    async (bench) => {
      const { start } = await fiveRecords(bench);
      bench.advance(4.9 * minuteMs);
      const { NextShardIterator: next } = await bench.kinesis.getRecords({ ShardIterator: start });
      bench.advance(0.2 * minuteMs);
      await refused(bench.kinesis.getRecords({ ShardIterator: start }), ['ExpiredIteratorException']);
      same(
        'the later iterator',
        await outcomeOf(bench.kinesis.getRecords({ ShardIterator: given(next, 'it') })),
        'accepted',
      );
      bench.advance(5 * minuteMs);
      await refused(bench.kinesis.getRecords({ ShardIterator: given(next, 'it') }), ['ExpiredIteratorException']);
    },
    { needs: ['clock'] },
  ),
];

const limits = [
  rule('throttles more than 5 calls per second and shard, and no other shard', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = await bench.shards(name);
    const busy = await bench.iterator(name, given(left, 'a shard'));
    const idle = await bench.iterator(name, given(right, 'a shard'));
    const read = (iterator: string): Promise<unknown> => bench.kinesis.getRecords({ ShardIterator: iterator });
    await exceedsRate(() => read(busy), { perSecond: 5, name: throttled[0] });
    same('another shard', await outcomeOf(read(idle)), 'accepted');
    await bench.rest(2000);
    same('the same shard later', await outcomeOf(read(busy)), 'accepted');
  }),
  rule(
    'refuses for a while after a page of more than 2 MB, and then reads on',
    async (bench) => {
      const name = await bench.stream();
      const iterator = await bench.iterator(name, await bench.shard(name));
      for (let index = 0; index < 4; index++) await putLarge(bench, name, 900 * kibibyte);
      await bench.rest(1500);
      const { Records: records = [] } = await bench.kinesis.getRecords({ ShardIterator: iterator });
      same('the records of the page', records.length, 4);
      await refused(bench.kinesis.getRecords({ ShardIterator: iterator }), throttled);
      await bench.rest(4000);
      same('later', await outcomeOf(bench.kinesis.getRecords({ ShardIterator: iterator, Limit: 1 })), 'accepted');
    },
    { page: quotasPage, needs: ['megabytes'] },
  ),
];

const largePages = needing('volume', [
  rule('returns at most 10 MiB, and then refuses for 5 seconds', async (bench) => {
    const name = await bench.stream();
    const iterator = await bench.iterator(name, await bench.shard(name));
    for (let index = 0; index < 11; index++) await putLarge(bench, name, 1000 * kibibyte);
    await bench.rest(1500);
    const page = await bench.kinesis.getRecords({ ShardIterator: iterator });
    const size = (page.Records ?? []).reduce((sum, { Data: data }) => sum + (data?.byteLength ?? 0), 0);
    holds(size <= 10 * mebibyte, `a page of ${size} bytes`);
    holds(size > 9 * mebibyte, `a page of only ${size} bytes`);
    await refused(bench.kinesis.getRecords({ ShardIterator: iterator }), throttled, 'the next call');
    await bench.rest(4300);
    await refused(bench.kinesis.getRecords({ ShardIterator: iterator }), throttled, 'a call 4.3 s later');
    await bench.rest(2000);
    const { texts: rest } = await bench.read(given(page.NextShardIterator, 'NextShardIterator'));
    same('the records of both pages', (page.Records?.length ?? 0) + rest.length, 11);
  }),
  rule('returns at most 10,000 records', async (bench) => {
    const name = await bench.stream();
    const start = await bench.iterator(name, await bench.shard(name));
    const batch = Array.from({ length: 500 }, (_, index) => ({ Data: Buffer.from('x'), PartitionKey: String(index) }));
    for (let sent = 0; sent <= 10_000; sent += batch.length) {
      const { FailedRecordCount: failed } = await bench.kinesis.putRecords({ StreamName: name, Records: batch });
      same('FailedRecordCount', failed, 0);
      await bench.rest(700);
    }
    const page = await bench.getRecords(start);
    const count = page.Records?.length ?? 0;
    holds(count > 0 && count <= 10_000, `a page of ${count} records`);
    const { records } = await bench.read(given(page.NextShardIterator, 'NextShardIterator'));
    same('the records of all pages', count + records.length, 10_500);
  }),
]);

async function putLarge(bench: Bench, name: string, size: number): Promise<void> {
  await bench.patiently(() => bench.kinesis.putRecord({ StreamName: name, Data: bytes(size), PartitionKey: 'large' }));
  await bench.rest(1000);
}

const trimming = [
  rule(
    'no longer returns records that are older than the retention period of 24 hours',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      bench.advance(23.9 * hourMs);
      same('after 23.9 hours', (await bench.readFrom(name, await bench.shard(name))).texts, ['old']);
      bench.advance(0.2 * hourMs);
      same('after 24.1 hours', (await bench.readFrom(name, await bench.shard(name))).texts, []);
    },
    { needs: ['clock'], page: retentionPage },
  ),
  rule(
    'does not return a record that was trimmed since the iterator was given out',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      bench.advance(24 * hourMs - minuteMs);
      const iterator = await bench.iterator(name, await bench.shard(name));
      bench.advance(2 * minuteMs);
      await bench.put(name, 'new');
      same('the records', (await bench.read(iterator)).texts, ['new']);
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
