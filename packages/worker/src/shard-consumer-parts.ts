import type { CheckpointStore } from '@millrace/checkpointer';
import type {
  AbortSignalLike,
  AttemptedRange,
  Checkpoint,
  Clock,
  Logger,
  Random,
  Shard,
  StartPosition,
} from '@millrace/core';
import type { DeaggregateOptions } from '@millrace/record-deaggregator';
import type { ResolvedRetryOptions } from '@millrace/record-dispatcher';
import type { RecordSource } from '@millrace/record-fetcher';
import type { BatchLimits } from './batch-limits';
import type { BatchSettings } from './batch-options';
import type { CarefulTurn } from './careful-turn';
import type { ConcurrencySettings } from './concurrency-options';
import type { Letterhead } from './dead-letter';
import type { ResolvedFailurePolicy } from './failure-policy-option';
import type { Processor } from './record-processor';
import type { WorkerEvents } from './worker-events';

/** What a shard consumer needs of its lease. */
export interface ConsumerLease extends CheckpointStore {
  readonly leaseKey: string;
  readonly fencingToken: number;
  /** The lease is not ours any longer. */
  readonly lost: AbortSignalLike;
  /** The lease may be another's soon: the user's code must come to an end. */
  readonly expiring: AbortSignalLike;
  /** Another worker has asked for the lease. */
  readonly handoverRequested: AbortSignalLike;
  mayDeliver(): boolean;
  /** One worker after another has lost the lease without giving it up, and none has got on. */
  readonly mayBeCrashLoop: boolean;
  /** Makes the row say what is about to be delivered, and nothing else, by a write if it must. Returns whether it does. Never rejects. */
  attempt(attempted: readonly AttemptedRange[]): Promise<boolean>;
  /** From now on renewals store what is acknowledged by then. */
  carry(unstored: { unstored(): Checkpoint | undefined; stored(checkpoint: Checkpoint): void }): void;
  /** Gives the lease up, to the worker that asked or to nobody. Only once the user's code has settled. */
  release(): Promise<void>;
  /** Never writes to the lease again: it expires. `lost` aborts. */
  abandon(): void;
}

/** What a shard consumer wants to know of the source that it reads. */
export interface ReadingListener {
  /** A read failed, and is made again. */
  readonly failing: (kind: 'transient' | 'unauthorized') => void;
  /** The sign of life: what was asked before is done with, and the next call starts in so many milliseconds. */
  readonly waiting: (delayMs: number) => void;
}

/** The same for all shards of a worker. */
export interface ConsumerSettings {
  readonly checkpointing: 'manual' | 'automatic';
  readonly checkpointIntervalMs: number;
  readonly checkpointEveryRecords: number;
  readonly concurrency: ConcurrencySettings;
  readonly batch: BatchSettings;
  readonly batchLimits: BatchLimits;
  /** For how long this process has stood still of late, if that is long enough to cost a lease. */
  readonly blockedMs: () => number | undefined;
  readonly failurePolicy: ResolvedFailurePolicy;
  readonly retry: ResolvedRetryOptions;
  readonly letterhead: Letterhead;
  /** How long reading, or Millrace's own work at shard end, may be silent; and starting or reading fail for good. */
  readonly stallTimeoutMs: number;
  /** So many batches are read ahead of the one that is dealt with. */
  readonly readAheadPages: number;
  readonly carefulTurn: CarefulTurn;
  /** The first pause before a record that the process has ended with. */
  readonly failoverTimeMs: number;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ShardConsumerParts {
  readonly settings: ConsumerSettings;
  readonly lease: ConsumerLease;
  /** Called before `initialize`, and again if it throws. */
  readonly createProcessor: () => Processor;
  readonly aggregation: DeaggregateOptions;
  /** Where the lease row says the shard was left. */
  readonly checkpoint: Checkpoint;
  /** What the row says to have been attempted behind that. */
  readonly attempted: readonly AttemptedRange[];
  /** Where to start reading when no record was acknowledged yet. */
  readonly initialStart: StartPosition;
  readonly openSource: (start: StartPosition, listener: ReadingListener) => RecordSource;
  readonly createChildren: (childShards: readonly Shard[], signal: AbortSignalLike) => Promise<void>;
  readonly logger: Logger;
}
