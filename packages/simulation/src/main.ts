import { availableParallelism } from 'node:os';
import { systemClock } from '@millrace/core';
import { allPlants, asksForHelp, parseCommandLine, steadyFleet, usage, type CommandLine } from './command-line';
import { installLightAbort } from './light-abort';
import { installLightCommands } from './light-commands';
import { findPlant, plants } from './plants/plants';
import { searchPlant, type PlantFinding } from './plants/search-plant';
import { describeCosts, describeFailure } from './report';
import { runSeeds } from './run-seeds';
import { simulate, type SimulationResult } from './simulation';
import { steadyRun, type SteadyResult } from './steady-run';
import { TotalsCounter } from './totals';

/** How often progress is shown, in seeds. */
const progressEvery = 100;

/** The traces of so many failures are printed; the others are only counted. */
const maxFailuresShown = 5;

async function main(commandLine: CommandLine): Promise<number> {
  if (commandLine.steadyHours !== undefined) return rest(commandLine, commandLine.steadyHours);
  if (commandLine.plant !== undefined) return search(commandLine, commandLine.plant);
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

/** A fleet at rest, twice. */
async function rest({ workers, shards, json }: CommandLine, hours: number): Promise<number> {
  installLightAbort();
  installLightCommands();
  const results: SteadyResult[] = [];
  for (const load of ['idle', 'busy'] as const) {
    const fleet = { workers: workers ?? steadyFleet.workers, shards: shards ?? steadyFleet.shards };
    const onHour = (hour: number): void => console.error(`${load}: ${hour} of ${hours} hours`);
    results.push(await steadyRun({ hours, load, ...fleet, onHour }));
  }
  if (!json) for (const result of results) console.log(describeCosts(result));
  console.log(JSON.stringify(Object.fromEntries(results.map((result) => [result.load, result]))));
  return results.every(({ moves, warnings }) => moves === 0 && warnings.length === 0) ? 0 : 1;
}

/** Bugs that are planted: whether the simulation finds them, and how soon. */
async function search(range: CommandLine, name: string): Promise<number> {
  const findings: PlantFinding[] = [];
  for (const plant of name === allPlants ? plants : [findPlant(name)]) {
    const finding = await searchPlant(plant, range, availableParallelism(), (seed, { guarantee, what }) =>
      console.error(`${plant.name}: seed ${seed}: ${guarantee} does not hold: ${what}`),
    );
    findings.push(finding);
    const { seed, guarantee, seeds } = finding;
    const outcome = seed === null ? 'not found' : `${guarantee} does not hold in seed ${seed}`;
    (range.json ? console.error : console.log)(`${plant.name}: ${outcome}, ${seeds} seeds run`);
  }
  console.log(JSON.stringify(findings));
  return 0;
}

const args = process.argv.slice(2);
let commandLine: CommandLine | undefined;
try {
  if (asksForHelp(args)) console.log(usage);
  else commandLine = parseCommandLine(args);
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
