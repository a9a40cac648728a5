import type { ReaderRun } from '../processing/read-in-turns';

/** Whoever is busy for less has waited, for an answer or for its turn. */
const leastBusyShare = 0.95;
/** Processor time that a busy thread has of its time, at least, if it has a core for itself. */
const leastCoreShare = 0.9;

/** Why the records a second of a run are not what a core is good for; undefined if they are. */
export function doubtOf({ busyShare, cost }: Pick<ReaderRun, 'busyShare' | 'cost'>): string | undefined {
  const cores = cost.cpuMs / (cost.seconds * 1_000);
  if (busyShare < leastBusyShare) {
    return `not bound by the processor: busy for ${percent(busyShare)} of the time, so that records/s are those of the pace`;
  }
  if (cores < leastCoreShare * busyShare) {
    return `something else had the processor: busy for ${percent(busyShare)} of the time, with ${cores.toFixed(2)} cores`;
  }
  return undefined;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
