import type { ReadCounts } from './messages';

export const scenarioNames = [
  'plain-200',
  'plain-1k',
  'aggregated',
  'idle-shards',
  'full-memory',
  'latency',
  'deaggregation',
  'three-applications',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export interface Scenario {
  readonly name: ScenarioName;
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

/** What a process has read in the time that was measured. */
export interface Cost {
  /** As the handler counts them: user records. */
  readonly records: number;
  readonly seconds: number;
  /** Processor time of the whole process, user and system. */
  readonly cpuMs: number;
}

/** Of one run: both have read the same. */
export interface Comparison {
  readonly ours: Cost;
  readonly bare: Cost;
}

/** What a scenario has measured; what does not apply to it is not there. */
export interface Samples {
  readonly comparisons?: readonly Comparison[];
  /** For each record of all runs, from when it was put until the handler had it. */
  readonly latenciesMs?: readonly number[];
  /** For each run, the most that the process had. */
  readonly rssBytes?: readonly number[];
  /** For each run, the calls of each application. */
  readonly reads?: readonly (readonly ReadCounts[])[];
}

export interface Measurement {
  /** That of the scenario, or with something behind it that says what is different. */
  readonly name: string;
  readonly runs: number;
  readonly samples: Samples;
}
