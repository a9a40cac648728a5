import { figure, mean, median, most } from '../statistics';
import { failoverTimeMs } from './fleet';
import { percentile } from './percentile';
import type { Samples, Scenario, ScenarioName } from './scenario';

/** One line of the result. What does not apply to the scenario is null. Times in milliseconds. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly workers: number;
  readonly shards: number;
  readonly failoverTimeMs: number;
  readonly runs: number;
  /** Median of the runs. Until all leases were held, evenly within one. */
  readonly balancedMs: number | null;
  /** Median of the runs. Until the newcomer's handler was given its first records. */
  readonly firstRecordMs: number | null;
  /**
   * Of how long a shard that changed hands was not read, over all runs and shards. Two scenarios differ: of
   * `rolling-restart` it is the longest that any shard was unread, and of `join` the longest that a run took until even.
   */
  readonly p99Ms: number | null;
  /** Median of the runs. `balancedMs` over the time of the bare writes. */
  readonly ratio: number | null;
  /** Mean over the leases that moved; of `rolling-restart` over all leases. */
  readonly moves: number | null;
  readonly maxMoves: number | null;
  /** The mean of the runs. UpdateItem calls that make the caller the owner, refused or not. */
  readonly claimsPerLease: number | null;
  /** The mean of the runs. PutItem calls of lease rows, refused or not. */
  readonly createsPerLease: number | null;
  /** Deliveries of records that had been delivered before; records never delivered. Of all runs together. */
  readonly duplicates: number | null;
  readonly missing: number | null;
}

export interface Measurement {
  readonly scenario: Pick<Scenario, 'name' | 'shards' | 'workers'>;
  readonly runs: number;
  readonly samples: Samples;
}

export function rowOf({ scenario: { name, workers, shards }, runs, samples }: Measurement): Row {
  return {
    scenario: name,
    workers,
    shards,
    failoverTimeMs,
    runs,
    balancedMs: figure(samples.balancedMs, median),
    firstRecordMs: figure(samples.firstRecordMs, median),
    p99Ms: p99Of(name, samples),
    ratio: figure(samples.ratios, median),
    moves: figure(samples.moves, mean),
    maxMoves: figure(samples.moves, most),
    claimsPerLease: figure(samples.claimsPerLease, mean),
    createsPerLease: figure(samples.createsPerLease, mean),
    duplicates: samples.duplicates ?? null,
    missing: samples.missing ?? null,
  };
}

function p99Of(name: ScenarioName, { unreadMs, balancedMs }: Samples): number | null {
  if (name === 'rolling-restart') return figure(unreadMs, most);
  if (name === 'join') return figure(balancedMs, most);
  return figure(unreadMs, (values) => percentile(values, 0.99));
}
