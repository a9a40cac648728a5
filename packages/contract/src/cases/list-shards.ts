import type { Kinesis, Shard, ShardFilter } from '@aws-sdk/client-kinesis';
import { idOf, isOpen, type Bench } from '../bench';
import { apiPage, casesOf, rule } from '../contract-case';
import { given, holds, inUse, invalid, malformed, notFound, refused, same } from '../expectations';
import { hourMs, minuteMs } from './fixtures';

type Options = Omit<Parameters<Kinesis['listShards']>[0], 'StreamName'>;

/** The last digits of the ids, which AWS counts up: 0 is the stream's first shard. */
async function list(bench: Bench, name: string, options: Options = {}): Promise<readonly number[]> {
  const found: Shard[] = [];
  let answer = await bench.kinesis.listShards({ StreamName: name, ...options });
  found.push(...given(answer.Shards, 'Shards'));
  while ((answer.NextToken ?? undefined) !== undefined) {
    answer = await bench.kinesis.listShards({ NextToken: answer.NextToken, MaxResults: options.MaxResults });
    found.push(...given(answer.Shards, 'Shards'));
  }
  return found.map((shard) => Number(idOf(shard).slice(-6))).sort((a, b) => a - b);
}

function filtered(bench: Bench, name: string, filter: ShardFilter, options: Options = {}): Promise<readonly number[]> {
  return list(bench, name, { ...options, ShardFilter: filter });
}

/**
 * Two shards, of which 0 was split into 2 and 3, with a record in each generation. `before` and `after` are moments before and
 * after the split, by the service's clock.
 */
async function splitStream(
  bench: Bench,
): Promise<{ readonly name: string; readonly before: Date; readonly after: Date }> {
  const name = await bench.stream(2);
  const first = await bench.shard(name);
  // Well inside of the time between creation and split, since some services count in whole seconds.
  await bench.rest(1200);
  const before = await arrivalOfNewRecord(bench, name, first);
  await bench.rest(1200);
  await bench.split(name, first);
  await bench.rest(1200);
  const after = await arrivalOfNewRecord(bench, name, await bench.shard(name, 2));
  return { name, before, after };
}

async function arrivalOfNewRecord(bench: Bench, name: string, shard: Shard): Promise<Date> {
  await bench.put(name, 'now', shard);
  const [record] = (await bench.readFrom(name, shard)).records;
  return given(record?.ApproximateArrivalTimestamp, 'ApproximateArrivalTimestamp');
}

