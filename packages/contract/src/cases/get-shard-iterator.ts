import type { CaseContext } from '../case-context';
import { idOf, isOpen } from '../case-context';
import { casesOf, quotasPage, retentionPage, rule } from '../contract-case';
import { given, holds, invalid, malformed, notFound, outcomeOf, refused, same, throttled } from '../expectations';
import { hourMs, unknownShardId, streamWithClosedShard } from './fixtures';

const texts = ['first', 'second', 'third'];

/** A stream with one shard and three records that arrived at three different moments. */
async function threeRecords(context: CaseContext): Promise<{
  readonly name: string;
  readonly shard: Awaited<ReturnType<CaseContext['shard']>>;
  readonly numbers: readonly string[];
  readonly arrivals: readonly Date[];
}> {
  const name = await context.stream();
  const shard = await context.shard(name);
  for (const text of texts) {
    await context.put(name, text);
    await context.rest(50);
  }
  const { records } = await context.readFrom(name, shard);
  return {
    name,
    shard,
    numbers: records.map(({ SequenceNumber: number }) => given(number, 'SequenceNumber')),
    arrivals: records.map(({ ApproximateArrivalTimestamp: time }) => given(time, 'ApproximateArrivalTimestamp')),
  };
}

const onOpenShards = [
  rule('TRIM_HORIZON starts at the oldest record', async (context) => {
    const { name, shard } = await threeRecords(context);
    const reading = await context.readFrom(name, shard, { ShardIteratorType: 'TRIM_HORIZON' });
    same('the records', reading.texts, texts);
  }),
  rule('LATEST starts after the most recent record', async (context) => {
    const { name, shard } = await threeRecords(context);
    const iterator = await context.iterator(name, shard, { ShardIteratorType: 'LATEST' });
    await context.put(name, 'fourth');
    same('the records', (await context.read(iterator)).texts, ['fourth']);
  }),
  rule('AT_SEQUENCE_NUMBER starts at the record with that number', async (context) => {
    const { name, shard, numbers } = await threeRecords(context);
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] } as const;
    same('the records', (await context.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AFTER_SEQUENCE_NUMBER starts right after the record with that number', async (context) => {
    const { name, shard, numbers } = await threeRecords(context);
    const position = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] } as const;
    same('the records', (await context.readFrom(name, shard, position)).texts, ['third']);
  }),
  rule('AFTER_SEQUENCE_NUMBER of the most recent record starts at what comes next', async (context) => {
    const { name, shard, numbers } = await threeRecords(context);
    const position = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[2] } as const;
    const iterator = await context.iterator(name, shard, position);
    await context.put(name, 'fourth');
    same('the records', (await context.read(iterator)).texts, ['fourth']);
  }),
  rule('AT_TIMESTAMP starts at the record with exactly that time stamp', async (context) => {
    const { name, shard, arrivals } = await threeRecords(context);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: arrivals[1] } as const;
    same('the records', (await context.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AT_TIMESTAMP starts at the next record if there is none with that time stamp', async (context) => {
    const { name, shard, arrivals } = await threeRecords(context);
    const justAfterFirst = new Date(given(arrivals[0], 'a time stamp').getTime() + 1);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: justAfterFirst } as const;
    same('the records', (await context.readFrom(name, shard, position)).texts, ['second', 'third']);
  }),
  rule('AT_TIMESTAMP before the trim horizon starts at the oldest record', async (context) => {
    const { name, shard, arrivals } = await threeRecords(context);
    const longAgo = new Date(given(arrivals[0], 'a time stamp').getTime() - 30 * 24 * hourMs);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: longAgo } as const;
    same('the records', (await context.readFrom(name, shard, position)).texts, texts);
  }),
  rule('takes the shard’s StartingSequenceNumber, which DescribeStream returns, for both types', async (context) => {
    const { name, shard } = await threeRecords(context);
    const number = shard.SequenceNumberRange?.StartingSequenceNumber;
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const position = { ShardIteratorType: type, StartingSequenceNumber: number };
      same(`the records by ${type}`, (await context.readFrom(name, shard, position)).texts, texts);
    }
  }),
  rule('gives positions in one shard only: another shard’s records are not read', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await context.shards(name);
    await context.put(name, 'left', left);
    await context.put(name, 'right', right);
    same('the records', (await context.readFrom(name, given(right, 'a shard'))).texts, ['right']);
  }),
];

