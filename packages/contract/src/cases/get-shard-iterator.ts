import type { Bench } from '../bench';
import { idOf, isOpen } from '../bench';
import { casesOf, quotasPage, retentionPage, rule } from '../contract-case';
import { given, holds, invalid, malformed, notFound, outcomeOf, refused, same, throttled } from '../expectations';
import { hourMs, streamWithClosedShard } from './fixtures';

const texts = ['first', 'second', 'third'];

/** A stream with one shard and three records that arrived at three different moments. */
async function threeRecords(bench: Bench): Promise<{
  readonly name: string;
  readonly shard: Awaited<ReturnType<Bench['shard']>>;
  readonly numbers: readonly string[];
  readonly arrivals: readonly Date[];
}> {
  const name = await bench.stream();
  const shard = await bench.shard(name);
  for (const text of texts) {
    await bench.put(name, text);
    await bench.rest(50);
  }
  const { records } = await bench.readFrom(name, shard);
  return {
    name,
    shard,
    numbers: records.map(({ SequenceNumber: number }) => given(number, 'SequenceNumber')),
    arrivals: records.map(({ ApproximateArrivalTimestamp: time }) => given(time, 'ApproximateArrivalTimestamp')),
  };
}

const onOpenShards = [
  rule('TRIM_HORIZON starts at the oldest record', async (bench) => {
    const { name, shard } = await threeRecords(bench);
    const reading = await bench.readFrom(name, shard, { ShardIteratorType: 'TRIM_HORIZON' });
    same('the records', reading.texts, texts);
  }),
  rule('LATEST starts after the most recent record', async (bench) => {
    const { name, shard } = await threeRecords(bench);
    const iterator = await bench.iterator(name, shard, { ShardIteratorType: 'LATEST' });
    await bench.put(name, 'fourth');
    same('the records', (await bench.read(iterator)).texts, ['fourth']);
  }),
  rule('AT_SEQUENCE_NUMBER starts at the record with that number', async (bench) => {
    const { name, shard, numbers } = await threeRecords(bench);
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] } as const;
    same('the records', (await bench.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AFTER_SEQUENCE_NUMBER starts right after the record with that number', async (bench) => {
    const { name, shard, numbers } = await threeRecords(bench);
    const position = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] } as const;
    same('the records', (await bench.readFrom(name, shard, position)).texts, ['third']);
  }),
  rule('AFTER_SEQUENCE_NUMBER of the most recent record starts at what comes next', async (bench) => {
    const { name, shard, numbers } = await threeRecords(bench);
    const position = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[2] } as const;
    const iterator = await bench.iterator(name, shard, position);
    await bench.put(name, 'fourth');
    same('the records', (await bench.read(iterator)).texts, ['fourth']);
  }),
  rule('AT_TIMESTAMP starts at the record with exactly that time stamp', async (bench) => {
    const { name, shard, arrivals } = await threeRecords(bench);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: arrivals[1] } as const;
    same('the records', (await bench.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AT_TIMESTAMP starts at the next record if there is none with that time stamp', async (bench) => {
    const { name, shard, arrivals } = await threeRecords(bench);
    const justAfterFirst = new Date(given(arrivals[0], 'a time stamp').getTime() + 1);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: justAfterFirst } as const;
    same('the records', (await bench.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AT_TIMESTAMP before the trim horizon starts at the oldest record', async (bench) => {
    const { name, shard, arrivals } = await threeRecords(bench);
    const longAgo = new Date(given(arrivals[0], 'a time stamp').getTime() - 30 * 24 * hourMs);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: longAgo } as const;
    same('the records', (await bench.readFrom(name, shard, position)).texts, texts);
  }),
  rule('takes the shard’s StartingSequenceNumber, which DescribeStream returns, for both types', async (bench) => {
    const { name, shard } = await threeRecords(bench);
    const number = shard.SequenceNumberRange?.StartingSequenceNumber;
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const position = { ShardIteratorType: type, StartingSequenceNumber: number };
      same(`the records by ${type}`, (await bench.readFrom(name, shard, position)).texts, texts);
    }
  }),
  rule('gives positions in one shard only: another shard’s records are not read', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = await bench.shards(name);
    await bench.put(name, 'left', left);
    await bench.put(name, 'right', right);
    same('the records', (await bench.readFrom(name, given(right, 'a shard'))).texts, ['right']);
  }),
];

