import type { StreamSummary } from '@aws-sdk/client-kinesis';
import { idOf, inOrder, isOpen, type CaseContext } from '../case-context';
import { apiPage, casesOf, rule } from '../contract-case';
import { given, holds, invalid, notFound, overLimit, refused, same } from '../expectations';
import { exceedsRate } from './fixtures';

async function describe(
  context: CaseContext,
  name: string,
  options: { Limit?: number; ExclusiveStartShardId?: string } = {},
) {
  const answer = await context.patiently(() => context.kinesis.describeStream({ StreamName: name, ...options }));
  return given(answer.StreamDescription, 'StreamDescription');
}

export const describeStreamCases = casesOf('DescribeStream', [
  rule('says name, ARN, state, mode, retention period, time of creation and metrics of a stream', async (context) => {
    const name = await context.sharedStream();
    const description = await describe(context, name);
    same('StreamName', description.StreamName, name);
    holds((description.StreamARN ?? '').endsWith(`:stream/${name}`), 'StreamARN does not end with the name');
    same('StreamStatus', description.StreamStatus, 'ACTIVE');
    same('StreamMode', description.StreamModeDetails?.StreamMode, 'PROVISIONED');
    same('RetentionPeriodHours', description.RetentionPeriodHours, 24);
    holds(description.StreamCreationTimestamp instanceof Date, 'StreamCreationTimestamp is missing');
    holds(Array.isArray(description.EnhancedMonitoring), 'EnhancedMonitoring is missing');
    same('HasMoreShards', description.HasMoreShards, false);
  }),
  rule('lists the shards as ListShards does, open and closed', async (context) => {
    const name = await context.stream();
    await context.split(name, await context.shard(name));
    const { Shards: shards } = await describe(context, name);
    const sorted = inOrder(given(shards, 'Shards'));
    same('Shards', JSON.stringify(sorted), JSON.stringify(await context.shards(name)));
    same('open or not', sorted.map(isOpen), [false, true, true]);
  }),
  rule('returns at most Limit shards, and goes on after ExclusiveStartShardId', async (context) => {
    const name = await context.stream(3);
    const first = await describe(context, name, { Limit: 2 });
    same('the first page', first.Shards?.length, 2);
    same('HasMoreShards', first.HasMoreShards, true);
    const last = idOf(given(first.Shards?.[1], 'a shard'));
    const second = await describe(context, name, { Limit: 2, ExclusiveStartShardId: last });
    same('the second page', second.Shards?.length, 1);
    same('HasMoreShards at the end', second.HasMoreShards, false);
    same('different shards', new Set([...(first.Shards ?? []), ...(second.Shards ?? [])].map(idOf)).size, 3);
  }),
  rule(
    'returns at most 100 shards, whatever Limit asks for',
    async (context) => {
      const name = await context.stream(101);
      for (const options of [{}, { Limit: 1000 }]) {
        const { Shards: shards, HasMoreShards: more } = await describe(context, name, options);
        same(`the shards with ${JSON.stringify(options)}`, [shards?.length, more], [100, true]);
      }
    },
    { needs: ['costly'] },
  ),
  rule('refuses a Limit below 1 or above 10,000', async (context) => {
    const name = await context.sharedStream();
    for (const limit of [0, -1, 10_001]) {
      await refused(context.kinesis.describeStream({ StreamName: name, Limit: limit }), invalid, `Limit ${limit}`);
    }
  }),
  rule('refuses an ExclusiveStartShardId with other characters than a-z, A-Z, 0-9, _ . -', async (context) => {
    const name = await context.sharedStream();
    await refused(context.kinesis.describeStream({ StreamName: name, ExclusiveStartShardId: 'shardId 0' }), invalid);
  }),
  rule(
    'shows a stream that is CREATING',
    async (context) => {
      same('StreamStatus', (await describe(context, await context.creating())).StreamStatus, 'CREATING');
    },
    { needs: ['states'] },
  ),
  rule('answers LimitExceededException to more than 10 calls per second', async (context) => {
    const name = await context.sharedStream();
    await exceedsRate(() => context.kinesis.describeStream({ StreamName: name }), {
      perSecond: 10,
      name: overLimit[0],
    });
  }),
]);

