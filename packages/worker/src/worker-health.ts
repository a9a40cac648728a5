import type { ShardState } from './shard-state';

export interface ShardHealth {
  readonly shardId: string;
  readonly state: ShardState;
  /** False once the lease was lost; the shard is listed until the user's code has settled. */
  readonly ownsLease: boolean;
  /** By the last read, and the time that your code has been at its records since; `undefined` before the first read. */
  readonly millisBehindLatest: number | undefined;
  /**
   * Why the shard is not getting on right now; `undefined` when it is. `processRecords has not settled for 75 s`: the call
   * has lasted longer than `stallTimeoutMs`.
   */
  readonly problem: string | undefined;
}

/** For liveness and readiness probes. */
export interface WorkerHealth {
  /** The process does its work; false once `run()` has ended. Depends neither on AWS nor on holding leases. */
  readonly live: boolean;
  /** Started, not stopping, no shard has a problem, and the lease table can be read and written. */
  readonly ready: boolean;
  /** Why the lease table cannot be used right now; `undefined` when it can. */
  readonly problem: string | undefined;
  /** How late timers of this process were at most within the last minute, in whole milliseconds. */
  readonly eventLoopDelayMs: number;
  readonly shards: readonly ShardHealth[];
}

/** For autoscaling: what this worker has to do. */
export interface WorkerSnapshot {
  readonly workerId: string;
  readonly ownedShardIds: readonly string[];
  /** The greatest of the owned shards, in milliseconds; 0 when it owns none or is caught up. */
  readonly maxMillisBehindLatest: number;
  /** As in {@link WorkerHealth}. A great one means that this process has too much to do. */
  readonly eventLoopDelayMs: number;
  readonly memory: MemoryUse;
  readonly shards: readonly ShardHealth[];
}

/** The memory budget, with all workers that share it. Shards that wait show that it is what holds reading up. */
export interface MemoryUse {
  readonly budgetBytes: number;
  /** Reserved for reads that are under way, and held by records that are not done with. */
  readonly usedBytes: number;
  readonly waitingShards: number;
}

/** The shard's part of what is known about its consumer. */
export function shardHealth({ shardId, state, ownsLease, millisBehindLatest, problem }: ShardHealth): ShardHealth {
  return { shardId, state, ownsLease, millisBehindLatest, problem };
}
