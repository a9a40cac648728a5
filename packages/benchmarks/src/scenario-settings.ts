import { parseArgs } from 'node:util';
import { UsageError } from './bench';
import { runsOf, scenariosNamed, understood } from './command-line';

/** What the command line says of a bench whose scenarios are measured for a time. */
export interface ScenarioSettings<Name extends string> {
  readonly scenarios: readonly Name[];
  /** Undefined: as many as is usual for each scenario. */
  readonly runs: number | undefined;
  /** Undefined: as long as is usual for each scenario. */
  readonly seconds: number | undefined;
  readonly profileDirectory: string | undefined;
}

/** Names that stand beside each other on a line. */
const namesPerLine = 4;

export function scenarioUsage(names: readonly string[]): readonly string[] {
  const lines = Array.from({ length: Math.ceil(names.length / namesPerLine) }, (_, line) =>
    names.slice(line * namesPerLine, (line + 1) * namesPerLine).join(', '),
  );
  return [
    '--scenario a,b     only these:',
    ...lines.map((line, index) => `                   ${line}${index < lines.length - 1 ? ',' : ''}`),
    '--runs 3           of each scenario, instead of what is usual for it',
    '--seconds 20       that each run measures, instead of what is usual; short ones say little',
    '--profile folder   keep a processor profile of each process that reads, which makes it slower',
  ];
}

/**
 * @param names of all scenarios
 * @throws UsageError
 */
export function parseScenarioSettings<Name extends string>(
  args: readonly string[],
  names: readonly Name[],
): ScenarioSettings<Name> {
  const text = { type: 'string' } as const;
  const { values } = understood(() =>
    parseArgs({ args: [...args], options: { scenario: text, runs: text, seconds: text, profile: text } }),
  );
  return {
    scenarios: values.scenario === undefined ? names : scenariosNamed(values.scenario, names),
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