export const describeStreamSummaryCases = casesOf('DescribeStreamSummary', [
  rule('says name, ARN, state, mode, retention period, time of creation, metrics and encryption', async (context) => {
    const name = await context.sharedStream();
    const summary = await context.summary(name);
    same('StreamName', summary.StreamName, name);
    holds((summary.StreamARN ?? '').endsWith(`:stream/${name}`), 'StreamARN does not end with the name');
    same('StreamStatus', summary.StreamStatus, 'ACTIVE');
    same('StreamMode', summary.StreamModeDetails?.StreamMode, 'PROVISIONED');
    same('RetentionPeriodHours', summary.RetentionPeriodHours, 24);
    holds(summary.StreamCreationTimestamp instanceof Date, 'StreamCreationTimestamp is missing');
    holds(Array.isArray(summary.EnhancedMonitoring), 'EnhancedMonitoring is missing');
    same('EncryptionType', summary.EncryptionType ?? 'NONE', 'NONE');
  }),
  rule('counts the open shards, not the closed ones', async (context) => {
    const name = await context.stream(2);
    same('OpenShardCount', (await context.summary(name)).OpenShardCount, 2);
    await context.split(name, await context.shard(name));
    same('OpenShardCount after a split', (await context.summary(name)).OpenShardCount, 3);
  }),
  rule('counts no consumers where none is registered', async (context) => {
    same('ConsumerCount', (await context.summary(await context.sharedStream())).ConsumerCount, 0);
  }),
  rule('answers ResourceNotFoundException for a stream that is deleted', async (context) => {
    const name = await context.stream();
    await context.delete(name);
    await refused(context.kinesis.describeStreamSummary({ StreamName: name }), notFound);
  }),
  rule('answers LimitExceededException to more than 20 calls per second', async (context) => {
    const name = await context.sharedStream();
    const call = (): Promise<unknown> => context.kinesis.describeStreamSummary({ StreamName: name });
    await exceedsRate(call, { perSecond: 20, name: overLimit[0] });
  }),
]);

async function limitsOf(context: CaseContext) {
  await context.rest(1100);
  return context.patiently(() => context.kinesis.describeLimits({}));
}

export const describeLimitsCases = casesOf('DescribeLimits', [
  rule('says how many shards and ON_DEMAND streams the account may have, and has', async (context) => {
    const limits = await limitsOf(context);
    for (const member of ['ShardLimit', 'OpenShardCount', 'OnDemandStreamCount', 'OnDemandStreamCountLimit'] as const) {
      holds(Number.isInteger(limits[member]), `${member} is missing`);
    }
  }),
  rule(
    'counts the open shards of all streams, not the closed ones',
    async (context) => {
      const before = given((await limitsOf(context)).OpenShardCount, 'OpenShardCount');
      const name = await context.stream(2);
      same('with a new stream', (await limitsOf(context)).OpenShardCount, before + 2);
      await context.split(name, await context.shard(name));
      same('after a split', (await limitsOf(context)).OpenShardCount, before + 3);
    },
    { needs: ['own-account'] },
  ),
  rule(
    'counts the ON_DEMAND streams',
    async (context) => {
      const before = given((await limitsOf(context)).OnDemandStreamCount, 'OnDemandStreamCount');
      await context.onDemandStream();
      same('OnDemandStreamCount', (await limitsOf(context)).OnDemandStreamCount, before + 1);
    },
    { needs: ['own-account'] },
  ),
  rule('answers LimitExceededException to more than 1 call per second', async (context) => {
    await context.rest(1100);
    await exceedsRate(() => context.kinesis.describeLimits({}), { perSecond: 1, name: overLimit[0] });
  }),
]);

