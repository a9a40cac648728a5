import type { Checkpoint, CorruptLeaseError, Lease, LeaseSeed, StreamIdentity } from '@millrace/core';

/** Everything that one reading of the lease table found. */
export interface LeaseListing {
  readonly leases: readonly Lease[];
  /** Rows that are there but cannot be understood. They are nobody's to take. */
  readonly corrupt: readonly CorruptLeaseError[];
}

/** What a holder names in its writes: the counter it knows, and itself. */
export interface HeldLeaseRef {
  readonly leaseKey: string;
  readonly counter: number;
  readonly owner: string;
}

/** Who acquires a lease, and with which of its own settings. */
export interface Acquisition {
  readonly owner: string;
  readonly writeId: string;
  readonly failoverTimeMs: number;
  /** Kept in a row at LATEST or AT_TIMESTAMP that has none yet. */
  readonly initialTimestampMs: number | undefined;
  /** Kept in a row that names no stream yet. */
  readonly identity: StreamIdentity;
}

/**
 * What a conditional write came to. `refused`: its condition did not hold, and `lease` is the row as found, `undefined`
 * if it is gone. That is a race lost, or an earlier attempt of the same write: compare `lease.writeId`.
 */
export type WriteResult =
  { readonly kind: 'applied'; readonly lease: Lease } | { readonly kind: 'refused'; readonly lease: Lease | undefined };

export type CreateResult = { readonly kind: 'created' | 'exists'; readonly lease: Lease };

/**
 * The lease table: one conditional write per change of state. Calls reject when
 * the outcome is unknown (a time-out, a reset), when nothing was done (a throttle), when the row cannot be understood
 * (`CorruptLeaseError`), and with `MissingPermissionError` and `LeaseTableMissingError`. They are never retried inside.
 */
export interface LeaseStore {
  /** Every row that is a lease. Eventually consistent unless asked otherwise. */
  list(options: { readonly consistent: boolean }): Promise<LeaseListing>;
  /** One row, consistently. Rejects with `CorruptLeaseError` when it cannot be understood. */
  get(leaseKey: string): Promise<Lease | undefined>;
  /** Adds the row if there is none. `created` also when the row bears `writeId`: an earlier attempt added it. */
  create(seed: LeaseSeed, writeId: string): Promise<CreateResult>;
  /** Acquires an unowned or expired lease, whoever it names, if its counter is still the one observed. */
  take(observed: Lease, acquisition: Acquisition): Promise<WriteResult>;
  /** Acquires a lease that names `owner` already, if its counter is the one observed and no hand-over is pending. */
  adopt(observed: Lease, acquisition: Acquisition): Promise<WriteResult>;
  /** A sign of life of the effective owner. */
  renew(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Stores how far the effective owner has read; a sign of life too. */
  checkpoint(held: HeldLeaseRef, checkpoint: Checkpoint, writeId: string): Promise<WriteResult>;
  /** Asks the observed owner for its lease. The counter stays, so the owner can go on until it completes. */
  requestHandover(
    observed: Lease,
    request: { readonly receiver: string; readonly writeId: string },
  ): Promise<WriteResult>;
  /** Gives the lease to the receiver that asked for it. */
  completeHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Leaves the lease to nobody. */
  release(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Removes the row of a finished shard if nobody has written to it since. */
  delete(observed: Lease): Promise<WriteResult>;
}
