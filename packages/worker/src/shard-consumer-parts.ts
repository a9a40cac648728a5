import type { CheckpointStore } from '@millrace/checkpointer';
import type { Checkpoint, Clock, Logger, Random, Shard, StartPosition } from '@millrace/core';
import type { DeaggregateOptions } from '@millrace/record-deaggregator';
import type { ResolvedRetryOptions } from '@millrace/record-dispatcher';
import type { RecordSource } from '@millrace/record-fetcher';
import type { RecordProcessor } from './record-processor';
import type { WorkerEvents } from './worker-events';

/** What a shard consumer needs of its lease. */
export interface ConsumerLease extends CheckpointStore {
  readonly leaseKey: string;
  readonly fencingToken: number;
  /** The lease is not ours any longer. */
  readonly lost: AbortSignal;
  /** The lease may be another's soon: the user's code must come to an end. */
  readonly expiring: AbortSignal;
  /** Another worker has asked for the lease. */
  readonly handoverRequested: AbortSignal;
  mayDeliver(): boolean;
  /** Gives the lease up, to the worker that asked or to nobody. Only once the user's code has settled. */
  release(): Promise<void>;
}

export interface ShardConsumerParts {
  readonly lease: ConsumerLease;
  /** Called before `initialize`, and again if it throws. */
  readonly createProcessor: () => RecordProcessor;
  readonly checkpointing: 'manual' | 'automatic';
  readonly checkpointIntervalMs: number;
  readonly retry: ResolvedRetryOptions;
  readonly aggregation: DeaggregateOptions;
  /** Where the lease row says the shard was left. */
  readonly checkpoint: Checkpoint;
  /** Where to start reading when no record was acknowledged yet. */
  readonly initialStart: StartPosition;
  /** `onProblem` is to be told why the shard cannot be read for the moment. */
  readonly openSource: (start: StartPosition, onProblem: (problem: string) => void) => RecordSource;
  readonly createChildren: (childShards: readonly Shard[], signal: AbortSignal) => Promise<void>;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
