import { parseArgs } from 'node:util';

export interface CommandLine {
  readonly points: number;
  readonly seed: number;
  readonly lanes: number;
}

export const usage = `usage: npm run -s stop-points -- [options]

  --points N     at how many points a worker process gets SIGTERM (200)
  --seed S       of the points; another one each time unless it is given
  --at-once L    how many applications, each with a worker process of its own, are restarted side by side (4)

The last line on standard output is one JSON object; progress and failures go to standard error. The exit code is 0 only
if nothing failed.
`;

/** @throws Error with everything that is wrong */
export function parseCommandLine(args: readonly string[], randomSeed: () => number): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: { points: { type: 'string' }, seed: { type: 'string' }, 'at-once': { type: 'string' } },
  });
  const problems: string[] = [];
  const whole = (name: keyof typeof values, min: number, max: number): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text !== '' && Number.isSafeInteger(number) && number >= min && number <= max) return number;
    problems.push(`--${name} (${text}) must be a whole number from ${min} to ${max}`);
    return undefined;
  };
  const parsed = {
    points: whole('points', 1, 10_000) ?? 200,
    seed: whole('seed', 0, 2 ** 32 - 1) ?? randomSeed(),
    lanes: whole('at-once', 1, 16) ?? 4,
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return parsed;
}
