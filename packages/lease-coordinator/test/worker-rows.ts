import type { WorkerDescription, WorkerRow } from '../src';

/** What a worker says of itself, with `changes` laid over it. */
export function aWorker(workerId: string, changes: Partial<WorkerDescription> = {}): WorkerDescription {
  return {
    workerId,
    host: 'host-1',
    startedAtMs: 1_700_000_000_000,
    version: '1.2.3',
    planVersion: 1,
    maxLeases: Infinity,
    failoverTimeMs: 10_000,
    handoverTimeoutMs: 30_000,
    ...changes,
  };
}

/** A row of the registry, with `changes` laid over it. */
export function aWorkerRow(workerId: string, changes: Partial<WorkerRow> = {}): WorkerRow {
  return { ...aWorker(workerId), heartbeat: 1, leasesHeld: 0, stopping: false, filling: false, ...changes };
}
