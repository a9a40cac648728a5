import { parseArgs } from 'node:util';
import { runsOf, scenariosNamed, understood } from '../command-line';
import { scenarioNames, type ScenarioName } from './scenario';

export interface Settings {
  readonly scenarios: readonly ScenarioName[];
  /** Undefined: as many as is usual for each scenario. */
  readonly runs: number | undefined;
}

export const settingsUsage: readonly string[] = [
  '--scenario a,b     only these:',
  `                   ${scenarioNames.slice(0, 4).join(', ')},`,
  `                   ${scenarioNames.slice(4).join(', ')}`,
  '--runs 3           of each scenario, instead of what is usual for it',
];

/** @throws UsageError */
export function parseSettings(args: readonly string[]): Settings {
  const { values } = understood(() =>
    parseArgs({ args: [...args], options: { scenario: { type: 'string' }, runs: { type: 'string' } } }),
  );
  return {
    scenarios: values.scenario === undefined ? scenarioNames : scenariosNamed(values.scenario, scenarioNames),
    runs: values.runs === undefined ? undefined : runsOf(values.runs),
  };
}
