import type { ShardCheckpointer } from '@millrace/checkpointer';
import type { AbortSignalLike, AttemptedRange, Checkpoint, Logger, RecordPosition, UserRecord } from '@millrace/core';
import type { DeaggregateOptions } from '@millrace/record-deaggregator';
import type { LostCause } from '@millrace/record-dispatcher';
import type { HandlerSignal } from './handler-signal';
import type { ProgressWatchdog } from './progress-watchdog';
import type { ProcessorLease } from './record-processor';
import type { ConsumerLease, ConsumerSettings } from './shard-consumer-parts';
import type { ShardLag } from './shard-lag';

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

/** What the parts that bring records to the user's code need to know, of one shard under one lease. */
export interface DeliveryParts {
  readonly settings: ConsumerSettings;
  readonly lease: ProcessorLease;
  readonly heldLease: Pick<ConsumerLease, 'attempt' | 'mayBeCrashLoop' | 'mayDeliver'>;
  readonly aggregation: DeaggregateOptions;
  /** Where the shard was left. */
  readonly start: Checkpoint;
  /** What the row said to have been attempted when the lease was acquired, as far as that is not acknowledged. */
  readonly attempted: readonly AttemptedRange[];
  readonly checkpointer: ShardCheckpointer;
  readonly watchdog: ProgressWatchdog;
  /** The signal that the user's code gets. */
  readonly signal: HandlerSignal;
  /** Reading is to end. */
  readonly reading: AbortSignalLike;
  readonly lag: ShardLag;
  /** Told how many records were acknowledged without a call of the user's code. */
  readonly acknowledged: (count: number) => void;
  readonly logger: Logger;
}
