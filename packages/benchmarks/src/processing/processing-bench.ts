import type { Bench } from '../bench';
import { measureScenarios } from '../timed-scenario';
import { reportLines } from './report';
import { rowOf } from './row';
import { scenarios } from './scenarios';
import { parseSettings, settingsUsage } from './settings';

/** What a record costs in a worker, how late it comes, and what shards cost that have none. */
export const processingBench: Bench = {
  name: 'processing',
  summary: 'what records cost in a worker, beside a bare loop of GetRecords; latency, memory, sharing a shard',
  options: settingsUsage,
  run: async ({ args, signal, progress }) => {
    const measurements = await measureScenarios(scenarios, parseSettings(args), { signal, progress }, rowOf);
    return { rows: measurements.map(rowOf), report: reportLines(measurements) };
  },
};
