import type { ShardCheckpointer } from '@millrace/checkpointer';
import type { AbortSignalLike, Checkpoint, Clock, Logger, Random, RecordPosition, UserRecord } from '@millrace/core';
import type { LostCause, ResolvedRetryOptions } from '@millrace/record-dispatcher';
import type { BatchLimits } from './batch-limits';
import type { BatchSettings } from './batch-options';
import type { ConcurrencySettings } from './concurrency-options';
import type { Letterhead } from './dead-letter';
import type { ResolvedFailurePolicy } from './failure-policy-option';
import type { HandlerSignal } from './handler-signal';
import type { ProgressWatchdog } from './progress-watchdog';
import type { ProcessorLease } from './record-processor';
import type { WorkerEvents } from './worker-events';

/** How the records of one shard come to the user's code: batch by batch, or one by one. */
export interface Delivery {
  /**
   * Takes the records that come next, of which there is one at least. Resolves with `'taken'` when more may come; with `'aborted'` when
   * reading is to end, and not all of them were taken. `before`: up to and including the record taken before them. `done` is called
   * when all of them are done with; once reading is to end it need not be.
   */
  take(records: readonly UserRecord[], before: Checkpoint, done: () => void): Promise<'taken' | 'aborted'>;
  /**
   * Lets the next record go, which was not handed over. As {@link take}, and only while nothing that was taken is left to be done.
   */
  letGo(record: UserRecord, before: Checkpoint, cause: LostCause): Promise<'taken' | 'aborted'>;
  /** Resolves when all that was taken is done with; or, once reading is to end, when no call is under way and none will begin. */
  settled(): Promise<void>;
  /** What a checkpointer for a call without records stands for. */
  readonly resolved: RecordPosition | undefined;
  /** The last record that was handed over, where the checkpointer does not know of it. */
  readonly handedOver?: RecordPosition | undefined;
  /** Records were taken that are not done with. */
  readonly isBusy: boolean;
}

export interface DeliveryParts {
  readonly lease: ProcessorLease;
  /** Whether the lease is ours for certain at this very moment. */
  readonly mayDeliver: () => boolean;
  readonly checkpointer: ShardCheckpointer;
  readonly watchdog: ProgressWatchdog;
  /** The signal that the user's code gets. */
  readonly signal: HandlerSignal;
  /** Reading is to end. */
  readonly reading: AbortSignalLike;
  /** By the last read. */
  readonly millisBehindLatest: () => number;
  readonly checkpointing: 'manual' | 'automatic';
  /** Told how many records were acknowledged without a call of the user's code. */
  readonly acknowledged: (count: number) => void;
  readonly concurrency: ConcurrencySettings;
  readonly batch: BatchSettings;
  readonly batchLimits: BatchLimits;
  readonly failurePolicy: ResolvedFailurePolicy;
  readonly retry: ResolvedRetryOptions;
  readonly letterhead: Letterhead;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
