import type { SignOfLife, WorkerDescription, WorkerRow } from './worker-row';

/**
 * The registry of live workers: one row for each in the lease table, with a mailbox. It decides who is counted on, and who
 * is told what; never who holds a lease. So all of it is best effort: calls reject when they fail, and whoever calls
 * goes on.
 */
export interface WorkerStore {
  /** Writes the row, whole. Resolves with the leases that the mailbox names. */
  heartbeat(worker: WorkerDescription, state: SignOfLife): Promise<readonly string[]>;
  /** The leases that the mailbox names, maybe a moment late. */
  readMail(workerId: string): Promise<readonly string[]>;
  /** Takes these leases out of the mailbox. What is put in again after that is there again. */
  takeMail(workerId: string, leaseKeys: readonly string[]): Promise<void>;
  /** Puts leases into the mailbox of a worker, if it is registered. */
  sendMail(workerId: string, leaseKeys: readonly string[]): Promise<void>;
  /** Removes one's own row. */
  deregister(workerId: string): Promise<void>;
  /** Removes the row of a worker that is gone, if it has not moved since it was observed. */
  removeWorker(observed: WorkerRow): Promise<void>;
}
