import { greatestHashKey, isOpen, rangeOf, type CaseContext } from '../case-context';
import { casesOf, rule } from '../contract-case';
import { holds, inUse, invalid, malformed, nameOf, overLimit, outcomeOf, refused, same } from '../expectations';
import { exceedsRateOfChanges, hourMs } from './fixtures';

function update(context: CaseContext, name: string, count: number) {
  return context.kinesis.updateShardCount({
    StreamName: name,
    TargetShardCount: count,
    ScalingType: 'UNIFORM_SCALING',
  });
}

async function updated(context: CaseContext, name: string, count: number): Promise<void> {
  await context.patiently(() => update(context, name, count));
  await context.untilActive(name);
}

async function openRanges(context: CaseContext, name: string): Promise<readonly (readonly [bigint, bigint])[]> {
  const open = (await context.shards(name)).filter(isOpen).map(rangeOf);
  return open.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The open shards must be so many, cover all hash keys once, and differ in size by less than a millionth. */
async function isUniform(context: CaseContext, name: string, count: number): Promise<void> {
  const ranges = await openRanges(context, name);
  same('the open shards', ranges.length, count);
  let next = 0n;
  for (const [start, end] of ranges) {
    same('StartingHashKey', start, next);
    next = end + 1n;
    const share = (greatestHashKey + 1n) / BigInt(count);
    const off = end - start + 1n - share;
    holds((off < 0n ? -off : off) * 1_000_000n < share, 'the shards are not of equal size');
  }
  same('the last EndingHashKey', next - 1n, greatestHashKey);
}

const eitherLimit = [...overLimit, ...invalid];

export const updateShardCountCases = casesOf('UpdateShardCount', [
  rule(
    'answers with the counts before and after, and leaves the stream UPDATING, ACTIVE later',
    async (context) => {
      const name = await context.stream(2);
      const answer = await update(context, name, 4);
      same('StreamName', answer.StreamName, name);
      same('CurrentShardCount', answer.CurrentShardCount, 2);
      same('TargetShardCount', answer.TargetShardCount, 4);
      same('StreamStatus', (await context.summary(name)).StreamStatus, 'UPDATING');
      await context.untilActive(name);
      same('OpenShardCount', (await context.summary(name)).OpenShardCount, 4);
    },
    { needs: ['states'] },
  ),
  ...(
    [
      [2, 4, 'doubles'],
      [4, 2, 'halves'],
      [2, 3, 'scales up to a count that is no multiple'],
      [3, 2, 'scales down to a count that is no divisor'],
    ] as const
  ).map(([from, to, what]) =>
    rule(`${what}, to open shards of equal size over all hash keys`, async (context) => {
      const name = await context.stream(from);
      await updated(context, name, to);
      await isUniform(context, name, to);
    }),
  ),
  rule('closes what it replaces, and keeps its records readable', async (context) => {
    const name = await context.stream();
    await context.put(name, 'old');
    await updated(context, name, 2);
    const parent = await context.shard(name);
    holds(!isOpen(parent), 'the parent is open');
    same('the records', (await context.readFrom(name, parent)).texts, ['old']);
  }),
  rule(
    'lets writes go on while the stream is UPDATING',
    async (context) => {
      const name = await context.stream(2);
      await update(context, name, 4);
      same('PutRecord', await outcomeOf(context.put(name, 'data')), 'accepted');
    },
    { needs: ['states'] },
  ),
  rule('refuses more than double the current count', async (context) => {
    await refused(update(context, await context.stream(2), 5), eitherLimit);
  }),
  rule('refuses less than half of the current count', async (context) => {
    await refused(update(context, await context.stream(5), 2), eitherLimit);
  }),
  rule('refuses a count below 1', async (context) => {
    const name = await context.stream();
    await refused(update(context, name, 0), invalid, '0');
    await refused(update(context, name, -1), invalid, '-1');
  }),
  rule('needs a TargetShardCount', async (context) => {
    await refused(update(context, await context.stream(), malformed(undefined)), invalid);
  }),
  rule('needs a ScalingType, and knows only UNIFORM_SCALING', async (context) => {
    const name = await context.stream();
    for (const type of [undefined, 'DOUBLE']) {
      const input = { StreamName: name, TargetShardCount: 2, ScalingType: malformed(type) };
      await refused(context.kinesis.updateShardCount(input), invalid, `type ${type ?? 'missing'}`);
    }
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(update(context, await context.creating(), 2), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (context) => {
      const name = await context.stream(2);
      await update(context, name, 4);
      await refused(update(context, name, 3), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (context) => {
    const name = await context.onDemandStream();
    const { OpenShardCount: count = 4 } = await context.summary(name);
    await refused(update(context, name, count + 1), ['ValidationException']);
  }),
  rule(
    'answers LimitExceededException to the eleventh call for a stream in 24 hours',
    async (context) => {
      const name = await context.stream();
      await scaleTenTimes(context, name);
      await refused(update(context, name, 2), overLimit);
    },
    { needs: ['costly'] },
  ),
  rule(
    'scales again once 24 hours have passed since the first of ten calls',
    async (context) => {
      const name = await context.stream();
      await scaleTenTimes(context, name);
      context.advance(24.1 * hourMs);
      same('the call', await outcomeOf(update(context, name, 2)), 'accepted');
    },
    { needs: ['clock'] },
  ),
  rule(
    'answers LimitExceededException to more than 10 calls per second',
    async (context) => {
      await exceedsRateOfChanges(context, { shardCount: 1, perSecond: 10 }, (name) => update(context, name, 2));
    },
    { needs: ['costly'] },
  ),
]);

/** One shard, two, one, …, and in the end one. */
async function scaleTenTimes(context: CaseContext, name: string): Promise<void> {
  for (let call = 0; call < 10; call++) {
    await update(context, name, call % 2 === 0 ? 2 : 1).catch((error: unknown) => {
      throw new Error(`call ${call + 1} is refused with ${nameOf(error)}`);
    });
    await context.untilActive(name);
  }
}
