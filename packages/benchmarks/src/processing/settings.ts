import { parseArgs } from 'node:util';
import { UsageError } from '../bench';
import { runsOf, scenariosNamed, understood } from '../command-line';
import { scenarioNames, type ScenarioName } from './scenario';

export interface Settings {
  readonly scenarios: readonly ScenarioName[];
  /** Undefined: as many as is usual for each scenario. */
  readonly runs: number | undefined;
  /** Undefined: as long as is usual for each scenario. */
  readonly seconds: number | undefined;
  readonly profileDirectory: string | undefined;
}

export const settingsUsage: readonly string[] = [
  '--scenario a,b     only these:',
  `                   ${scenarioNames.slice(0, 4).join(', ')},`,
  `                   ${scenarioNames.slice(4).join(', ')}`,
  '--runs 3           of each scenario, instead of what is usual for it',
  '--seconds 20       that each run measures, instead of what is usual; short ones say little',
  '--profile folder   keep a processor profile of each process that reads, which makes it slower',
];

/** @throws UsageError */
export function parseSettings(args: readonly string[]): Settings {
  const text = { type: 'string' } as const;
  const { values } = understood(() =>
    parseArgs({ args: [...args], options: { scenario: text, runs: text, seconds: text, profile: text } }),
  );
  return {
    scenarios: values.scenario === undefined ? scenarioNames : scenariosNamed(values.scenario, scenarioNames),
    runs: values.runs === undefined ? undefined : runsOf(values.runs),
    seconds: values.seconds === undefined ? undefined : secondsOf(values.seconds),
    profileDirectory: values.profile,
  };
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (text === '' || !(seconds > 0) || seconds > 300) {
    throw new UsageError(`--seconds must be above 0, and 300 at most, not '${text}'`);
  }
  return seconds;
}
