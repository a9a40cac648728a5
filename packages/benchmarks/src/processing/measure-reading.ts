import type { ScenarioContext } from '../timed-scenario';
import type { Reader } from './messages';
import { readInTurns, type StreamShape } from './read-in-turns';
import type { Comparison, Measurement, ScenarioName } from './scenario';

/**
 * What a record costs a worker, beside a bare loop. There are so few shards that the processor has some rest: what is compared is the
 * processor time.
 */
export async function measureReading(
  name: ScenarioName,
  shape: StreamShape,
  context: ScenarioContext,
): Promise<readonly Measurement[]> {
  const turns = await readInTurns(name, shape, context);
  const against = (reader: Reader): readonly Comparison[] =>
    turns.map((runs) => ({ ours: runs[reader].cost, bare: runs.bare.cost }));
  const { runs } = context;
  return [
    { name, runs, samples: { comparisons: against('sdk') } },
    { name: `${name}-direct`, runs, samples: { comparisons: against('direct') } },
  ];
}
