import { pageShapes } from '../processing/page-shapes';
import { readInTurns } from '../processing/read-in-turns';
import type { ScenarioContext } from '../timed-scenario';
import { compare } from './compare';
import { doubtOf } from './saturation';
import type { Measurement } from './scenario';

/**
 * How many records a second a process reads that has a core, and what each costs. All keep to the limits of a shard, and there
 * are more shards than a process can keep up with: none waits for its turn.
 */
export async function measureRecords(
  scenario: 'aggregated' | 'plain-1k' | 'plain-200',
  shards: number,
  context: ScenarioContext,
): Promise<readonly Measurement[]> {
  const turns = await readInTurns(scenario, { shards, ...pageShapes[scenario] }, context);
  return compare(turns).map(({ adapter, runs }) => {
    for (const [index, { ours }] of runs.entries()) {
      const doubt = doubtOf(ours);
      if (doubt !== undefined) context.progress(`${scenario} ${adapter}, run ${index + 1}: ${doubt}`);
    }
    return { scenario, adapter, samples: { kind: 'records', runs } };
  });
}