const listing = [
  rule('lists open and closed shards with their parents, hash keys and sequence numbers', async (bench) => {
    const { name } = await splitStream(bench);
    const [parent, , left, right] = await bench.shards(name);
    same('ParentShardId', [left?.ParentShardId, right?.ParentShardId], [parent?.ShardId, parent?.ShardId]);
    same('AdjacentParentShardId', left?.AdjacentParentShardId ?? undefined, undefined);
    holds(!isOpen(given(parent, 'the parent')), 'the parent has no EndingSequenceNumber');
    holds(isOpen(given(left, 'a child')), 'an open shard has an EndingSequenceNumber');
    for (const shard of await bench.shards(name)) {
      given(shard.HashKeyRange?.StartingHashKey, 'StartingHashKey');
      given(shard.SequenceNumberRange?.StartingSequenceNumber, 'StartingSequenceNumber');
    }
  }),
  rule('returns at most MaxResults shards with a NextToken, and the last page without one', async (bench) => {
    const name = await bench.stream(3);
    const first = await bench.kinesis.listShards({ StreamName: name, MaxResults: 2 });
    same('the first page', first.Shards?.length, 2);
    const second = await bench.kinesis.listShards({ NextToken: given(first.NextToken, 'NextToken'), MaxResults: 2 });
    same('the second page', second.Shards?.length, 1);
    same('its NextToken', second.NextToken ?? undefined, undefined);
    const ids = [...(first.Shards ?? []), ...(second.Shards ?? [])].map(idOf);
    same('different shards', new Set(ids).size, 3);
  }),
  rule('uses the default page size for a NextToken without MaxResults', async (bench) => {
    const name = await bench.stream(3);
    const { NextToken: token } = await bench.kinesis.listShards({ StreamName: name, MaxResults: 1 });
    const rest = await bench.kinesis.listShards({ NextToken: given(token, 'NextToken') });
    same('the rest', rest.Shards?.length, 2);
  }),
  rule('lists the shards after ExclusiveStartShardId', async (bench) => {
    const name = await bench.stream(3);
    const [first] = await bench.shards(name);
    same('the shards', await list(bench, name, { ExclusiveStartShardId: first?.ShardId }), [1, 2]);
  }),
  rule('takes the StreamCreationTimestamp of the stream', async (bench) => {
    const name = await bench.sharedStream();
    const { StreamCreationTimestamp: created } = await bench.summary(name);
    same('the shards', await list(bench, name, { StreamCreationTimestamp: created }), [0, 1]);
  }),
  rule('does not find a stream by another StreamCreationTimestamp', async (bench) => {
    const name = await bench.sharedStream();
    const created = given((await bench.summary(name)).StreamCreationTimestamp, 'StreamCreationTimestamp');
    const dayBefore = new Date(created.getTime() - 24 * hourMs);
    await refused(bench.kinesis.listShards({ StreamName: name, StreamCreationTimestamp: dayBefore }), notFound);
  }),
  rule(
    'returns at most 1000 shards, whatever MaxResults asks for',
    async (bench) => {
      const name = await bench.stream(1001);
      const page = await bench.kinesis.listShards({ StreamName: name, MaxResults: 2000 });
      same('the shards', page.Shards?.length, 1000);
      given(page.NextToken, 'NextToken');
    },
    { needs: ['costly', 'volume'] },
  ),
  rule(
    'does not list expired shards',
    async (bench) => {
      const { name } = await splitStream(bench);
      bench.advance(25 * hourMs);
      same('the shards', await list(bench, name), [1, 2, 3]);
    },
    { needs: ['clock'] },
  ),
  rule(
    'works while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream();
      await bench.kinesis.splitShard({
        StreamName: name,
        ShardToSplit: idOf(await bench.shard(name)),
        NewStartingHashKey: '1000',
      });
      holds((await list(bench, name)).includes(0), 'the shard is not listed');
    },
    { needs: ['states'], page: apiPage('SplitShard') },
  ),
];

const filterPage = apiPage('ShardFilter');

