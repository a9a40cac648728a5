import { parseArgs } from 'node:util';
import { minShards, minWorkers } from './fleet-settings';
import { plants } from './plants/plants';

export interface CommandLine {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly workers: number | undefined;
  readonly shards: number | undefined;
  /** Instead of seeds: so many virtual hours of a fleet at rest, idle and busy. */
  readonly steadyHours: number | undefined;
  /** Instead of a check: how soon this bug is found, or, if it is `all`, each of them. */
  readonly plant: string | undefined;
  /** Only the JSON line on standard output. */
  readonly json: boolean;
  /** Every line of the trace on standard error. */
  readonly trace: boolean;
}

/** The fleet of a steady run. */
export const steadyFleet = { workers: 4, shards: 40 };

/** Every bug, one after another. */
export const allPlants = 'all';

export const usage = `usage: npm run -s simulate -- [options]

  --seeds N      how many seeds (100)
  --seed S       the first of them (1)
  --workers W    how many workers begin, ${minWorkers} or more (by the seed)
  --shards M     how many shards there are at first, ${minShards} or more (by the seed)
  --steady-hours H  instead of seeds: what a fleet at rest (${steadyFleet.workers} workers, ${steadyFleet.shards} shards unless told otherwise)
                 asks of DynamoDB in so many virtual hours, idle and then busy
  --plant P      plant this bug, or one after another if it is \`all\`, and look for the first seed that fails
                 (2000 at the most unless told otherwise)
  --json         print only the JSON line
  --trace        print everything that happens, for few seeds
  --help         print this
`;

export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help');
}

/** @throws Error with everything that is wrong */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      shards: { type: 'string' },
      'steady-hours': { type: 'string' },
      plant: { type: 'string' },
      json: { type: 'boolean' },
      trace: { type: 'boolean' },
    },
  });
  const problems: string[] = [];
  const whole = (name: 'seed' | 'seeds' | 'shards' | 'steady-hours' | 'workers', min: number): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= min) return number;
    problems.push(`--${name} (${text}) must be a whole number of ${min} or more`);
    return undefined;
  };
  const { plant } = values;
  if (plant !== undefined && plant !== allPlants && !plants.some(({ name }) => name === plant)) {
    problems.push(`--plant (${plant}) must be ${allPlants} or one of ${plants.map(({ name }) => name).join(', ')}`);
  }
  const parsed = {
    firstSeed: whole('seed', 0) ?? 1,
    seeds: whole('seeds', 1) ?? (plant === undefined ? 100 : 2_000),
    workers: whole('workers', minWorkers),
    shards: whole('shards', minShards),
    steadyHours: whole('steady-hours', 1),
    plant,
    json: values.json ?? false,
    trace: values.trace ?? false,
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return parsed;
}
