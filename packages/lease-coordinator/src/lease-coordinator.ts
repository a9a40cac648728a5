import type { Clock, Lease, Logger, Random, StreamIdentity } from '@millrace/core';
import type { HeldLease } from './held-lease';
import type { LeaseObserverEvents } from './lease-events';
import type { ResolvedLeaseOptions } from './lease-options';
import type { LeaseStore } from './lease-store';

export interface LeaseCoordinatorDependencies {
  readonly store: LeaseStore;
  /** Ends in the process's random incarnation: never used twice. */
  readonly workerId: string;
  readonly options: ResolvedLeaseOptions;
  readonly identity: StreamIdentity;
  /** What `latest` or `at-timestamp` means for the application; kept in rows at such a position that have none. */
  readonly initialTimestampMs: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The leases that may be read now: not finished, and their parents are. */
  readonly selectReadable: (leases: readonly Lease[]) => readonly Lease[];
  /** Called once for each lease acquired. Must not throw. */
  readonly onAcquired: (held: HeldLease) => void;
  readonly observer?: LeaseObserverEvents | undefined;
}

/** Skeleton. */
export declare class LeaseCoordinator {
  constructor(dependencies: LeaseCoordinatorDependencies);
  run(signal: AbortSignal): Promise<void>;
  wake(): void;
  heldLeases(): readonly HeldLease[];
  view(): readonly Lease[];
}