const filters = [
  rule(
    'every filter type lists all shards of a stream that was never resharded',
    async (bench) => {
      const name = await bench.stream(2);
      await bench.rest(1200);
      const now = await arrivalOfNewRecord(bench, name, await bench.shard(name));
      for (const filter of [
        ...(['AT_TRIM_HORIZON', 'FROM_TRIM_HORIZON', 'AT_LATEST'] as const).map((type) => ({ Type: type })),
        { Type: 'AT_TIMESTAMP', Timestamp: now } as const,
        { Type: 'FROM_TIMESTAMP', Timestamp: now } as const,
      ]) {
        same(filter.Type, await filtered(bench, name, filter), [0, 1]);
      }
    },
    { page: filterPage },
  ),
  rule(
    'without a filter lists all shards, from the trim horizon to the tip',
    async (bench) => {
      const { name } = await splitStream(bench);
      same('the shards', await list(bench, name), [0, 1, 2, 3]);
    },
    { page: filterPage },
  ),
  ...(
    [
      ['AT_TRIM_HORIZON', 'only the shards that were open at the trim horizon', [0, 1]],
      ['FROM_TRIM_HORIZON', 'all shards within the retention period', [0, 1, 2, 3]],
      ['AT_LATEST', 'only the shards that are open now', [1, 2, 3]],
    ] as const
  ).map(([type, what, expected]) =>
    rule(
      `${type} lists ${what}`,
      async (bench) => {
        const { name } = await splitStream(bench);
        same('the shards', await filtered(bench, name, { Type: type }), expected);
      },
      { page: filterPage },
    ),
  ),
  rule(
    'AFTER_SHARD_ID lists the shards after that one, as ExclusiveStartShardId does',
    async (bench) => {
      const { name } = await splitStream(bench);
      const second = await bench.shard(name, 1);
      same('the shards', await filtered(bench, name, { Type: 'AFTER_SHARD_ID', ShardId: idOf(second) }), [2, 3]);
      same('by the other way', await list(bench, name, { ExclusiveStartShardId: idOf(second) }), [2, 3]);
    },
    { page: filterPage },
  ),
  ...(
    [
      ['AT_TIMESTAMP', 'before', 'the shards that were open then', [0, 1]],
      ['AT_TIMESTAMP', 'after', 'the shards that were open then', [1, 2, 3]],
      ['FROM_TIMESTAMP', 'before', 'all that were open then or later', [0, 1, 2, 3]],
      ['FROM_TIMESTAMP', 'after', 'all that were open then or later', [1, 2, 3]],
    ] as const
  ).map(([type, when, what, expected]) =>
    rule(
      `${type} ${when} a split lists ${what}`,
      async (bench) => {
        const { name, ...moments } = await splitStream(bench);
        same('the shards', await filtered(bench, name, { Type: type, Timestamp: moments[when] }), expected);
      },
      { page: filterPage },
    ),
  ),
  rule(
    'FROM_TIMESTAMP before the trim horizon means the trim horizon',
    async (bench) => {
      const { name, before } = await splitStream(bench);
      const longAgo = new Date(before.getTime() - 48 * hourMs);
      same('the shards', await filtered(bench, name, { Type: 'FROM_TIMESTAMP', Timestamp: longAgo }), [0, 1, 2, 3]);
    },
    { page: filterPage },
  ),
  rule(
    'every filter type follows a merge: the parents are listed from before it, the child from after it',
    async (bench) => {
      const name = await bench.stream(2);
      await bench.rest(1200);
      const before = await arrivalOfNewRecord(bench, name, await bench.shard(name));
      await bench.rest(1200);
      await bench.merge(name, await bench.shard(name), await bench.shard(name, 1));
      await bench.rest(1200);
      const after = await arrivalOfNewRecord(bench, name, await bench.shard(name, 2));
      same('AT_LATEST', await filtered(bench, name, { Type: 'AT_LATEST' }), [2]);
      same('FROM_TRIM_HORIZON', await filtered(bench, name, { Type: 'FROM_TRIM_HORIZON' }), [0, 1, 2]);
      same('AT_TIMESTAMP before', await filtered(bench, name, { Type: 'AT_TIMESTAMP', Timestamp: before }), [0, 1]);
      same('AT_TIMESTAMP after', await filtered(bench, name, { Type: 'AT_TIMESTAMP', Timestamp: after }), [2]);
      same('FROM_TIMESTAMP after', await filtered(bench, name, { Type: 'FROM_TIMESTAMP', Timestamp: after }), [2]);
    },
    { page: filterPage },
  ),
  rule(
    'AT_TRIM_HORIZON follows the horizon: a day after a split it lists the children',
    async (bench) => {
      const { name } = await splitStream(bench);
      bench.advance(25 * hourMs);
      same('the shards', await filtered(bench, name, { Type: 'AT_TRIM_HORIZON' }), [1, 2, 3]);
    },
    { needs: ['clock'], page: filterPage },
  ),
  rule(
    'keeps the filter over all pages',
    async (bench) => {
      const { name } = await splitStream(bench);
      same('the shards', await filtered(bench, name, { Type: 'AT_LATEST' }, { MaxResults: 1 }), [1, 2, 3]);
    },
    { page: apiPage('ListShards') },
  ),
];

async function tokenOf(bench: Bench): Promise<{ readonly name: string; readonly token: string }> {
  const name = await bench.sharedStream();
  const { NextToken: token } = await bench.kinesis.listShards({ StreamName: name, MaxResults: 1 });
  return { name, token: given(token, 'NextToken') };
}

