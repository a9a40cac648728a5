import { UsageError, type Bench } from './bench';
import { benches } from './registry';

/** No bench takes nearly as long; one that hangs ends by this. */
const timeLimitMs = 30 * 60_000;

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args.filter((arg) => arg !== '--json');
  if (name === undefined || name === '--help') {
    print(list());
    return;
  }
  const bench = benches.find((candidate) => candidate.name === name);
  if (bench === undefined) throw new UsageError(`there is no bench '${name}'`);
  // The SDK's advice to use a newer Node.js, in the middle of the progress.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { rows, report } = await bench.run({
    args: rest,
    signal: AbortSignal.any([untilInterrupted(), AbortSignal.timeout(timeLimitMs)]),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  print(args.includes('--json') ? [JSON.stringify(rows)] : report);
}

function untilInterrupted(): AbortSignal {
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // The second time, without waiting for anything; the listeners of 'exit' still clear up.
      if (ending.signal.aborted) process.exit(1);
      ending.abort(new Error(`stopped by ${name}`));
    });
  }
  return ending.signal;
}

function list(): readonly string[] {
  return ['usage: npm run bench -- name [--json] [options]', '', ...benches.flatMap(describe)];
}

function describe({ name, summary, options }: Bench): readonly string[] {
  return [`${name.padEnd(14)} ${summary}`, ...options.map((option) => `${' '.repeat(15)}${option}`)];
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  const text = isUsage ? `${error.message}\n\n${list().join('\n')}` : describeError(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = isUsage ? 2 : 1;
});

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
