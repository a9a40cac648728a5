import type { AttemptedRange, Checkpoint, CorruptLeaseError, Lease, LeaseSeed, StreamIdentity } from '@millrace/core';
import type { WorkerRow } from './worker-row';

/** Everything that one reading of the lease table found. */
export interface LeaseListing {
  readonly leases: readonly Lease[];
  /** Rows that are there but cannot be understood. They are nobody's to take. */
  readonly corrupt: readonly CorruptLeaseError[];
  /** The rows of the registry. */
  readonly workers: readonly WorkerRow[];
}

export interface ListOptions {
  readonly consistent: boolean;
  /** Told what each page holds as soon as it has arrived: a big table takes many. */
  readonly onPage?: ((leases: readonly Lease[], workers: readonly WorkerRow[]) => void) | undefined;
}

/** What a holder names in its writes: the counter it knows, and itself. */
export interface HeldLeaseRef {
  readonly leaseKey: string;
  readonly counter: number;
  readonly owner: string;
}

/** What a checkpoint makes out of date. */
export interface CheckpointScope {
  /** Whatever the row says to have been attempted. */
  readonly passesAttempted: boolean;
}

/** Who acquires a lease, and with which of its own settings. */
export interface Acquisition {
  readonly owner: string;
  readonly writeId: string;
  readonly failoverTimeMs: number;
  /** By the wall clock; for people. */
  readonly acquiredAtMs: number;
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
  /** Everything in the table. Eventually consistent unless asked otherwise. A page that was throttled is asked for again. */
  list(options: ListOptions): Promise<LeaseListing>;
  /** One row, consistently. Rejects with `CorruptLeaseError` when it cannot be understood. */
  get(leaseKey: string): Promise<Lease | undefined>;
  /** These rows, consistently. What is not there, or cannot be understood, is left out. */
  getMany(leaseKeys: readonly string[]): Promise<readonly Lease[]>;
  /** Adds the row if there is none. `created` also when the row bears `writeId`: an earlier attempt added it. */
  create(seed: LeaseSeed, writeId: string): Promise<CreateResult>;
  /** Acquires an unowned or expired lease, whoever it names, if its counter is still the one observed. */
  take(observed: Lease, acquisition: Acquisition): Promise<WriteResult>;
  /** Acquires a lease that names `owner` already, if its counter is the one observed and no hand-over is pending. */
  adopt(observed: Lease, acquisition: Acquisition): Promise<WriteResult>;
  /** A sign of life of the effective owner. */
  renew(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Stores how far the effective owner has read; a sign of life too. */
  checkpoint(held: HeldLeaseRef, checkpoint: Checkpoint, writeId: string, scope: CheckpointScope): Promise<WriteResult>;
  /** Says what the effective owner is about to hand over, in place of what the row has said; a sign of life too. */
  attempt(held: HeldLeaseRef, attempted: readonly AttemptedRange[], writeId: string): Promise<WriteResult>;
  /** Asks the observed owner for its lease. The counter stays, so the owner can go on until it completes. */
  requestHandover(
    observed: Lease,
    request: { readonly receiver: string; readonly writeId: string },
  ): Promise<WriteResult>;
  /** Gives the lease to the receiver that asked for it. */
  completeHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Takes a request back in the name of a receiver that is gone; the owner keeps the lease. */
  cancelHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult>;
  /** Leaves the lease to `successor`, who may adopt it at once, or to nobody. */
  release(held: HeldLeaseRef, writeId: string, successor: string | undefined): Promise<WriteResult>;
  /** Takes a lease from an owner who neither hands it over nor stops. It is nobody's before it has expired. */
  evict(observed: Lease, writeId: string): Promise<WriteResult>;
  /** Removes the row of a finished shard if nobody has written to it since. */
  delete(observed: Lease): Promise<WriteResult>;
}
