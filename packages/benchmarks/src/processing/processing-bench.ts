import { setMaxListeners } from 'node:events';
import type { Bench } from '../bench';
import { reportLines } from './report';
import { rowOf } from './row';
import type { Measurement } from './scenario';
import { scenarios } from './scenarios';
import { parseSettings, settingsUsage } from './settings';

/** What a record costs in a worker, how late it comes, and what shards cost that have none. */
export const processingBench: Bench = {
  name: 'processing',
  summary: 'what records cost in a worker, beside a bare loop of GetRecords; latency, memory, sharing a shard',
  options: settingsUsage,
  run: async ({ args, signal, progress }) => {
    setMaxListeners(0, signal);
    const settings = parseSettings(args);
    const { profileDirectory } = settings;
    const measurements: Measurement[] = [];
    for (const scenario of scenarios.filter(({ name }) => settings.scenarios.includes(name))) {
      const { runs = scenario.runs, seconds = scenario.seconds } = settings;
      progress(`${scenario.name}: ${runs} runs of ${seconds} s`);
      const measured = await scenario.measure({ runs, seconds, profileDirectory, signal, progress });
      measurements.push(...measured);
      // Not lost if a later one fails.
      for (const measurement of measured) progress(JSON.stringify(rowOf(measurement)));
    }
    return { rows: measurements.map(rowOf), report: reportLines(measurements) };
  },
};