const onEmptyShards = [
  ...(['TRIM_HORIZON', 'LATEST'] as const).map((type) =>
    rule(`${type} of an empty shard starts at the first record that comes`, async (bench) => {
      const name = await bench.stream();
      const iterator = await bench.iterator(name, await bench.shard(name), { ShardIteratorType: type });
      await bench.put(name, 'first');
      same('the records', (await bench.read(iterator)).texts, ['first']);
    }),
  ),
  rule('AT_TIMESTAMP of an empty shard starts at the first record that comes', async (bench) => {
    const name = await bench.stream();
    const { StreamCreationTimestamp: created } = await bench.summary(name);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: created } as const;
    const iterator = await bench.iterator(name, await bench.shard(name), position);
    await bench.put(name, 'first');
    same('the records', (await bench.read(iterator)).texts, ['first']);
  }),
  rule('AT_SEQUENCE_NUMBER of an empty shard’s StartingSequenceNumber starts at the first record', async (bench) => {
    const name = await bench.stream();
    const shard = await bench.shard(name);
    const number = shard.SequenceNumberRange?.StartingSequenceNumber;
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
    const iterator = await bench.iterator(name, shard, position);
    await bench.put(name, 'first');
    same('the records', (await bench.read(iterator)).texts, ['first']);
  }),
];

const onClosedShards = [
  rule('TRIM_HORIZON of a closed shard reads it from its oldest record to its end', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, texts);
    const { texts: read, end } = await bench.readFrom(name, closed, { ShardIteratorType: 'TRIM_HORIZON' });
    same('the records', read, texts);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('LATEST of a closed shard is a valid iterator at its end', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, texts);
    const { texts: read, end } = await bench.readFrom(name, closed, { ShardIteratorType: 'LATEST' });
    same('the records', read, []);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('AT_ and AFTER_SEQUENCE_NUMBER read a closed shard from there to its end', async (bench) => {
    const { name, closed, numbers } = await streamWithClosedShard(bench, texts);
    for (const [type, expected] of [
      ['AT_SEQUENCE_NUMBER', ['third']],
      ['AFTER_SEQUENCE_NUMBER', []],
    ] as const) {
      const position = { ShardIteratorType: type, StartingSequenceNumber: numbers[2] };
      const { texts: read, end } = await bench.readFrom(name, closed, position);
      same(`the records by ${type}`, read, expected);
      holds(end !== undefined, 'the shard does not end');
    }
  }),
  rule('AT_TIMESTAMP reads a closed shard from there to its end', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, texts);
    const { records } = await bench.readFrom(name, closed);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: records[2]?.ApproximateArrivalTimestamp } as const;
    const { texts: read, end } = await bench.readFrom(name, closed, position);
    same('the last record', read.at(-1), 'third');
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('a closed shard without records is at its end from every type', async (bench) => {
    const { name, closed } = await streamWithClosedShard(bench, []);
    for (const type of ['TRIM_HORIZON', 'LATEST'] as const) {
      const { texts: read, end } = await bench.readFrom(name, closed, { ShardIteratorType: type });
      same(`the records by ${type}`, read, []);
      holds(end !== undefined, `the shard does not end by ${type}`);
    }
  }),
];

const onTrimmedShards = [
  rule(
    'TRIM_HORIZON starts after the records that are older than the retention period',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      bench.advance(23 * hourMs);
      await bench.put(name, 'new');
      bench.advance(2 * hourMs);
      same('the records', (await bench.readFrom(name, await bench.shard(name))).texts, ['new']);
    },
    { needs: ['clock'] },
  ),
  rule(
    'AT_TIMESTAMP of a trimmed record starts at the oldest one that is left',
    async (bench) => {
      const { name, shard, arrivals } = await threeRecords(bench);
      bench.advance(23 * hourMs);
      await bench.put(name, 'new');
      bench.advance(2 * hourMs);
      const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: arrivals[0] } as const;
      same('the records', (await bench.readFrom(name, shard, position)).texts, ['new']);
    },
    { needs: ['clock'] },
  ),
  rule(
    'a closed shard is gone once it has been closed for the whole of the retention period',
    async (bench) => {
      const { name, closed } = await streamWithClosedShard(bench, texts);
      bench.advance(25 * hourMs);
      await refused(bench.iterator(name, closed), notFound);
    },
    { needs: ['clock'], page: retentionPage },
  ),
];

