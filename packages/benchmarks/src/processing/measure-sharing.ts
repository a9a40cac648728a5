import type { ScenarioContext } from '../timed-scenario';
import type { ReadCounts } from './messages';
import type { Measurement } from './scenario';
import { tailTogether } from './tail-group';

const applications = 3;
/** Of the time that is measured, before it: until the readers have got used to each other. */
const settleShare = 1 / 5;

/**
 * Three applications with default options share a shard, into which records come one by one: each of them would call five times
 * a second, which is what all three may together. How many calls are refused, and whether each gets a third of the others.
 */
export async function measureSharing(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, progress } = context;
  const latenciesMs: number[] = [];
  const reads: (readonly ReadCounts[])[] = [];
  for (let run = 1; run <= runs; run++) {
    const applicationNames = Array.from({ length: applications }, (_, index) => `sharing-${run}-${index + 1}`);
    const all = await tailTogether({ applicationNames, settleShare }, context);
    for (const tailed of all) latenciesMs.push(...tailed.latenciesMs);
    const counts = all.map((tailed) => tailed.reads);
    reads.push(counts);
    const told = counts.map(({ answered, throttled }) => `${answered} + ${throttled}`);
    progress(`three-applications, run ${run}: calls answered + throttled: ${told.join(', ')}`);
  }
  return [{ name: 'three-applications', runs, samples: { latenciesMs, reads } }];
}
