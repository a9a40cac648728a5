import { rounded } from '../statistics';
import type { ClientName, EmulatorName } from './emulators';
import { recordBytes } from './load';
import type { Measurement } from './measure-load';
import type { Starts } from './measure-starts';

/** One line of the result. Rates are medians; a megabyte is 10^6 bytes of record data, and nothing else is counted. */
export interface Row {
  readonly emulator: EmulatorName;
  readonly client: ClientName;
  readonly shards: number;
  readonly recordsPerSecondIn: number;
  readonly megabytesPerSecondIn: number;
  readonly recordsPerSecondOut: number;
  readonly megabytesPerSecondOut: number;
  /** GetRecords on empty shards. */
  readonly callsPerSecond: number;
  /** Of `local` without loading its modules; of `kinesis-local` from spawning it. */
  readonly startMs: number;
  /** Only of `local`. */
  readonly loadMs?: number;
  /** From spawning the process to its first answer, of both. */
  readonly spawnMs: number;
  /** Processor time of the emulator's process. */
  readonly serverCpuSecondsPer1000RecordsIn: number;
  readonly serverCpuSecondsPer1000RecordsOut: number;
  readonly serverCpuSecondsPer1000Calls: number;
}

export function rowOf({ target, shards, figures }: Measurement, starts: Starts): Row {
  const megabytes = (records: number): number => rounded((records * recordBytes) / 1e6);
  return {
    ...target,
    shards,
    recordsPerSecondIn: rounded(figures.in.perSecond.median),
    megabytesPerSecondIn: megabytes(figures.in.perSecond.median),
    recordsPerSecondOut: rounded(figures.out.perSecond.median),
    megabytesPerSecondOut: megabytes(figures.out.perSecond.median),
    callsPerSecond: rounded(figures.calls.perSecond.median),
    startMs: rounded(starts.startMs.median),
    ...(starts.loadMs !== undefined && { loadMs: rounded(starts.loadMs.median) }),
    spawnMs: rounded(starts.spawnMs.median),
    serverCpuSecondsPer1000RecordsIn: rounded(figures.in.cpuMsPerThousand.median / 1_000),
    serverCpuSecondsPer1000RecordsOut: rounded(figures.out.cpuMsPerThousand.median / 1_000),
    serverCpuSecondsPer1000Calls: rounded(figures.calls.cpuMsPerThousand.median / 1_000),
  };
}