const onEmptyShards = [
  ...(['TRIM_HORIZON', 'LATEST'] as const).map((type) =>
    rule(`${type} of an empty shard starts at the first record that comes`, async (context) => {
      const name = await context.stream();
      const iterator = await context.iterator(name, await context.shard(name), { ShardIteratorType: type });
      await context.put(name, 'first');
      same('the records', (await context.read(iterator)).texts, ['first']);
    }),
  ),
  rule('AT_TIMESTAMP of an empty shard starts at the first record that comes', async (context) => {
    const name = await context.stream();
    const { StreamCreationTimestamp: created } = await context.summary(name);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: created } as const;
    const iterator = await context.iterator(name, await context.shard(name), position);
    await context.put(name, 'first');
    same('the records', (await context.read(iterator)).texts, ['first']);
  }),
  rule('AT_SEQUENCE_NUMBER of an empty shard’s StartingSequenceNumber starts at the first record', async (context) => {
    const name = await context.stream();
    const shard = await context.shard(name);
    const number = shard.SequenceNumberRange?.StartingSequenceNumber;
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
    const iterator = await context.iterator(name, shard, position);
    await context.put(name, 'first');
    same('the records', (await context.read(iterator)).texts, ['first']);
  }),
];

const onClosedShards = [
  rule('TRIM_HORIZON of a closed shard reads it from its oldest record to its end', async (context) => {
    const { name, closed } = await streamWithClosedShard(context, texts);
    const { texts: read, end } = await context.readFrom(name, closed, { ShardIteratorType: 'TRIM_HORIZON' });
    same('the records', read, texts);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('LATEST of a closed shard is a valid iterator at its end', async (context) => {
    const { name, closed } = await streamWithClosedShard(context, texts);
    const { texts: read, end } = await context.readFrom(name, closed, { ShardIteratorType: 'LATEST' });
    same('the records', read, []);
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('AT_ and AFTER_SEQUENCE_NUMBER read a closed shard from there to its end', async (context) => {
    const { name, closed, numbers } = await streamWithClosedShard(context, texts);
    for (const [type, expected] of [
      ['AT_SEQUENCE_NUMBER', ['third']],
      ['AFTER_SEQUENCE_NUMBER', []],
    ] as const) {
      const position = { ShardIteratorType: type, StartingSequenceNumber: numbers[2] };
      const { texts: read, end } = await context.readFrom(name, closed, position);
      same(`the records by ${type}`, read, expected);
      holds(end !== undefined, 'the shard does not end');
    }
  }),
  rule('AT_TIMESTAMP reads a closed shard from there to its end', async (context) => {
    const { name, closed } = await streamWithClosedShard(context, texts);
    const { records } = await context.readFrom(name, closed);
    const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: records[2]?.ApproximateArrivalTimestamp } as const;
    const { texts: read, end } = await context.readFrom(name, closed, position);
    same('the last record', read.at(-1), 'third');
    holds(end !== undefined, 'the shard does not end');
  }),
  rule('a closed shard without records is at its end from every type', async (context) => {
    const { name, closed } = await streamWithClosedShard(context, []);
    for (const type of ['TRIM_HORIZON', 'LATEST'] as const) {
      const { texts: read, end } = await context.readFrom(name, closed, { ShardIteratorType: type });
      same(`the records by ${type}`, read, []);
      holds(end !== undefined, `the shard does not end by ${type}`);
    }
  }),
];

const onTrimmedShards = [
  rule(
    'TRIM_HORIZON starts after the records that are older than the retention period',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      context.advance(23 * hourMs);
      await context.put(name, 'new');
      context.advance(2 * hourMs);
      same('the records', (await context.readFrom(name, await context.shard(name))).texts, ['new']);
    },
    { needs: ['clock'] },
  ),
  rule(
    'AT_TIMESTAMP of a trimmed record starts at the oldest one that is left',
    async (context) => {
      const { name, shard, arrivals } = await threeRecords(context);
      context.advance(23 * hourMs);
      await context.put(name, 'new');
      context.advance(2 * hourMs);
      const position = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: arrivals[0] } as const;
      same('the records', (await context.readFrom(name, shard, position)).texts, ['new']);
    },
    { needs: ['clock'] },
  ),
  rule(
    'a closed shard is gone once it has been closed for the whole of the retention period',
    async (context) => {
      const { name, closed } = await streamWithClosedShard(context, texts);
      context.advance(25 * hourMs);
      await refused(context.iterator(name, closed), notFound);
    },
    { needs: ['clock'], page: retentionPage },
  ),
];

const refusals = [
  rule('AT_ and AFTER_SEQUENCE_NUMBER need StartingSequenceNumber', async (context) => {
    const name = await context.sharedStream();
    const shard = await context.shard(name);
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      await refused(context.iterator(name, shard, { ShardIteratorType: type }), invalid, type);
    }
  }),
  rule('AT_TIMESTAMP needs Timestamp', async (context) => {
    const name = await context.sharedStream();
    const position = { ShardIteratorType: 'AT_TIMESTAMP' } as const;
    await refused(context.iterator(name, await context.shard(name), position), invalid);
  }),
  rule('refuses a StartingSequenceNumber that is no decimal integer', async (context) => {
    const name = await context.sharedStream();
    const shard = await context.shard(name);
    for (const number of ['abc', '', '-1', '0123']) {
      const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
      await refused(context.iterator(name, shard, position), invalid, `'${number}'`);
    }
  }),
  rule('refuses the sequence number of a record in another shard', async (context) => {
    const name = await context.stream(2);
    const [left, right] = await context.shards(name);
    const { SequenceNumber: number } = await context.put(name, 'left', left);
    const position = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const;
    await refused(context.iterator(name, given(right, 'a shard'), position), invalid);
  }),
  rule('answers ResourceNotFoundException for a shard that the stream has not', async (context) => {
    const name = await context.sharedStream();
    await refused(context.iterator(name, { ...(await context.shard(name)), ShardId: unknownShardId }), notFound);
  }),
  rule('refuses a shard id with other characters than a-z, A-Z, 0-9, _ . -', async (context) => {
    const name = await context.sharedStream();
    for (const id of ['shardId 0', 'shardId/0', '']) {
      await refused(context.iterator(name, { ...(await context.shard(name)), ShardId: id }), invalid, `'${id}'`);
    }
  }),
  rule('needs a ShardId', async (context) => {
    const name = await context.sharedStream();
    const call = { StreamName: name, ShardId: undefined, ShardIteratorType: 'LATEST' } as const;
    await refused(context.kinesis.getShardIterator(call), invalid);
  }),
  rule('needs a ShardIteratorType, one of the five', async (context) => {
    const name = await context.sharedStream();
    const shardId = idOf(await context.shard(name));
    for (const type of [undefined, 'NEWEST', '']) {
      const call = { StreamName: name, ShardId: shardId, ShardIteratorType: malformed(type) };
      await refused(context.kinesis.getShardIterator(call), invalid, `type ${type ?? 'missing'}`);
    }
  }),
];

const rates = [
  rule(
    'throttles more than 5 calls per second and shard, and no other shard',
    async (context) => {
      const name = await context.stream(2);
      const [left, right] = await context.shards(name);
      const ask = (shard: typeof left) =>
        context.kinesis.getShardIterator({
          StreamName: name,
          ShardId: idOf(given(shard, 'a shard')),
          ShardIteratorType: 'LATEST',
        });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(ask(left))));
      same('the outcomes', [...new Set(outcomes)].sort(), [...throttled, 'accepted'].sort());
      same('another shard', await outcomeOf(ask(right)), 'accepted');
      await context.rest(1500);
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
