import { parseArgs } from 'node:util';
import { minShards, minWorkers } from './fleet-settings';

export interface CommandLine {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly workers: number | undefined;
  readonly shards: number | undefined;
  /** Only the JSON line on standard output. */
  readonly json: boolean;
  /** Every line of the trace on standard error. */
  readonly trace: boolean;
}

export const usage = `usage: npm run -s simulate -- [options]

  --seeds N      how many seeds (100)
  --seed S       the first of them (1)
  --workers W    how many workers begin, ${minWorkers} or more (by the seed)
  --shards M     how many shards there are at first, ${minShards} or more (by the seed)
  --json         print only the JSON line
  --trace        print everything that happens, for few seeds
`;

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
      json: { type: 'boolean' },
      trace: { type: 'boolean' },
    },
  });
  const problems: string[] = [];
  const whole = (name: 'seed' | 'seeds' | 'shards' | 'workers', min: number): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= min) return number;
    problems.push(`--${name} (${text}) must be a whole number of ${min} or more`);
    return undefined;
  };
  const parsed = {
    firstSeed: whole('seed', 0) ?? 1,
    seeds: whole('seeds', 1) ?? 100,
    workers: whole('workers', minWorkers),
    shards: whole('shards', minShards),
    json: values.json ?? false,
    trace: values.trace ?? false,
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return parsed;
}
