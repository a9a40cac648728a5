import type { ScenarioContext } from '../timed-scenario';
import type { DeaggregationDone, DeaggregationSettings } from './messages';
import { runChild } from './run-child';
import type { Comparison, Cost, Measurement } from './scenario';

const warmUpShare = 1 / 4;

/** What aws-kinesis-agg is given, and whether the data is read; it leaves it in base64. */
const comparisons: readonly (readonly [
  name: string,
  way: Exclude<DeaggregationSettings['way'], 'ours'>,
  isRead: boolean,
])[] = [
  ['deaggregation', 'theirs', false],
  ['deaggregation-read', 'theirs', true],
  ['deaggregation-other-names', 'theirsByOtherNames', false],
];

/**
 * Aggregates of 500 user records of 100 bytes, taken apart one at a time by this and, as the bare one, by aws-kinesis-agg. Both verify
 * the MD5. Each in a process of its own, one after another.
 */
export async function measureDeaggregation(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, progress } = context;
  const found = comparisons.map(([name, way, isRead]) => ({ name, way, isRead, pairs: [] as Comparison[] }));
  for (let run = 1; run <= runs; run++) {
    for (const { name, way, isRead, pairs } of found) {
      const ours = await costOf({ way: 'ours', isRead }, context);
      const bare = await costOf({ way, isRead }, context);
      pairs.push({ ours, bare });
      progress(`${name}, run ${run}: ${micros(ours)} µs; aws-kinesis-agg ${micros(bare)} µs`);
    }
  }
  return found.map(({ name, pairs }) => ({ name, runs, samples: { comparisons: pairs } }));
}

async function costOf(
  what: Pick<DeaggregationSettings, 'isRead' | 'way'>,
  { seconds, profileDirectory, signal }: ScenarioContext,
): Promise<Cost> {
  const measuredMs = seconds * 1_000;
  const settings: DeaggregationSettings = { ...what, measuredMs, warmUpMs: measuredMs * warmUpShare };
  const done = await runChild({ script: 'deaggregation-script.js', settings, profileDirectory, signal });
  return (done as DeaggregationDone).cost;
}

function micros({ cpuMs, records }: Cost): string {
  return ((cpuMs * 1_000) / records).toFixed(3);
}
