import type { Lease } from '@millrace/core';

/** What one applied write did to a row; `undefined` for a row that was not there, or is not any more. */
export interface LeaseChange {
  readonly leaseKey: string;
  readonly before: Lease | undefined;
  readonly after: Lease | undefined;
}

/** The rows that several {@link InMemoryLeaseStore}s share, as several workers share a table. */
export class InMemoryLeaseTable {
  readonly #rows = new Map<string, Lease>();
  readonly #listeners: ((change: LeaseChange) => void)[] = [];

  /** Calls `listener` with every change, in the order in which they were applied. */
  onChange(listener: (change: LeaseChange) => void): void {
    this.#listeners.push(listener);
  }

  rows(): readonly Lease[] {
    return [...this.#rows.values()];
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
