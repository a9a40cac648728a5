import type { Checkpoint, UserRecord } from '@millrace/core';
import type { Checkpointer } from '@millrace/checkpointer';

/** The lease under which a processor works. */
export interface ProcessorLease {
  readonly shardId: string;
  /**
   * The lease counter at the moment the lease was taken. Of two holders of this shard's lease the later one always has
   * the greater token: store it with your results and refuse a smaller one, and a worker that was frozen past its lease
   * can't overwrite what its successor wrote.
   */
  readonly fencingToken: number;
}

export interface InitializeInput {
  readonly lease: ProcessorLease;
  /** How far the shard was acknowledged when the lease was taken; the first record comes after it. */
  readonly checkpoint: Checkpoint;
  /** As in {@link ProcessRecordsInput}. */
  readonly signal: AbortSignal;
}

export interface ProcessRecordsInput {
  /** In sequence, never empty, never a record that was acknowledged before. */
  readonly records: readonly UserRecord[];
  readonly checkpointer: Checkpointer;
  /** How old the shard's next unread record is, in milliseconds by the service's clock; 0 when caught up. */
  readonly millisBehindLatest: number;
  /**
   * Aborts before the lease can be another worker's: when renewals fail for long, when a hand-over takes longer than
   * `leases.handoverTimeoutMs`, or when `stop()` has run out of time. Stop writing results then.
   */
  readonly signal: AbortSignal;
  readonly lease: ProcessorLease;
}

export interface ShardEndedInput {
  readonly checkpointer: Checkpointer;
  readonly signal: AbortSignal;
  readonly lease: ProcessorLease;
}

export interface ShutdownRequestedInput extends ShardEndedInput {
  /** The worker stops, or the lease was asked for by another worker. */
  readonly reason: 'stop' | 'handover';
}

export interface LeaseLostInput {
  readonly lease: ProcessorLease;
}

/**
 * The user's code for one shard under one lease. Calls for one processor never overlap.
 *
 * Order of calls: `initialize`, `processRecords` any number of times, then one of
 * `shardEnded` (every record was handed over), `shutdownRequested` (a clean stop or hand-over), `leaseLost` (too late).
 */
export interface RecordProcessor {
  /** Before the first record. If it rejects it is called again, with growing delays, while the lease is held. */
  initialize?(input: InitializeInput): Promise<void> | void;
  /**
   * Takes the next records. If it rejects, the records that it has not acknowledged, or those from the one that it has named by a
   * `RecordFailedError` on, are handed over again, as `failurePolicy` says; none behind them before it has succeeded, or they
   * were let go. Resolving acknowledges them only with `checkpointing: 'automatic'`.
   */
  processRecords(input: ProcessRecordsInput): Promise<void> | void;
  /** The lease is another's or may be soon. Nothing can be stored any more; what was not acknowledged comes again elsewhere. */
  leaseLost?(input: LeaseLostInput): Promise<void> | void;
  /**
   * The shard was split or merged, and every record of it has been handed over: the last chance to flush what is
   * buffered. When it resolves, the shard counts as acknowledged to its end, checkpointed or not, and its children are
   * read. If it rejects it is called again, with growing delays.
   */
  shardEnded?(input: ShardEndedInput): Promise<void> | void;
  /** Before the lease is given up cleanly: the last chance to flush and checkpoint. Called once, also if it rejects. */
  shutdownRequested?(input: ShutdownRequestedInput): Promise<void> | void;
}

/** Makes a processor for each shard whose lease this worker takes; a lease taken again gets a new one. */
export type ProcessorFactory = (shard: { readonly shardId: string }) => RecordProcessor;