/** All streams, by the page. Pages need not have a NextToken; where they have none, the last name leads on. */
async function listAll(context: CaseContext, how: 'name' | 'token', limit: number): Promise<Listing> {
  const names: string[] = [];
  const summaries: StreamSummary[] = [];
  let start: { readonly NextToken?: string; readonly ExclusiveStartStreamName?: string } = {};
  for (let more = true; more;) {
    const page = await context.patiently(() => context.kinesis.listStreams({ Limit: limit, ...start }));
    const found = given(page.StreamNames, 'StreamNames');
    holds(found.length <= limit, `a page of ${found.length} streams`);
    names.push(...found);
    summaries.push(...(page.StreamSummaries ?? []));
    more = given(page.HasMoreStreams, 'HasMoreStreams');
    start =
      how === 'token' && page.NextToken !== undefined
        ? { NextToken: page.NextToken }
        : { ExclusiveStartStreamName: found.at(-1) ?? '' };
  }
  return { names: names.sort(), summaries };
}

interface Listing {
  readonly names: readonly string[];
  readonly summaries: readonly StreamSummary[];
}

export const listStreamsCases = casesOf('ListStreams', [
  rule('lists a stream with its summary: ARN, state and mode', async (context) => {
    const name = await context.sharedStream();
    const { summaries } = await listAll(context, 'name', 100);
    const summary = given(
      summaries.find(({ StreamName: one }) => one === name),
      'the StreamSummary',
    );
    same('StreamARN', summary.StreamARN, await context.arnOf(name));
    same('StreamStatus', summary.StreamStatus, 'ACTIVE');
    same('StreamMode', summary.StreamModeDetails?.StreamMode, 'PROVISIONED');
  }),
  ...(['name', 'token'] as const).map((how) =>
    rule(
      `lists every stream once, by pages of Limit that go on by ${how === 'name' ? 'ExclusiveStartStreamName' : 'NextToken'}`,
      async (context) => {
        const names = [await context.stream(), await context.stream(), await context.stream()];
        same('the names', (await listAll(context, how, 2)).names, names.sort());
      },
      { needs: ['own-account'] },
    ),
  ),
  rule(
    'does not list a stream that is deleted',
    async (context) => {
      const name = await context.stream();
      await context.delete(name);
      same('the names', (await listAll(context, 'name', 10)).names, []);
    },
    { needs: ['own-account'], page: apiPage('DeleteStream') },
  ),
  rule(
    'returns at most 100 streams, whatever Limit asks for',
    async (context) => {
      for (let made = 0; made < 101; made += 3) {
        await Promise.all([context.creating(), context.creating(), context.creating()]);
        await context.rest(1000);
      }
      for (const input of [{}, { Limit: 1000 }]) {
        const page = await context.patiently(() => context.kinesis.listStreams(input));
        const found = [page.StreamNames?.length, page.HasMoreStreams];
        same(`the streams with ${JSON.stringify(input)}`, found, [100, true]);
      }
    },
    { needs: ['costly', 'own-account', 'volume'] },
  ),
  rule('refuses a Limit below 1 or above 10,000', async (context) => {
    for (const limit of [0, -1, 10_001]) {
      await refused(context.kinesis.listStreams({ Limit: limit }), invalid, `Limit ${limit}`);
    }
  }),
  rule('refuses an ExclusiveStartStreamName with other characters than a-z, A-Z, 0-9, _ . -', async (context) => {
    await refused(context.kinesis.listStreams({ ExclusiveStartStreamName: 'flight delays' }), invalid);
  }),
  rule('refuses a NextToken that was never given out', async (context) => {
    await refused(context.kinesis.listStreams({ NextToken: 'bogus' }), [...invalid, 'ExpiredNextTokenException']);
  }),
  rule('answers LimitExceededException to more than 5 calls per second', async (context) => {
    await exceedsRate(() => context.kinesis.listStreams({ Limit: 1 }), { perSecond: 5, name: overLimit[0] });
  }),
]);
