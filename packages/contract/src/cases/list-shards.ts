import type { Kinesis, Shard, ShardFilter } from '@aws-sdk/client-kinesis';
import { idOf, isOpen, type CaseContext } from '../case-context';
import { apiPage, casesOf, rule } from '../contract-case';
import { given, holds, inUse, invalid, malformed, notFound, refused, same } from '../expectations';
import { hourMs, minuteMs } from './fixtures';

type Options = Omit<Parameters<Kinesis['listShards']>[0], 'StreamName'>;

interface Shards {
  /** Of the stream. */
  readonly name: string;
  /** The ids of its shards. The cases call them by their places here, parents first: ids say nothing. */
  readonly ids: readonly string[];
}

async function shardsOf(context: CaseContext, name: string): Promise<Shards> {
  return { name, ids: (await context.shards(name)).map(idOf) };
}

/** The shards of all pages, in the order of the answers. */
async function listIds(context: CaseContext, name: string, options: Options = {}): Promise<readonly string[]> {
  const found: Shard[] = [];
  let answer = await context.kinesis.listShards({ StreamName: name, ...options });
  found.push(...given(answer.Shards, 'Shards'));
  while ((answer.NextToken ?? undefined) !== undefined) {
    answer = await context.kinesis.listShards({ NextToken: answer.NextToken, MaxResults: options.MaxResults });
    found.push(...given(answer.Shards, 'Shards'));
  }
  return found.map(idOf);
}

async function list(context: CaseContext, { name, ids }: Shards, options: Options = {}): Promise<readonly number[]> {
  return (await listIds(context, name, options)).map((id) => ids.indexOf(id)).sort((a, b) => a - b);
}

function filtered(
  context: CaseContext,
  shards: Shards,
  filter: ShardFilter,
  options: Options = {},
): Promise<readonly number[]> {
  return list(context, shards, { ...options, ShardFilter: filter });
}

/**
 * Two shards, of which 0 was split into 2 and 3, with a record in each generation. `before` and `after` are moments before and
 * after the split, by the service's clock.
 */
async function splitStream(context: CaseContext): Promise<Shards & { readonly before: Date; readonly after: Date }> {
  const name = await context.stream(2);
  const first = await context.shard(name);
  // Well inside of the time between creation and split, since some services count in whole seconds.
  await context.rest(1200);
  const before = await arrivalOfNewRecord(context, name, first);
  await context.rest(1200);
  await context.split(name, first);
  await context.rest(1200);
  const after = await arrivalOfNewRecord(context, name, await context.shard(name, 2));
  return { ...(await shardsOf(context, name)), before, after };
}

async function arrivalOfNewRecord(context: CaseContext, name: string, shard: Shard): Promise<Date> {
  await context.put(name, 'now', shard);
  const [record] = (await context.readFrom(name, shard)).records;
  return given(record?.ApproximateArrivalTimestamp, 'ApproximateArrivalTimestamp');
}

const listing = [
  rule('lists open and closed shards with their parents, hash keys and sequence numbers', async (context) => {
    const { name } = await splitStream(context);
    const [parent, , left, right] = await context.shards(name);
    same('ParentShardId', [left?.ParentShardId, right?.ParentShardId], [parent?.ShardId, parent?.ShardId]);
    same('AdjacentParentShardId', left?.AdjacentParentShardId ?? undefined, undefined);
    holds(!isOpen(given(parent, 'the parent')), 'the parent has no EndingSequenceNumber');
    holds(isOpen(given(left, 'a child')), 'an open shard has an EndingSequenceNumber');
    for (const shard of await context.shards(name)) {
      given(shard.HashKeyRange?.StartingHashKey, 'StartingHashKey');
      given(shard.SequenceNumberRange?.StartingSequenceNumber, 'StartingSequenceNumber');
    }
  }),
  rule('returns at most MaxResults shards with a NextToken, and the last page without one', async (context) => {
    const name = await context.stream(3);
    const first = await context.kinesis.listShards({ StreamName: name, MaxResults: 2 });
    same('the first page', first.Shards?.length, 2);
    const second = await context.kinesis.listShards({ NextToken: given(first.NextToken, 'NextToken'), MaxResults: 2 });
    same('the second page', second.Shards?.length, 1);
    same('its NextToken', second.NextToken ?? undefined, undefined);
    const ids = [...(first.Shards ?? []), ...(second.Shards ?? [])].map(idOf);
    same('different shards', new Set(ids).size, 3);
  }),
  rule('uses the default page size for a NextToken without MaxResults', async (context) => {
    const name = await context.stream(3);
    const { NextToken: token } = await context.kinesis.listShards({ StreamName: name, MaxResults: 1 });
    const rest = await context.kinesis.listShards({ NextToken: given(token, 'NextToken') });
    same('the rest', rest.Shards?.length, 2);
  }),
  rule('lists the shards after ExclusiveStartShardId', async (context) => {
    const name = await context.stream(3);
    const [first, ...others] = await listIds(context, name);
    same('the shards', await listIds(context, name, { ExclusiveStartShardId: first }), others);
  }),
  rule('takes the StreamCreationTimestamp of the stream', async (context) => {
    const name = await context.sharedStream();
    const { StreamCreationTimestamp: created } = await context.summary(name);
    const shards = await shardsOf(context, name);
    same('the shards', await list(context, shards, { StreamCreationTimestamp: created }), [0, 1]);
  }),
  rule('does not find a stream by another StreamCreationTimestamp', async (context) => {
    const name = await context.sharedStream();
    const created = given((await context.summary(name)).StreamCreationTimestamp, 'StreamCreationTimestamp');
    const dayBefore = new Date(created.getTime() - 24 * hourMs);
    await refused(context.kinesis.listShards({ StreamName: name, StreamCreationTimestamp: dayBefore }), notFound);
  }),
  rule(
    'returns at most 1000 shards, whatever MaxResults asks for',
    async (context) => {
      const name = await context.stream(1001);
      const page = await context.kinesis.listShards({ StreamName: name, MaxResults: 2000 });
      same('the shards', page.Shards?.length, 1000);
      given(page.NextToken, 'NextToken');
    },
    { needs: ['costly', 'volume'] },
  ),
  rule(
    'does not list expired shards',
    async (context) => {
      const shards = await splitStream(context);
      context.advance(25 * hourMs);
      same('the shards', await list(context, shards), [1, 2, 3]);
    },
    { needs: ['clock'] },
  ),
  rule(
    'works while the stream is UPDATING',
    async (context) => {
      const name = await context.stream();
      const id = idOf(await context.shard(name));
      await context.kinesis.splitShard({ StreamName: name, ShardToSplit: id, NewStartingHashKey: '1000' });
      holds((await listIds(context, name)).includes(id), 'the shard is not listed');
    },
    { needs: ['states'], page: apiPage('SplitShard') },
  ),
];

