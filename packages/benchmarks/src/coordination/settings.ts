import { parseArgs } from 'node:util';
import { UsageError } from '../bench';
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
    scenarios: values.scenario === undefined ? scenarioNames : scenariosNamed(values.scenario.split(',')),
    runs: values.runs === undefined ? undefined : runsOf(values.runs),
  };
}

function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function scenariosNamed(wanted: readonly string[]): readonly ScenarioName[] {
  for (const text of wanted) {
    if (!scenarioNames.some((name) => name === text)) {
      throw new UsageError(`--scenario must be of ${scenarioNames.join(', ')}, not '${text}'`);
    }
  }
  return scenarioNames.filter((name) => wanted.includes(name));
}

function runsOf(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new UsageError(`--runs must be 1 to 99, not '${text}'`);
  return Number(text);
}
