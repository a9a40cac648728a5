import type { Lease } from '@millrace/core';
import type { SignOfLife, WorkerDescription, WorkerRow } from '../worker-row';
import type { WorkerStore } from '../worker-store';

/** What one applied write did to a row; `undefined` for a row that was not there, or is not any more. */
export interface LeaseChange {
  readonly leaseKey: string;
  readonly before: Lease | undefined;
  readonly after: Lease | undefined;
}

interface RegistryRow {
  readonly row: WorkerRow;
  readonly mail: Set<string>;
}

/** The rows that several {@link InMemoryLeaseStore}s share, as several workers share a table. */
export class InMemoryLeaseTable {
  readonly #rows = new Map<string, Lease>();
  readonly #workers = new Map<string, RegistryRow>();
  readonly #listeners: ((change: LeaseChange) => void)[] = [];

  /** Calls `listener` with every change, in the order in which they were applied. */
  onChange(listener: (change: LeaseChange) => void): void {
    this.#listeners.push(listener);
  }

  rows(): readonly Lease[] {
    return [...this.#rows.values()];
  }

  workers(): readonly WorkerRow[] {
    return [...this.#workers.values()].map(({ row }) => row);
  }

  /** The registry in this table. Its calls never fail. */
  registry(): WorkerStore {
    const workers = this.#workers;
    const done = Promise.resolve();
    return {
      heartbeat: (worker: WorkerDescription, { leasesHeld, stopping, filling }: SignOfLife) => {
        const before = workers.get(worker.workerId);
        const row = { ...worker, leasesHeld, stopping, filling, heartbeat: (before?.row.heartbeat ?? 0) + 1 };
        const mail = before?.mail ?? new Set<string>();
        workers.set(worker.workerId, { row, mail });
        return Promise.resolve([...mail]);
      },
      readMail: (workerId) => Promise.resolve([...(workers.get(workerId)?.mail ?? [])]),
      takeMail: (workerId, leaseKeys) => {
        for (const leaseKey of leaseKeys) workers.get(workerId)?.mail.delete(leaseKey);
        return done;
      },
      sendMail: (workerId, leaseKeys) => {
        for (const leaseKey of leaseKeys) workers.get(workerId)?.mail.add(leaseKey);
        return done;
      },
      deregister: (workerId) => {
        workers.delete(workerId);
        return done;
      },
      removeWorker: ({ workerId, heartbeat }) => {
        if (workers.get(workerId)?.row.heartbeat === heartbeat) workers.delete(workerId);
        return done;
      },
    };
  }

  get(leaseKey: string): Lease | undefined {
    return this.#rows.get(leaseKey);
  }

  /** Writes a row whatever was there, as an operator or a worker of another make would. */
  put(lease: Lease): void {
    this.#change(lease.leaseKey, lease);
  }

  remove(leaseKey: string): void {
    this.#change(leaseKey, undefined);
  }

  #change(leaseKey: string, after: Lease | undefined): void {
    const before = this.#rows.get(leaseKey);
    if (after === undefined) this.#rows.delete(leaseKey);
    else this.#rows.set(leaseKey, after);
    for (const listener of this.#listeners) listener({ leaseKey, before, after });
  }
}
