import type { Bench } from '../bench';
import { measureScenarios } from '../timed-scenario';
import { reportLines } from './report';
import { rowOf } from './row';
import { scenarios } from './scenarios';
import { parseSettings, settingsUsage } from './settings';

/** How much a process can read, and what empty answers cost, beside a bare loop of GetRecords. */
export const readingBench: Bench = {
  name: 'reading',
  summary:
    'how many records a second a process reads at most, and what idle polls cost, beside a bare loop of GetRecords',
  options: settingsUsage,
  run: async ({ args, signal, progress }) => {
    const measurements = await measureScenarios(scenarios, parseSettings(args), { signal, progress }, rowOf);
    return { rows: measurements.map(rowOf), report: reportLines(measurements) };
  },
};
