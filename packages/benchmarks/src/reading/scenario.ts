import type { Reader } from '../processing/messages';
import type { ReaderRun } from '../processing/read-in-turns';
import type { TimedScenario } from '../timed-scenario';
import type { IdleRun } from './run-idle';

export const idleShardsNames = ['idle-1000-shards', 'idle-1000-shards-1gb-heap'] as const;
export type IdleShardsName = (typeof idleShardsNames)[number];

export const idlePollsNames = ['idle-polls', 'idle-polls-busy'] as const;
export type IdlePollsName = (typeof idlePollsNames)[number];

export const scenarioNames = [...idlePollsNames, 'plain-1k', 'plain-200', 'aggregated', ...idleShardsNames] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** Who reads: a bare loop of GetRecords on the SDK's client, or a whole worker, by its `awsCalls`. */
export type Adapter = 'bare-sdk' | 'worker-direct' | 'worker-sdk';

export const adapterOf: Readonly<Record<Reader, Adapter>> = {
  bare: 'bare-sdk',
  sdk: 'worker-sdk',
  direct: 'worker-direct',
};

/** One run of an adapter, and that of the bare loop that was beside it; not there for the bare loop itself. */
export interface Comparison<Run> {
  readonly ours: Run;
  readonly bare: Run | undefined;
}

/** What was used by a process with idle shards, and by the same one that holds their leases and does not read. */
export interface IdleShardsRun {
  readonly reading: IdleRun;
  readonly renewing: IdleRun;
}

/** One for each run. */
export type Samples =
  | { readonly kind: 'idle-polls'; readonly runs: readonly Comparison<IdleRun>[] }
  | { readonly kind: 'idle-shards'; readonly runs: readonly IdleShardsRun[] }
  | { readonly kind: 'records'; readonly runs: readonly Comparison<ReaderRun>[] };

/** What becomes a row. */
export interface Measurement {
  readonly scenario: ScenarioName;
  readonly adapter: Adapter;
  readonly samples: Samples;
}

export type Scenario = TimedScenario<ScenarioName, Measurement>;
