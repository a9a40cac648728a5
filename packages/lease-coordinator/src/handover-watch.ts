import { isHandoverPending, type Lease } from '@millrace/core';

interface Pending {
  readonly hands: string;
  readonly sinceMs: number;
}

/** Since when each hand-over has been pending, by this machine's clock and since it was first seen. */
export class HandoverWatch {
  #pending = new Map<string, Pending>();

  /** Takes in a reading of the whole table. */
  observe(leases: readonly Lease[], nowMs: number): void {
    const pending = new Map<string, Pending>();
    for (const lease of leases) {
      if (!isHandoverPending(lease)) continue;
      const hands = `${lease.checkpointOwner ?? ''} ${lease.leaseOwner ?? ''}`;
      const before = this.#pending.get(lease.leaseKey);
      pending.set(lease.leaseKey, before?.hands === hands ? before : { hands, sinceMs: nowMs });
    }
    this.#pending = pending;
  }

  /** For how long; 0 for one that is not pending. */
  pendingForMs({ leaseKey }: Lease, nowMs: number): number {
    const pending = this.#pending.get(leaseKey);
    return pending === undefined ? 0 : nowMs - pending.sinceMs;
  }
}