const refusals = [
  rule('AT_ and AFTER_SEQUENCE_NUMBER need StartingSequenceNumber', async (bench) => {
    const name = await bench.sharedStream();
    const shard = await bench.shard(name);
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      await refused(bench.iterator(name, shard, { ShardIteratorType: type }), invalid, type);
    }
  }),
  rule('AT_TIMESTAMP needs Timestamp', async (bench) => {
    const name = await bench.sharedStream();
    const position = { ShardIteratorType: 'AT_TIMESTAMP' } as const;
    await refused(bench.iterator(name, await bench.shard(name), position), invalid);
  }),
  rule('refuses a StartingSequenceNumber that is no decimal integer', async (bench) => {
    const name = await bench.sharedStream();
    const shard = await bench.shard(name);
    for (const number of ['abc', '', '-1', '0123']) {
      const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
      await refused(bench.iterator(name, shard, position), invalid, `'${number}'`);
    }
  }),
  rule('refuses the sequence number of a record in another shard', async (bench) => {
    const name = await bench.stream(2);
    const [left, right] = await bench.shards(name);
    const { SequenceNumber: number } = await bench.put(name, 'left', left);
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
    await refused(bench.iterator(name, given(right, 'a shard'), position), invalid);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (bench) => {
    const name = await bench.sharedStream();
    await refused(bench.iterator(name, { ...(await bench.shard(name)), ShardId: 'shardId-000000009999' }), notFound);
  }),
  rule('refuses a shard id with other characters than a-z, A-Z, 0-9, _ . -', async (bench) => {
    const name = await bench.sharedStream();
    for (const id of ['shardId 0', 'shardId/0', '']) {
      await refused(bench.iterator(name, { ...(await bench.shard(name)), ShardId: id }), invalid, `'${id}'`);
    }
  }),
  rule('needs a ShardId', async (bench) => {
    const name = await bench.sharedStream();
    const call = { StreamName: name, ShardId: undefined, ShardIteratorType: 'LATEST' } as const;
    await refused(bench.kinesis.getShardIterator(call), invalid);
  }),
  rule('needs a ShardIteratorType, one of the five', async (bench) => {
    const name = await bench.sharedStream();
    const shardId = idOf(await bench.shard(name));
    for (const type of [undefined, 'NEWEST', '']) {
      const call = { StreamName: name, ShardId: shardId, ShardIteratorType: malformed(type) };
      await refused(bench.kinesis.getShardIterator(call), invalid, `type ${type ?? 'missing'}`);
    }
  }),
];

const rates = [
  rule(
    'throttles more than 5 calls per second and shard, and no other shard',
    async (bench) => {
      const name = await bench.stream(2);
      const [left, right] = await bench.shards(name);
      const ask = (shard: typeof left) =>
        bench.kinesis.getShardIterator({
          StreamName: name,
          ShardId: idOf(given(shard, 'a shard')),
          ShardIteratorType: 'LATEST',
        });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(ask(left))));
      same('the outcomes', [...new Set(outcomes)].sort(), [...throttled, 'accepted'].sort());
      same('another shard', await outcomeOf(ask(right)), 'accepted');
      await bench.rest(1500);
      same('the same shard later', await outcomeOf(ask(left)), 'accepted');
      holds(isOpen(given(left, 'a shard')), 'the shard is not open');
    },
    { page: quotasPage },
  ),
];

export const getShardIteratorCases = casesOf('GetShardIterator', [
  ...onOpenShards,
  ...onEmptyShards,
  ...onClosedShards,
  ...onTrimmedShards,
  ...refusals,
  ...rates,
]);
