import { greatestHashKey, isOpen, rangeOf, type Bench } from '../bench';
import { casesOf, rule } from '../contract-case';
import { holds, inUse, invalid, malformed, nameOf, overLimit, outcomeOf, refused, same } from '../expectations';
import { hourMs, streamsForRates } from './fixtures';

function update(bench: Bench, name: string, count: number) {
  return bench.kinesis.updateShardCount({
    StreamName: name,
    TargetShardCount: count,
    ScalingType: 'UNIFORM_SCALING',
  });
}

async function updated(bench: Bench, name: string, count: number): Promise<void> {
  await bench.patiently(() => update(bench, name, count));
  await bench.untilActive(name);
}

async function openRanges(bench: Bench, name: string): Promise<readonly (readonly [bigint, bigint])[]> {
  const open = (await bench.shards(name)).filter(isOpen).map(rangeOf);
  return open.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The open shards must be so many, cover all hash keys once, and differ in size by less than a millionth. */
async function isUniform(bench: Bench, name: string, count: number): Promise<void> {
  const ranges = await openRanges(bench, name);
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
    async (bench) => {
      const name = await bench.stream(2);
      const answer = await update(bench, name, 4);
      same('StreamName', answer.StreamName, name);
      same('CurrentShardCount', answer.CurrentShardCount, 2);
      same('TargetShardCount', answer.TargetShardCount, 4);
      same('StreamStatus', (await bench.summary(name)).StreamStatus, 'UPDATING');
      await bench.untilActive(name);
      same('OpenShardCount', (await bench.summary(name)).OpenShardCount, 4);
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
    rule(`${what}, to open shards of equal size over all hash keys`, async (bench) => {
      const name = await bench.stream(from);
      await updated(bench, name, to);
      await isUniform(bench, name, to);
    }),
  ),
  rule('closes what it replaces, and keeps its records readable', async (bench) => {
    const name = await bench.stream();
    await bench.put(name, 'old');
    await updated(bench, name, 2);
    const parent = await bench.shard(name);
    holds(!isOpen(parent), 'the parent is open');
    same('the records', (await bench.readFrom(name, parent)).texts, ['old']);
  }),
  rule(
    'lets writes go on while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream(2);
      await update(bench, name, 4);
      same('PutRecord', await outcomeOf(bench.put(name, 'data')), 'accepted');
    },
    { needs: ['states'] },
  ),
  rule('refuses more than double the current count', async (bench) => {
    await refused(update(bench, await bench.stream(2), 5), eitherLimit);
  }),
  rule('refuses less than half of the current count', async (bench) => {
    await refused(update(bench, await bench.stream(5), 2), eitherLimit);
  }),
  rule('refuses a count below 1', async (bench) => {
    const name = await bench.stream();
    await refused(update(bench, name, 0), invalid, '0');
    await refused(update(bench, name, -1), invalid, '-1');
  }),
  rule('needs a TargetShardCount', async (bench) => {
    await refused(update(bench, await bench.stream(), malformed(undefined)), invalid);
  }),
  rule('needs a ScalingType, and knows only UNIFORM_SCALING', async (bench) => {
    const name = await bench.stream();
    for (const type of [undefined, 'DOUBLE']) {
      const input = { StreamName: name, TargetShardCount: 2, ScalingType: malformed(type) };
      await refused(bench.kinesis.updateShardCount(input), invalid, `type ${type ?? 'missing'}`);
    }
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(update(bench, await bench.creating(), 2), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream(2);
      await update(bench, name, 4);
      await refused(update(bench, name, 3), inUse);
    },
    { needs: ['states'] },
  ),
  rule('answers ValidationException for an ON_DEMAND stream', async (bench) => {
    const name = await bench.onDemandStream();
    const { OpenShardCount: count = 4 } = await bench.summary(name);
    await refused(update(bench, name, count + 1), ['ValidationException']);
  }),
  rule(
    'answers LimitExceededException to the eleventh call for a stream in 24 hours',
    async (bench) => {
      const name = await bench.stream();
      await scaleTenTimes(bench, name);
      await refused(update(bench, name, 2), overLimit);
    },
    { needs: ['costly'] },
  ),
  rule(
    'scales again once 24 hours have passed since the first of ten calls',
    async (bench) => {
      const name = await bench.stream();
      await scaleTenTimes(bench, name);
      bench.advance(24.1 * hourMs);
      same('the call', await outcomeOf(update(bench, name, 2)), 'accepted');
    },
    { needs: ['clock'] },
  ),
  rule(
    'answers LimitExceededException to more than 10 calls per second',
    async (bench) => {
      const names = await streamsForRates(bench, 1);
      const outcomes = await Promise.all(names.map((name) => outcomeOf(update(bench, name, 2))));
      same('the outcomes', [...new Set(outcomes)].sort(), [...overLimit, 'accepted'].sort());
    },
    { needs: ['costly'] },
  ),
]);

/** One shard, two, one, …, and in the end one. */
async function scaleTenTimes(bench: Bench, name: string): Promise<void> {
  for (let call = 0; call < 10; call++) {
    await update(bench, name, call % 2 === 0 ? 2 : 1).catch((error: unknown) => {
      throw new Error(`call ${call + 1} is refused with ${nameOf(error)}`);
    });
    await bench.untilActive(name);
  }
}
