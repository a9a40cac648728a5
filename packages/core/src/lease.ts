import type { Checkpoint } from './checkpoint';
import type { RecordPosition } from './sequence-number';
import type { HashKeyRange } from './shard';

/** Records that were about to be handed over together, by a worker that has not said since what became of that. */
export interface AttemptedRange {
  readonly first: RecordPosition;
  readonly last: RecordPosition;
  readonly recordCount: number;
  /** By so many holders of the lease in a row. */
  readonly attempts: number;
}

/** One row of the lease table: which worker reads a shard, and how far it has read. */
export interface Lease {
  /** The shard id. */
  readonly leaseKey: string;
  /** Grows by one with every write but the request of a hand-over. Writers name the value they saw, so a stale one loses. */
  readonly leaseCounter: number;
  /** Who holds the lease; during a hand-over, who is to receive it. */
  readonly leaseOwner: string | undefined;
  /** Set during a hand-over only: who still holds the lease. */
  readonly checkpointOwner: string | undefined;
  readonly checkpoint: Checkpoint;
  readonly parentShardIds: readonly string[];
  readonly childShardIds: readonly string[];
  readonly hashKeyRange: HashKeyRange | undefined;
  readonly ownerSwitchesSinceCheckpoint: number;

  /** The row says that it is a lease, as Millrace and the KCL from 3.5 on write it. */
  readonly typed: boolean;

  // Below: attributes of Millrace's own, which the Java KCL ignores and keeps.

  /** Who asked for the hand-over. It is pending only while this equals `leaseOwner`; otherwise it is residue. */
  readonly receiver: string | undefined;
  /** Nobody reads under it, and its old owner gave it to its {@link effectiveOwner}, who may adopt it at once. */
  readonly handedOver: boolean;
  /** It was taken from an owner who neither handed it over nor stopped: nobody's before a failover time has passed. */
  readonly evicted: boolean;
  /** The row was deleted and put back: nobody may take it before a failover time has passed. */
  readonly healed: boolean;
  /** Created at the application's first start: its parents lie before the initial position and are never awaited. */
  readonly root: boolean;
  /** The failover time of the writer that acquired the lease last, in milliseconds. */
  readonly failoverTimeMs: number | undefined;
  /**
   * When the lease was acquired last, by the wall clock of whoever acquired it, in milliseconds since the epoch. For
   * people, and to choose which of several leases moves; never decides who owns what. That it is there says that a worker of
   * ours has had the lease, and so, unless it is a root, that its parents had ended by then.
   */
  readonly acquiredAtMs: number | undefined;
  /** Names the last write of ours: the writer's incarnation and a number, never used twice. */
  readonly writeId: string | undefined;
  /** What `latest` and `at-timestamp` mean for this application, in milliseconds since the epoch. */
  readonly initialTimestampMs: number | undefined;
  readonly streamArn: string | undefined;
  readonly streamCreatedAtMs: number | undefined;
  /** Kept only while records are read with care, because the process may have ended at one of them. In their order. */
  readonly attempted: readonly AttemptedRange[];
}

/** Whom a row names. */
export type LeaseOwners = Pick<Lease, 'leaseOwner' | 'checkpointOwner' | 'receiver'>;

/** Who creates a lease and holds it from then on. */
export interface FirstOwner {
  readonly owner: string;
  readonly failoverTimeMs: number;
  readonly acquiredAtMs: number;
}

/** What a new row says. Everything else starts empty. */
export interface LeaseSeed {
  readonly leaseKey: string;
  /** Absent: nobody's. */
  readonly first?: FirstOwner | undefined;
  /** 0 for a new shard; above any earlier counter for a row that is put back. */
  readonly leaseCounter: number;
  readonly checkpoint: Checkpoint;
  readonly parentShardIds: readonly string[];
  readonly hashKeyRange: HashKeyRange | undefined;
  readonly healed: boolean;
  /** Of a healed row: how long whoever held the deleted one may have counted on it, as far as known. */
  readonly failoverTimeMs?: number | undefined;
  readonly root: boolean;
  readonly initialTimestampMs: number | undefined;
  readonly streamArn: string;
  readonly streamCreatedAtMs: number;
}

/** A hand-over of ours is under way: `checkpointOwner` still holds the lease, `leaseOwner` has asked for it. */
export function isHandoverPending(lease: LeaseOwners): boolean {
  return lease.checkpointOwner !== undefined && lease.receiver !== undefined && lease.receiver === lease.leaseOwner;
}

/** Who may write as the holder of this lease, if it has not expired. */
export function effectiveOwner(lease: LeaseOwners): string | undefined {
  return isHandoverPending(lease) ? lease.checkpointOwner : lease.leaseOwner;
}