const filterPage = apiPage('ShardFilter');

const filters = [
  rule(
    'every filter type lists all shards of a stream that was never resharded',
    async (context) => {
      const name = await context.stream(2);
      await context.rest(1200);
      const now = await arrivalOfNewRecord(context, name, await context.shard(name));
      const shards = await shardsOf(context, name);
      for (const filter of [
        ...(['AT_TRIM_HORIZON', 'FROM_TRIM_HORIZON', 'AT_LATEST'] as const).map((type) => ({ Type: type })),
        { Type: 'AT_TIMESTAMP', Timestamp: now } as const,
        { Type: 'FROM_TIMESTAMP', Timestamp: now } as const,
      ]) {
        same(filter.Type, await filtered(context, shards, filter), [0, 1]);
      }
    },
    { page: filterPage },
  ),
  rule(
    'without a filter lists all shards, from the trim horizon to the tip',
    async (context) => {
      same('the shards', await list(context, await splitStream(context)), [0, 1, 2, 3]);
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
      async (context) => {
        same('the shards', await filtered(context, await splitStream(context), { Type: type }), expected);
      },
      { page: filterPage },
    ),
  ),
  rule(
    'AFTER_SHARD_ID lists the shards after that one, as ExclusiveStartShardId does',
    async (context) => {
      const { name } = await splitStream(context);
      const [, second, ...others] = await listIds(context, name);
      const filter = { Type: 'AFTER_SHARD_ID', ShardId: second } as const;
      same('the shards', await listIds(context, name, { ShardFilter: filter }), others);
      same('by the other way', await listIds(context, name, { ExclusiveStartShardId: second }), others);
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
      async (context) => {
        const stream = await splitStream(context);
        same('the shards', await filtered(context, stream, { Type: type, Timestamp: stream[when] }), expected);
      },
      { page: filterPage },
    ),
  ),
  rule(
    'FROM_TIMESTAMP before the trim horizon means the trim horizon',
    async (context) => {
      const stream = await splitStream(context);
      const longAgo = new Date(stream.before.getTime() - 48 * hourMs);
      const filter = { Type: 'FROM_TIMESTAMP', Timestamp: longAgo } as const;
      same('the shards', await filtered(context, stream, filter), [0, 1, 2, 3]);
    },
    { page: filterPage },
  ),
  rule(
    'every filter type follows a merge: the parents are listed from before it, the child from after it',
    async (context) => {
      const name = await context.stream(2);
      await context.rest(1200);
      const before = await arrivalOfNewRecord(context, name, await context.shard(name));
      await context.rest(1200);
      await context.merge(name, await context.shard(name), await context.shard(name, 1));
      await context.rest(1200);
      const after = await arrivalOfNewRecord(context, name, await context.shard(name, 2));
      const shards = await shardsOf(context, name);
      same('AT_LATEST', await filtered(context, shards, { Type: 'AT_LATEST' }), [2]);
      same('FROM_TRIM_HORIZON', await filtered(context, shards, { Type: 'FROM_TRIM_HORIZON' }), [0, 1, 2]);
      same('AT_TIMESTAMP before', await filtered(context, shards, { Type: 'AT_TIMESTAMP', Timestamp: before }), [0, 1]);
      same('AT_TIMESTAMP after', await filtered(context, shards, { Type: 'AT_TIMESTAMP', Timestamp: after }), [2]);
      same('FROM_TIMESTAMP after', await filtered(context, shards, { Type: 'FROM_TIMESTAMP', Timestamp: after }), [2]);
    },
    { page: filterPage },
  ),
  rule(
    'AT_TRIM_HORIZON follows the horizon: a day after a split it lists the children',
    async (context) => {
      const shards = await splitStream(context);
      context.advance(25 * hourMs);
      same('the shards', await filtered(context, shards, { Type: 'AT_TRIM_HORIZON' }), [1, 2, 3]);
    },
    { needs: ['clock'], page: filterPage },
  ),
  rule(
    'keeps the filter over all pages',
    async (context) => {
      const shards = await splitStream(context);
      same('the shards', await filtered(context, shards, { Type: 'AT_LATEST' }, { MaxResults: 1 }), [1, 2, 3]);
    },
    { page: apiPage('ListShards') },
  ),
];

