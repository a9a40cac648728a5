import type { CreateStreamCommandInput } from '@aws-sdk/client-kinesis';
import { greatestHashKey, isOpen, rangeOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, retentionPage, rule } from '../contract-case';
import { given, holds, inUse, invalid, nameOf, overLimit, refused, same } from '../expectations';

type Input = Omit<CreateStreamCommandInput, 'StreamName'>;

/** Tries again a few times, so that it is not refused because of the calls before it. */
function createAs(context: CaseContext, name: string | undefined, input: Input): Promise<unknown> {
  return context.patiently(() => context.kinesis.createStream({ StreamName: name, ...input }), 4);
}

const creation = [
  rule(
    'answers at once with a stream that is CREATING, and ACTIVE later',
    async (context) => {
      const name = await context.creating();
      same('StreamStatus', (await context.summary(name)).StreamStatus, 'CREATING');
      await context.untilActive(name);
    },
    { needs: ['states'] },
  ),
  rule('makes as many open shards as asked for', async (context) => {
    const shards = await context.shards(await context.stream(3));
    same('open or not', shards.map(isOpen), [true, true, true]);
  }),
  rule(
    'gives every hash key from 0 to 2^128-1 to exactly one shard',
    async (context) => {
      const ranges = (await context.shards(await context.stream(3))).map(rangeOf).sort(([a], [b]) => (a < b ? -1 : 1));
      let next = 0n;
      for (const [start, end] of ranges) {
        same('StartingHashKey', start, next);
        next = end + 1n;
      }
      same('the last EndingHashKey', next - 1n, greatestHashKey);
    },
    { page: apiPage('PutRecord') },
  ),
  rule(
    'makes a stream that keeps records for 24 hours',
    async (context) => {
      same('RetentionPeriodHours', (await context.summary(await context.sharedStream())).RetentionPeriodHours, 24);
    },
    { page: retentionPage },
  ),
  rule('makes a PROVISIONED stream if given a ShardCount', async (context) => {
    const { StreamModeDetails: details } = await context.summary(await context.sharedStream());
    same('StreamMode', details?.StreamMode, 'PROVISIONED');
  }),
  rule('makes an ON_DEMAND stream without a ShardCount', async (context) => {
    const name = await context.onDemandStream();
    same('StreamMode', (await context.summary(name)).StreamModeDetails?.StreamMode, 'ON_DEMAND');
    holds((await context.shards(name)).length > 0, 'the stream has no shards');
  }),
  rule(
    'gives the stream its Tags, already while it is CREATING',
    async (context) => {
      const name = await context.creating({ ShardCount: 1, Tags: { team: 'delays', empty: '' } });
      const { Tags: tags } = await context.patiently(() => context.kinesis.listTagsForStream({ StreamName: name }));
      same('the tags', (tags ?? []).map(({ Key: key, Value: value }) => `${key ?? ''}=${value ?? ''}`).sort(), [
        'empty=',
        'team=delays',
      ]);
    },
    { needs: ['states'] },
  ),
  rule('sets MaxRecordSizeInKiB, which DescribeStreamSummary shows', async (context) => {
    const name = await context.creating({ ShardCount: 1, MaxRecordSizeInKiB: 4096 });
    await context.untilActive(name);
    same('MaxRecordSizeInKiB', (await context.summary(name)).MaxRecordSizeInKiB, 4096);
  }),
  rule('takes a name of 128 characters, of all that are allowed', async (context) => {
    const name = context.newName((free) => free.padEnd(124, 'x').slice(0, 124) + 'A9_.');
    await context.patiently(() => context.kinesis.createStream({ StreamName: name, ShardCount: 1 }));
    await context.untilActive(name);
    await context.delete(name);
  }),
];

/** More tags than a stream may have; the pages name two errors for it. */
const tooMany = [...overLimit, ...invalid];

const refusals = [
  rule('answers ResourceInUseException for a name that is taken', async (context) => {
    const name = await context.sharedStream();
    await refused(createAs(context, name, { ShardCount: 1 }), inUse);
  }),
  rule(
    'refuses a name that is missing, empty, too long, or has other characters than a-z, A-Z, 0-9, _ . -',
    async (context) => {
      for (const name of [undefined, '', 'x'.repeat(129), 'flight delays', 'flight/delays', 'Verspätungen']) {
        const what = name === undefined ? 'no name' : `'${name.slice(0, 20)}'`;
        await refused(createAs(context, name, { ShardCount: 1 }), invalid, what);
        await context.rest(250);
      }
    },
  ),
  rule('refuses a ShardCount below 1', async (context) => {
    for (const count of [0, -1]) {
      await refused(createAs(context, context.newName(), { ShardCount: count }), invalid, `${count}`);
    }
  }),
  rule('needs a ShardCount for a PROVISIONED stream', async (context) => {
    const input = { StreamModeDetails: { StreamMode: 'PROVISIONED' } } as const;
    await refused(createAs(context, context.newName(), input), invalid);
  }),
  rule('refuses a MaxRecordSizeInKiB below 1024 or above 10240', async (context) => {
    for (const size of [1023, 10_241]) {
      const input = { ShardCount: 1, MaxRecordSizeInKiB: size };
      await refused(createAs(context, context.newName(), input), invalid, `${size} KiB`);
    }
  }),
  rule('refuses more than 50 tags', async (context) => {
    const tags = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key ${index}`, 'value']));
    await refused(createAs(context, context.newName(), { ShardCount: 1, Tags: tags }), tooMany);
  }),
  rule('refuses tags with keys longer than 128 or values longer than 256 characters', async (context) => {
    const tagged = (tags: Record<string, string>): Promise<unknown> =>
      createAs(context, context.newName(), { ShardCount: 1, Tags: tags });
    await refused(tagged({ ['k'.repeat(129)]: 'value' }), invalid, 'the key');
    await refused(tagged({ key: 'v'.repeat(257) }), invalid, 'the value');
  }),
  rule(
    'answers LimitExceededException to more than 5 calls in a second, or streams that are CREATING',
    async (context) => {
      const attempts = Array.from({ length: 8 }, async () => {
        try {
          await context.kinesis.createStream({ StreamName: context.newName(), ShardCount: 1 });
          return 'accepted';
        } catch (error) {
          return nameOf(error);
        }
      });
      const outcomes = await Promise.all(attempts);
      same('the outcomes', [...new Set(outcomes)].sort(), [...overLimit, 'accepted'].sort());
      holds(outcomes.filter((outcome) => outcome === 'accepted').length <= 5, 'more than 5 are accepted');
    },
    { needs: ['own-account', 'states'] },
  ),
  rule('answers LimitExceededException to more shards than the account may have', async (context) => {
    const { ShardLimit: limit } = await context.patiently(() => context.kinesis.describeLimits({}));
    const input = { StreamName: context.newName(), ShardCount: given(limit, 'ShardLimit') + 1 };
    await refused(context.kinesis.createStream(input), overLimit);
  }),
];

export const createStreamCases = casesOf('CreateStream', [...creation, ...refusals]);
