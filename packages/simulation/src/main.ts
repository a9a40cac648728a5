import { availableParallelism } from 'node:os';
import { systemClock } from '@millrace/core';
import { parseCommandLine, usage, type CommandLine } from './command-line';
import { describeFailure } from './report';
import { runSeeds } from './run-seeds';
import { simulate, type SimulationResult } from './simulation';
import { TotalsCounter } from './totals';

/** How often progress is shown, in seeds. */
const progressEvery = 100;

/** The traces of so many failures are printed; the others are only counted. */
const maxFailuresShown = 5;

async function main(commandLine: CommandLine): Promise<number> {
  const startedAtMs = systemClock.now();
  const counter = new TotalsCounter();
  let done = 0;
  let failures = 0;
  const secondsSoFar = (): number => (systemClock.now() - startedAtMs) / 1_000;
  const onResult = (result: SimulationResult): void => {
    counter.add(result);
    done++;
    if (result.failure !== undefined && ++failures <= maxFailuresShown) console.error(describeFailure(result));
    else if (result.failure !== undefined)
      console.error(`seed ${result.seed}: ${result.failure.guarantee} does not hold`);
    if (done % progressEvery === 0) {
      console.error(`${done} of ${commandLine.seeds} seeds, ${failures} failures, ${secondsSoFar().toFixed(0)} s`);
    }
  };
  if (commandLine.trace) {
    const { firstSeed, seeds, workers, shards } = commandLine;
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      onResult(await simulate({ seed, workers, shards, onTraceLine: (line) => console.error(line) }));
    }
  } else {
    await runSeeds(commandLine, availableParallelism(), onResult);
  }
  const totals = counter.totals(secondsSoFar());
  if (!commandLine.json) {
    const { seeds, virtualHours, seconds } = totals;
    console.log(`${seeds} seeds, ${virtualHours} virtual hours in ${seconds} s, ${failures} failures`);
  }
  console.log(JSON.stringify(totals));
  return failures === 0 ? 0 : 1;
}

let commandLine: CommandLine | undefined;
try {
  commandLine = parseCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
if (commandLine !== undefined) {
  main(commandLine).then(
    (exitCode) => (process.exitCode = exitCode),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 2;
    },
  );
}
