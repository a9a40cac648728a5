import type { ShardState } from './shard-state';

export interface ShardHealth {
  readonly shardId: string;
  readonly state: ShardState;
  /** By the last read, and the time that your code has been at its records since; `undefined` before the first read. */
  readonly millisBehindLatest: number | undefined;
  /** Why the shard is not getting on right now; `undefined` when it is. */
  readonly problem: string | undefined;
}

/** For liveness and readiness probes. */
export interface WorkerHealth {
  /** The process does its work; false once `run()` has ended. Depends neither on AWS nor on holding leases. */
  readonly live: boolean;
  /** Started, not stopping, no shard has a problem, and the lease table answers. */
  readonly ready: boolean;
  readonly shards: readonly ShardHealth[];
}

/** For autoscaling: what this worker has to do. */
export interface WorkerSnapshot {
  readonly workerId: string;
  readonly ownedShardIds: readonly string[];
  /** The greatest of the owned shards, in milliseconds; 0 when it owns none or is caught up. */
  readonly maxMillisBehindLatest: number;
  readonly shards: readonly ShardHealth[];
}
