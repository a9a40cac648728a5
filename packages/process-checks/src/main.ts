import { inspect } from 'node:util';
import { parseCommandLine, usage, type CommandLine } from './command-line';
import { runStopPoints } from './stop-points';

/** For each point, and for the start and the end. Far above what one takes. */
const timeLimitMs = ({ points, lanes }: CommandLine): number => 120_000 + (points / lanes) * 20_000;

async function main(commandLine: CommandLine): Promise<number> {
  const { points, seed } = commandLine;
  process.stderr.write(`${points} points, seed ${seed}\n`);
  const summary = await runStopPoints({
    ...commandLine,
    directory: __dirname,
    progress: (line) => process.stderr.write(`${line}\n`),
    signal: AbortSignal.any([untilInterrupted(), AbortSignal.timeout(timeLimitMs(commandLine))]),
  });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return summary.failures.length === 0 ? 0 : 1;
}

function untilInterrupted(): AbortSignal {
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => ending.abort(new Error(`stopped by ${name}`)));
  }
  return ending.signal;
}

let commandLine: CommandLine | undefined;
try {
  commandLine = parseCommandLine(process.argv.slice(2), () => Math.floor(Math.random() * 2 ** 32));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
if (commandLine !== undefined) {
  main(commandLine).then(
    (exitCode) => (process.exitCode = exitCode),
    (error: unknown) => {
      process.stderr.write(`${inspect(error)}\n`);
      process.exitCode = 2;
    },
  );
}
