import { cpuMicrosPerRecord, recordsPerSecond } from '../processing/row';
import type { ReaderRun } from '../processing/read-in-turns';
import { figure, least, median, most } from '../statistics';
import { coresOf, type IdleRun } from './run-idle';
import type { Adapter, Comparison, IdleShardsRun, Measurement, ScenarioName } from './scenario';

/** One line of the result. What does not apply to the scenario, or to the bare loop itself, is null. Medians of the runs. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly adapter: Adapter;
  readonly runs: number;
  /** User records, by one process. */
  readonly recordsPerSecond: number | null;
  /** Of GetRecords, answered. */
  readonly callsPerSecond: number | null;
  /** Processor time of the whole process for an empty call; of `idle-1000-shards` without what `renewalCores` says. */
  readonly cpuMicrosPerCall: number | null;
  /** Processor time of the whole process for a user record. */
  readonly cpuMicrosPerRecord: number | null;
  /** Records a second over those of the bare loop, taken run by run: more is better. */
  readonly ratioToBareSdk: number | null;
  /** Processor time for a record, or an empty call, over that of the bare loop, taken run by run: less is better. */
  readonly cpuRatioToBareSdk: number | null;
  /** Processor time of the whole process for each second. Threads that collect garbage can make it more than 1. */
  readonly processCores: number | null;
  /** Of the time, in which the thread of JavaScript did not wait for events; the least of the runs. */
  readonly busyShare: number | null;
  /** Of a core, what reading takes: `processCores` without `renewalCores`. */
  readonly cores: number | null;
  /** Of a core, what the same process takes that hardly ever reads: for renewals, and all else that a worker does by itself. */
  readonly renewalCores: number | null;
  /** Of the process, the most of all runs; a megabyte is 10^6 bytes. */
  readonly rssMegabytes: number | null;
  /** For Kinesis, at once, the most of all runs. */
  readonly connections: number | null;
}

export type Column = Exclude<keyof Row, 'adapter' | 'scenario'>;
type Figures = Omit<Row, 'adapter' | 'runs' | 'scenario'>;

/** What a limit is of. */
export function rowName({ scenario, adapter }: Pick<Row, 'adapter' | 'scenario'>): string {
  return `${scenario} ${adapter}`;
}

export function rowOf({ scenario, adapter, samples }: Measurement): Row {
  return { scenario, adapter, runs: samples.runs.length, ...nothing, ...figuresOf(samples) };
}

/** Where none applies. */
export const nothing: Figures = {
  recordsPerSecond: null,
  callsPerSecond: null,
  cpuMicrosPerCall: null,
  cpuMicrosPerRecord: null,
  ratioToBareSdk: null,
  cpuRatioToBareSdk: null,
  processCores: null,
  busyShare: null,
  cores: null,
  renewalCores: null,
  rssMegabytes: null,
  connections: null,
};

function figuresOf(samples: Measurement['samples']): Partial<Figures> {
  switch (samples.kind) {
    case 'records':
      return figuresOfRecords(samples.runs);
    case 'idle-polls':
      return figuresOfPolls(samples.runs);
    case 'idle-shards':
      return figuresOfShards(samples.runs);
  }
}

function figuresOfRecords(runs: readonly Comparison<ReaderRun>[]): Partial<Figures> {
  const ours = runs.map((run) => run.ours);
  return {
    recordsPerSecond: figure(
      ours.map(({ cost }) => recordsPerSecond(cost)),
      median,
    ),
    callsPerSecond: figure(
      ours.map(({ callsPerSecond }) => callsPerSecond),
      median,
    ),
    cpuMicrosPerRecord: figure(
      ours.map(({ cost }) => cpuMicrosPerRecord(cost)),
      median,
    ),
    ratioToBareSdk: figure(
      ratios(runs, ({ cost }) => recordsPerSecond(cost)),
      median,
    ),
    cpuRatioToBareSdk: figure(
      ratios(runs, ({ cost }) => cpuMicrosPerRecord(cost)),
      median,
    ),
    processCores: figure(
      ours.map(({ cost }) => coresOf(cost)),
      median,
    ),
    busyShare: figure(
      ours.map(({ busyShare }) => busyShare),
      least,
    ),
  };
}

function figuresOfPolls(runs: readonly Comparison<IdleRun>[]): Partial<Figures> {
  const ours = runs.map((run) => run.ours);
  return {
    callsPerSecond: figure(
      ours.map(({ callsPerSecond }) => callsPerSecond),
      median,
    ),
    cpuMicrosPerCall: figure(ours.map(cpuMicrosPerCall), median),
    cpuRatioToBareSdk: figure(ratios(runs, cpuMicrosPerCall), median),
    processCores: figure(
      ours.map(({ usage }) => coresOf(usage)),
      median,
    ),
    busyShare: figure(
      ours.map(({ usage }) => usage.busyShare),
      least,
    ),
  };
}

function figuresOfShards(runs: readonly IdleShardsRun[]): Partial<Figures> {
  const reading = runs.map((run) => run.reading);
  return {
    callsPerSecond: figure(
      reading.map(({ callsPerSecond }) => callsPerSecond),
      median,
    ),
    cpuMicrosPerCall: figure(
      runs.map((run) => (readingCores(run) * 1e6) / callsOfReading(run)),
      median,
    ),
    processCores: figure(
      reading.map(({ usage }) => coresOf(usage)),
      median,
    ),
    busyShare: figure(
      reading.map(({ usage }) => usage.busyShare),
      least,
    ),
    cores: figure(runs.map(readingCores), median),
    renewalCores: figure(
      runs.map(({ renewing }) => coresOf(renewing.usage)),
      median,
    ),
    rssMegabytes: figure(
      reading.map(({ rssBytes }) => rssBytes / 1e6),
      most,
    ),
    connections: figure(
      reading.map(({ connections }) => connections),
      most,
    ),
  };
}

/** Run by run, because what disturbs one disturbs both; none for the bare loop itself. */
function ratios<Run>(runs: readonly Comparison<Run>[], of: (run: Run) => number): readonly number[] {
  return runs.flatMap(({ ours, bare }) => (bare === undefined ? [] : [of(ours) / of(bare)]));
}

/** What people are shown the spread of: records a second, or processor time where there are no records. */
export function ratiosOf(samples: Measurement['samples']): readonly number[] {
  switch (samples.kind) {
    case 'records':
      return ratios(samples.runs, ({ cost }) => recordsPerSecond(cost));
    case 'idle-polls':
      return ratios(samples.runs, cpuMicrosPerCall);
    case 'idle-shards':
      return [];
  }
}

function cpuMicrosPerCall({ usage, callsPerSecond }: IdleRun): number {
  return (coresOf(usage) * 1e6) / callsPerSecond;
}

function readingCores({ reading, renewing }: IdleShardsRun): number {
  return coresOf(reading.usage) - coresOf(renewing.usage);
}

function callsOfReading({ reading, renewing }: IdleShardsRun): number {
  return reading.callsPerSecond - renewing.callsPerSecond;
}
