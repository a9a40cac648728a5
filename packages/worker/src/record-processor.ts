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
  /** How old the shard's next unread record was when these were read, in milliseconds by the service's clock; 0: caught up. */
  readonly millisBehindLatest: number;
  /**
   * Aborts before the lease can be another worker's: when renewals fail for long, when a hand-over takes longer than
   * `leases.handoverTimeoutMs`, or when `stop()` has run out of time. Stop writing results then.
   */
  readonly signal: AbortSignal;
  readonly lease: ProcessorLease;
}

export interface ProcessRecordInput {
  /** Never one at or before the checkpoint. */
  readonly record: UserRecord;
  /** Which attempt this is, in this life of the lease: 1 for the first. */
  readonly attempt: number;
  /** As in {@link ProcessRecordsInput}. */
  readonly millisBehindLatest: number;
  /** As in {@link ProcessRecordsInput}. */
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

/** What a shard tells the user's code about its life under one lease. */
interface ShardLifecycle {
  /** Before the first record. If it rejects it is called again, with growing delays, while the lease is held. */
  initialize?(input: InitializeInput): Promise<void> | void;
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

/**
 * The user's code for one shard under one lease, which takes its records batch by batch. Calls for one processor never overlap.
 *
 * Order of calls: `initialize`, `processRecords` any number of times, then one of
 * `shardEnded` (every record was handed over), `shutdownRequested` (a clean stop or hand-over), `leaseLost` (too late).
 */
export interface RecordProcessor extends ShardLifecycle {
  /**
   * Takes the next records. If it rejects, the records that it has not acknowledged, or those from the one that it has named by a
   * `RecordFailedError` on, are handed over again, as `failurePolicy` says; none behind them before it has succeeded, or they
   * were let go. Resolving acknowledges them only with `checkpointing: 'automatic'`.
   */
  processRecords(input: ProcessRecordsInput): Promise<void> | void;
}

/**
 * The user's code for one shard under one lease, which takes its records one by one.
 *
 * Order of calls: as for a {@link RecordProcessor}. With the option `concurrency` calls of `processRecord` overlap, for records
 * of different partition keys; without it they come one after another. All other calls come when none of them is under way.
 */
export interface SingleRecordProcessor extends ShardLifecycle {
  /**
   * Takes one record. Resolving acknowledges it, whatever the option `checkpointing` says: what is stored, at an interval of
   * `checkpointIntervalMs` and on a clean stop, is the low watermark, up to which every record of the shard is acknowledged.
   *
   * If it rejects it is called again with the same record, as `failurePolicy` says. Until it has succeeded, or the record was
   * let go, no later record with the same partition key is handed over (without `concurrency`: none at all).
   */
  processRecord(input: ProcessRecordInput): Promise<void> | void;
}

export type Processor = RecordProcessor | SingleRecordProcessor;

export function takesSingleRecords(processor: Processor): processor is SingleRecordProcessor {
  return 'processRecord' in processor && typeof processor.processRecord === 'function';
}

/** Makes a processor for each shard whose lease this worker takes; a lease taken again gets a new one. */
export type ProcessorFactory = (shard: { readonly shardId: string }) => Processor;
