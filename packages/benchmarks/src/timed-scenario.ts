import { setMaxListeners } from 'node:events';
import type { BenchContext } from './bench';
import type { ScenarioSettings } from './scenario-settings';

/** A part of a bench that is measured for so long, so many times. */
export interface TimedScenario<Name extends string, Measurement> {
  readonly name: Name;
  /** Unless the command line says otherwise. */
  readonly runs: number;
  /** How long a run measures, likewise. */
  readonly seconds: number;
  /** One measurement for each row of the result. */
  measure(context: ScenarioContext): Promise<readonly Measurement[]>;
}

export interface ScenarioContext {
  readonly runs: number;
  readonly seconds: number;
  /** Where each process that reads leaves a processor profile. */
  readonly profileDirectory: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Measures the scenarios that were asked for, one after another. */
export async function measureScenarios<Name extends string, Measurement>(
  scenarios: readonly TimedScenario<Name, Measurement>[],
  settings: ScenarioSettings<Name>,
  { signal, progress }: Pick<BenchContext, 'progress' | 'signal'>,
  rowOf: (measurement: Measurement) => object,
): Promise<readonly Measurement[]> {
  setMaxListeners(0, signal);
  const { profileDirectory } = settings;
  const measurements: Measurement[] = [];
  for (const scenario of scenarios.filter(({ name }) => settings.scenarios.includes(name))) {
    const { runs = scenario.runs, seconds = scenario.seconds } = settings;
    progress(`${scenario.name}: ${runs} runs of ${seconds} s`);
    const measured = await scenario.measure({ runs, seconds, profileDirectory, signal, progress });
    measurements.push(...measured);
    // Not lost if a later one fails.
    for (const measurement of measured) progress(JSON.stringify(rowOf(measurement)));
  }
  return measurements;
}
