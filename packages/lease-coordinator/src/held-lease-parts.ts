import type { Checkpoint, Logger } from '@millrace/core';
import type { LeaseStore } from './lease-store';
import type { WriteContext } from './write-attempts';

/** The same for all leases of a worker. */
export interface HeldLeaseParts extends WriteContext {
  readonly store: LeaseStore;
  readonly logger: Logger;
  readonly me: string;
  /** A new id for each write, never used twice by anybody. */
  readonly nextWriteId: () => string;
  /** Whether a worker that has asked for the lease is known to be gone, or about to go. */
  readonly isGone: (workerId: string) => boolean;
  /** Who is to get the lease when it is given up and nobody has asked for it; undefined: nobody. */
  readonly successorOf: (leaseKey: string) => Promise<string | undefined>;
}

export interface HeldWriteOptions {
  readonly givesBack?: boolean;
  /** What the write is to store. */
  readonly carried?: Checkpoint;
  /** Asked when it is about to be sent. */
  readonly isWanted?: (() => boolean) | undefined;
}