async function tokenOf(context: CaseContext): Promise<{ readonly name: string; readonly token: string }> {
  const name = await context.sharedStream();
  const { NextToken: token } = await context.kinesis.listShards({ StreamName: name, MaxResults: 1 });
  return { name, token: given(token, 'NextToken') };
}

const refusals = [
  rule('refuses a NextToken together with StreamName', async (context) => {
    const { name, token } = await tokenOf(context);
    await refused(context.kinesis.listShards({ NextToken: token, StreamName: name }), invalid);
  }),
  rule('refuses a NextToken together with StreamCreationTimestamp', async (context) => {
    const { name, token } = await tokenOf(context);
    const { StreamCreationTimestamp: created } = await context.summary(name);
    await refused(context.kinesis.listShards({ NextToken: token, StreamCreationTimestamp: created }), invalid);
  }),
  rule('refuses a NextToken together with ExclusiveStartShardId', async (context) => {
    const { name, token } = await tokenOf(context);
    const id = idOf(await context.shard(name));
    await refused(context.kinesis.listShards({ NextToken: token, ExclusiveStartShardId: id }), invalid);
  }),
  rule('refuses a NextToken that was never given out', async (context) => {
    await refused(context.kinesis.listShards({ NextToken: 'bogus' }), [...invalid, 'ExpiredNextTokenException']);
  }),
  rule(
    'answers ExpiredNextTokenException to a token that is older than 300 s, and not before',
    async (context) => {
      const { token } = await tokenOf(context);
      context.advance(4.9 * minuteMs);
      await context.kinesis.listShards({ NextToken: token });
      context.advance(0.2 * minuteMs);
      await refused(context.kinesis.listShards({ NextToken: token }), ['ExpiredNextTokenException']);
    },
    { needs: ['clock'] },
  ),
  rule('refuses MaxResults below 1 or above 10,000', async (context) => {
    const name = await context.sharedStream();
    for (const max of [0, -1, 10_001]) {
      await refused(context.kinesis.listShards({ StreamName: name, MaxResults: max }), invalid, `MaxResults ${max}`);
    }
  }),
  rule('refuses an ExclusiveStartShardId with other characters than a-z, A-Z, 0-9, _ . -', async (context) => {
    const name = await context.sharedStream();
    await refused(context.kinesis.listShards({ StreamName: name, ExclusiveStartShardId: 'shardId 0' }), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      const name = await context.creating();
      await refused(context.kinesis.listShards({ StreamName: name }), inUse);
    },
    { needs: ['states'] },
  ),
  ...(['AFTER_SHARD_ID', 'AT_TIMESTAMP', 'FROM_TIMESTAMP'] as const).map((type) =>
    rule(
      `refuses the filter ${type} without its ${type === 'AFTER_SHARD_ID' ? 'ShardId' : 'Timestamp'}`,
      async (context) => {
        const name = await context.sharedStream();
        await refused(listIds(context, name, { ShardFilter: { Type: type } }), invalid);
      },
    ),
  ),
  rule(
    'refuses a filter’s ShardId with another type than AFTER_SHARD_ID',
    async (context) => {
      const name = await context.sharedStream();
      const id = idOf(await context.shard(name));
      await refused(listIds(context, name, { ShardFilter: { Type: 'AT_LATEST', ShardId: id } }), invalid);
    },
    { page: filterPage },
  ),
  rule(
    'refuses a filter’s Timestamp with another type than AT_TIMESTAMP and FROM_TIMESTAMP',
    async (context) => {
      const name = await context.sharedStream();
      const { StreamCreationTimestamp: created } = await context.summary(name);
      const filter = { Type: 'AT_TRIM_HORIZON', Timestamp: created } as const;
      await refused(listIds(context, name, { ShardFilter: filter }), invalid);
    },
    { page: filterPage },
  ),
  rule('refuses a filter without a Type, or of an unknown one', async (context) => {
    const name = await context.sharedStream();
    for (const type of [undefined, 'SOMETIME']) {
      const filter = { Type: malformed(type) };
      await refused(listIds(context, name, { ShardFilter: filter }), invalid, `type ${type ?? 'missing'}`);
    }
  }),
];

export const listShardsCases = casesOf('ListShards', [...listing, ...filters, ...refusals]);
