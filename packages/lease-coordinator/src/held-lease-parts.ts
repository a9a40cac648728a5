import type { Lease, Logger } from '@millrace/core';
import type { LeaseStore } from './lease-store';
import type { Moment } from './moment';
import type { WriteContext } from './write-attempts';

export interface HeldLeaseParts extends WriteContext {
  readonly store: LeaseStore;
  readonly logger: Logger;
  readonly me: string;
  /** The row as the acquiring write left it. */
  readonly lease: Lease;
  /** The start of the first attempt of that write: the lease lives for a failover time from there. */
  readonly acquiredAt: Moment;
  /** A new id for each write, never used twice by anybody. */
  readonly nextWriteId: () => string;
  /** Whether a worker that has asked for the lease is known to be gone, or about to go. */
  readonly isGone: (workerId: string) => boolean;
  /** Who is to get the lease when it is given up and nobody has asked for it; undefined: nobody. */
  readonly successorOf: (leaseKey: string) => Promise<string | undefined>;
}
