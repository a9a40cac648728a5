import { percentile } from '../coordination/percentile';
import { figure, least, mean, median, most } from '../statistics';
import type { Comparison, Cost, Measurement, Samples } from './scenario';

/** One line of the result. What does not apply to the scenario is null. */
export interface Row {
  readonly scenario: string;
  readonly runs: number;
  /** Median of the runs. Where a pace is kept the rate is that of the pace. */
  readonly recordsPerSecond: number | null;
  readonly bareRecordsPerSecond: number | null;
  /** Median of the runs. The bare loop's processor time for a record over ours: 1 would be no overhead at all. */
  readonly ratio: number | null;
  /** Medians of the runs. */
  readonly cpuMicrosPerRecord: number | null;
  readonly bareCpuMicrosPerRecord: number | null;
  /** Of all records of all runs. From when the call that puts it begins until the handler has it. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Of the process, the most of all runs; a megabyte is 10^6 bytes. */
  readonly rssMegabytes: number | null;
  /** Calls of GetRecords that were throttled, of all that were made in all runs. */
  readonly throttledShare: number | null;
  /** Of the calls that were answered in a run, those of the application that got the fewest; the least of all runs. */
  readonly leastShare: number | null;
}

export function rowOf({ name, runs, samples }: Measurement): Row {
  const { comparisons, latenciesMs, rssBytes } = samples;
  const ours = comparisons?.map((comparison) => comparison.ours);
  const bare = comparisons?.map((comparison) => comparison.bare);
  return {
    scenario: name,
    runs,
    recordsPerSecond: figure(ours?.map(recordsPerSecond), median),
    bareRecordsPerSecond: figure(bare?.map(recordsPerSecond), median),
    ratio: figure(comparisons?.map(ratioOf), median),
    cpuMicrosPerRecord: figure(ours?.map(cpuMicrosPerRecord), median),
    bareCpuMicrosPerRecord: figure(bare?.map(cpuMicrosPerRecord), median),
    p50Ms: figure(latenciesMs, (values) => percentile(values, 0.5)),
    p99Ms: figure(latenciesMs, (values) => percentile(values, 0.99)),
    rssMegabytes: figure(
      rssBytes?.map((bytes) => bytes / 1e6),
      most,
    ),
    throttledShare: figure(throttledShare(samples), mean),
    leastShare: figure(leastShares(samples), least),
  };
}

export function ratioOf({ ours, bare }: Comparison): number {
  return cpuMicrosPerRecord(bare) / cpuMicrosPerRecord(ours);
}

export function recordsPerSecond({ records, seconds }: Cost): number {
  return records / seconds;
}

export function cpuMicrosPerRecord({ cpuMs, records }: Cost): number {
  return (cpuMs * 1_000) / records;
}

/** One value at most. */
function throttledShare({ reads }: Samples): readonly number[] {
  const all = reads?.flat() ?? [];
  const throttled = all.reduce((sum, counts) => sum + counts.throttled, 0);
  const answered = all.reduce((sum, counts) => sum + counts.answered, 0);
  return throttled + answered === 0 ? [] : [throttled / (throttled + answered)];
}

/** For each run of several applications. */
function leastShares({ reads = [] }: Samples): readonly number[] {
  const shared = reads.filter(({ length }) => length > 1);
  return shared.map((run) => {
    const answered = run.map((counts) => counts.answered);
    return least(answered) / answered.reduce((sum, count) => sum + count, 0);
  });
}
