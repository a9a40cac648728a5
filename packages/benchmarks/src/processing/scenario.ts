import type { TimedScenario } from '../timed-scenario';
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

export type Scenario = TimedScenario<ScenarioName, Measurement>;

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
