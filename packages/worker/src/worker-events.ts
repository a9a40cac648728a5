import type { DeaggregationCounts } from '@millrace/record-deaggregator';
import type { ShardState } from './shard-state';
import type { UnfinishedShard } from './stop-options';

/** A record that the failure policy has let go. */
export interface LetGoRecord {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** What the processor rejected with the last time. */
  readonly error: unknown;
  readonly reason: 'attempts' | 'age' | 'key' | 'crashes';
  readonly attempts: number;
}

/** A call of your code that may have blocked the event loop. */
export interface BlockSuspect {
  readonly shardId: string;
  /** `processRecords`, for example. */
  readonly step: string;
  /** That it was given; 0 if it was not called with records. */
  readonly recordCount: number;
}

/**
 * Every event with its payload. Events are for metrics and tests: a fault never travels by an event alone (`run()`
 * rejects, the log says so), and a listener that throws is logged and changes nothing.
 */
export interface WorkerEvents {
  /** The worker has checked stream and lease table, and begins to take leases. */
  workerStarted: { readonly workerId: string; readonly streamArn: string };
  /** The worker has given up its leases, or left those of `unfinishedShardIds` to expire. `unfinished`: as `stop()` says it. */
  workerStopped: {
    readonly workerId: string;
    readonly unfinishedShardIds: readonly string[];
    readonly unfinished: readonly UnfinishedShard[];
  };
  /**
   * The thread that renews leases stood still for so long, a tenth of the failover time or more. `suspects`: the call of your code
   * that held it for half of that time or longer; or, if none did so before its first `await`, for each shard one that was under way.
   */
  eventLoopBlocked: { readonly blockedMs: number; readonly suspects: readonly BlockSuspect[] };
  /** Lease rows were created. */
  leasesCreated: { readonly shardIds: readonly string[]; readonly reason: 'first-start' | 'audit' | 'reshard' };
  /** Finished lease rows were deleted, because the stream lists their shards no longer. */
  leasesDeleted: { readonly shardIds: readonly string[] };
  /** This worker holds the lease now. `how`: it was free or had expired, or its owner handed it over. */
  leaseTaken: { readonly shardId: string; readonly fencingToken: number; readonly how: 'taken' | 'handed-over' };
  /** This worker could not keep the lease, or let it expire because `stop()` ran out of time. */
  leaseLost: {
    readonly shardId: string;
    /** For how long the event loop had stood still shortly before, if that was long enough to cost the lease. */
    readonly blockedMs: number | undefined;
  };
  /** This worker has given the lease up, for anybody to take. */
  leaseReleased: { readonly shardId: string };
  /** Another worker has asked for the lease: this one finishes what is in the handler and hands it over. */
  handoverRequested: { readonly shardId: string };
  /** The lease was handed over to the worker that asked for it, or to the one that was to have it when this one stopped. */
  leaseHandedOver: { readonly shardId: string; readonly receiver: string };
  /**
   * This worker took the lease from `owner`, which was asked for it, went on renewing and did not hand it over. It is
   * nobody's until a failover time has passed.
   */
  leaseEvicted: { readonly shardId: string; readonly owner: string };
  /** A lease row cannot be understood. Its shard is not read until the row is corrected or deleted. */
  leaseCorrupt: { readonly leaseKey: string; readonly error: unknown };
  /** DynamoDB throttled a call to the lease table; it is made again. */
  leaseTableThrottled: { readonly operation: string; readonly advice: string };
  /** A call to the lease table failed for another reason than a throttle; it is made again while it may help. */
  leaseTableFailing: { readonly operation: string; readonly error: unknown };
  /** The shard moved on in its life; the diagram is in docs/lease-lifecycle.md. */
  shardStateChanged: { readonly shardId: string; readonly from: ShardState; readonly to: ShardState };
  /** Records were handed to the processor and it resolved. */
  recordsProcessed: {
    readonly shardId: string;
    readonly recordCount: number;
    readonly byteCount: number;
    readonly millisBehindLatest: number;
    readonly durationMs: number;
  };
  /**
   * The processor rejected. `'retry'`: its records will be handed over again; `'split'`: in two pieces; `'let-go'`: the one
   * record will not, see `failurePolicy`.
   */
  processingFailed: {
    readonly shardId: string;
    readonly error: unknown;
    readonly attempt: number;
    readonly action: 'retry' | 'split' | 'let-go';
    readonly recordCount: number;
    readonly firstSequenceNumber: string;
    readonly retryInMs: number;
  };
  /** A record was left out by `failurePolicy: 'skip'`. */
  recordSkipped: LetGoRecord;
  /** The sink of the failure policy has confirmed that it has the record. */
  recordDeadLettered: LetGoRecord;
  /**
   * A process may have ended at a record of this shard: a worker has lost the lease with `recordCount` records in hand, after others
   * had lost it. They were in hand together `attempts` times. The shard is read with care until that is clear, see
   * docs/operations.md.
   */
  crashSuspected: { readonly shardId: string; readonly recordCount: number; readonly attempts: number };
  /**
   * A record is not delivered for `resumesInMs`: the process has ended, or lost the lease, `crashes` times with it alone in hand, and
   * the failure policy lets no record go.
   */
  recordHeldBack: {
    readonly shardId: string;
    readonly sequenceNumber: string;
    readonly subSequenceNumber: number;
    readonly crashes: number;
    readonly resumesInMs: number;
  };
  /** Aggregated records were taken apart; says what was dropped or delivered raw. Emitted only when a count is not zero. */
  recordsDeaggregated: { readonly shardId: string; readonly counts: DeaggregationCounts };
  /** Kinesis refused a read because of a rate limit; it is made again. Normal where applications share a stream. */
  readThrottled: { readonly shardId: string; readonly attempt: number; readonly delayMs: number };
  /** A read failed and is made again. */
  readFailing: {
    readonly shardId: string;
    readonly kind: 'transient' | 'unauthorized';
    readonly error: unknown;
    readonly attempt: number;
  };
  /**
   * The next read of the shard has waited so long, ten seconds or more, for memory that batches of all shards hold
   * (`usedBytes` of `budgetBytes`), and still does. Once for each read that waits so long.
   */
  memoryAwaited: {
    readonly shardId: string;
    readonly waitedMs: number;
    readonly usedBytes: number;
    readonly budgetBytes: number;
  };
  /** Kinesis refused an iterator, and it was replaced at the exact position. One that grew old is replaced before it is used, without an event. */
  iteratorRefreshed: { readonly shardId: string; readonly reason: 'expired' | 'refused' };
  /** The shard cannot be read on from its position. It is tried again with growing delays; the checkpoint stays. */
  shardFailed: { readonly shardId: string; readonly error: unknown };
  /**
   * Reading the shard, or a step of Millrace's own at its end, has shown no sign of life for `stalledMs`; it was begun
   * anew, at the exact position. `'given-up'`: for a second time in a row, or reading or starting has failed for so long;
   * the lease is given up, and this worker takes it again no sooner than a failover time later,
   * and twice as long each time until it could read the shard.
   */
  shardStalled: {
    readonly shardId: string;
    readonly stalledMs: number;
    readonly action: 'reopened' | 'given-up';
  };
  /**
   * A call of the user's code (`step`) has not settled for `blockedMs`. Once per `stallTimeoutMs` while it lasts. The lease
   * is renewed, and the call is waited for.
   */
  handlerBlocked: { readonly shardId: string; readonly step: string; readonly blockedMs: number };
  /**
   * The record to go on from (`wanted`) has passed the end of retention; records behind it, up to `found`, may have too,
   * unread. Without `wanted`: the shard was deleted before it was read to its end.
   */
  recordsAgedOut: { readonly shardId: string; readonly wanted: string | undefined; readonly found: string | undefined };
  /** Every record of the shard is acknowledged; its children may be read. */
  shardEnded: { readonly shardId: string };
  /** The comparison of shards and leases failed; it is repeated. */
  auditFailed: { readonly error: unknown };
}