const refusals = [
  rule('refuses a NextToken together with StreamName', async (bench) => {
    const { name, token } = await tokenOf(bench);
    await refused(bench.kinesis.listShards({ NextToken: token, StreamName: name }), invalid);
  }),
  rule('refuses a NextToken together with StreamCreationTimestamp', async (bench) => {
    const { name, token } = await tokenOf(bench);
    const { StreamCreationTimestamp: created } = await bench.summary(name);
    await refused(bench.kinesis.listShards({ NextToken: token, StreamCreationTimestamp: created }), invalid);
  }),
  rule('refuses a NextToken together with ExclusiveStartShardId', async (bench) => {
    const { name, token } = await tokenOf(bench);
    const id = idOf(await bench.shard(name));
    await refused(bench.kinesis.listShards({ NextToken: token, ExclusiveStartShardId: id }), invalid);
  }),
  rule('refuses a NextToken that was never given out', async (bench) => {
    await refused(bench.kinesis.listShards({ NextToken: 'bogus' }), [...invalid, 'ExpiredNextTokenException']);
  }),
  rule(
    'answers ExpiredNextTokenException to a token that is older than 300 s, and not before',
    async (bench) => {
      const { token } = await tokenOf(bench);
      bench.advance(4.9 * minuteMs);
      await bench.kinesis.listShards({ NextToken: token });
      bench.advance(0.2 * minuteMs);
      await refused(bench.kinesis.listShards({ NextToken: token }), ['ExpiredNextTokenException']);
    },
    { needs: ['clock'] },
  ),
  rule('refuses MaxResults below 1 or above 10,000', async (bench) => {
    const name = await bench.sharedStream();
    for (const max of [0, -1, 10_001]) {
      await refused(bench.kinesis.listShards({ StreamName: name, MaxResults: max }), invalid, `MaxResults ${max}`);
    }
  }),
  rule('refuses an ExclusiveStartShardId with other characters than a-z, A-Z, 0-9, _ . -', async (bench) => {
    const name = await bench.sharedStream();
    await refused(bench.kinesis.listShards({ StreamName: name, ExclusiveStartShardId: 'shardId 0' }), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      const name = await bench.creating();
      await refused(bench.kinesis.listShards({ StreamName: name }), inUse);
    },
    { needs: ['states'] },
  ),
  ...(['AFTER_SHARD_ID', 'AT_TIMESTAMP', 'FROM_TIMESTAMP'] as const).map((type) =>
    rule(
      `refuses the filter ${type} without its ${type === 'AFTER_SHARD_ID' ? 'ShardId' : 'Timestamp'}`,
      async (bench) => {
        const name = await bench.sharedStream();
        await refused(filtered(bench, name, { Type: type }), invalid);
      },
    ),
  ),
  rule(
    'refuses a filter’s ShardId with another type than AFTER_SHARD_ID',
    async (bench) => {
      const name = await bench.sharedStream();
      const id = idOf(await bench.shard(name));
      await refused(filtered(bench, name, { Type: 'AT_LATEST', ShardId: id }), invalid);
    },
    { page: filterPage },
  ),
  rule(
    'refuses a filter’s Timestamp with another type than AT_TIMESTAMP and FROM_TIMESTAMP',
    async (bench) => {
      const name = await bench.sharedStream();
      const { StreamCreationTimestamp: created } = await bench.summary(name);
      await refused(filtered(bench, name, { Type: 'AT_TRIM_HORIZON', Timestamp: created }), invalid);
    },
    { page: filterPage },
  ),
  rule('refuses a filter without a Type, or of an unknown one', async (bench) => {
    const name = await bench.sharedStream();
    for (const type of [undefined, 'SOMETIME']) {
      const filter = { Type: malformed(type) };
      await refused(filtered(bench, name, filter), invalid, `type ${type ?? 'missing'}`);
    }
  }),
];

export const listShardsCases = casesOf('ListShards', [...listing, ...filters, ...refusals]);
