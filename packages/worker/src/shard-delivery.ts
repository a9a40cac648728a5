import {
  checkpointAt,
  type Checkpoint,
  type Clock,
  type Logger,
  type Random,
  type RecordPosition,
  type UserRecord,
} from '@millrace/core';
import type { ShardCheckpointer } from '@millrace/checkpointer';
import type { DeaggregateOptions } from '@millrace/record-deaggregator';
import { RecordDispatcher, type LostCause, type ResolvedRetryOptions } from '@millrace/record-dispatcher';
import type { Letterhead } from './dead-letter';
import type { ResolvedFailurePolicy } from './failure-policy-option';
import { newRecords } from './new-records';
import type { ProgressWatchdog } from './progress-watchdog';
import type { ProcessorLease, RecordProcessor } from './record-processor';
import { ShardLag } from './shard-lag';
import type { RecordsBatch } from './shard-reading';
import type { WorkerEvents } from './worker-events';

export interface ShardDeliveryParts {
  readonly lease: ProcessorLease;
  /** Whether the lease is ours for certain at this very moment. */
  readonly mayDeliver: () => boolean;
  /** There is one before the first batch. */
  readonly processor: () => RecordProcessor | undefined;
  readonly checkpointer: ShardCheckpointer;
  readonly watchdog: ProgressWatchdog;
  /** Where the shard was left. */
  readonly start: Checkpoint;
  /** The signal that the user's code gets. */
  readonly signal: AbortSignal;
  readonly checkpointing: 'manual' | 'automatic';
  readonly failurePolicy: ResolvedFailurePolicy;
  readonly retry: ResolvedRetryOptions;
  readonly letterhead: Letterhead;
  readonly aggregation: DeaggregateOptions;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Takes the batches of one shard apart and brings their records to the user's code, under one lease. */
export class ShardDelivery {
  readonly #parts: ShardDeliveryParts;
  readonly #dispatcher: RecordDispatcher;
  readonly #lag: ShardLag;
  #position: Checkpoint;
  #resolved: RecordPosition | undefined;

  constructor(parts: ShardDeliveryParts) {
    const { start, failurePolicy, retry, clock, random, logger } = parts;
    this.#parts = parts;
    this.#position = start;
    this.#lag = new ShardLag(clock);
    this.#dispatcher = new RecordDispatcher({
      ...{ policy: failurePolicy.kind, retry, clock, random, logger },
      target: {
        deliver: (records) => this.#deliver(records),
        resolved: (position) => this.#wasResolved(position),
        acknowledged: () => parts.checkpointer.acknowledged,
        mayDeliver: parts.mayDeliver,
        failed: (failure) => parts.emit('processingFailed', { shardId: parts.lease.shardId, ...failure }),
        letGo: (record, before, cause) => this.#letGo(record, before, cause),
      },
    });
  }

  /** The last record that was handed over, or where the shard was left. */
  get position(): Checkpoint {
    return this.#position;
  }

  /** The last record that the user's code is done with: a call that failed acknowledges nothing. */
  get resolved(): RecordPosition | undefined {
    return this.#resolved;
  }

  /** How far behind the tip of the shard it is; `undefined` before the first batch. */
  get millisBehindLatest(): number | undefined {
    return this.#lag.now;
  }

  /** Hands a batch over. Resolves once the user's code is done with it, or `signal` has ended the attempts. */
  async take(batch: RecordsBatch, signal: AbortSignal): Promise<'taken' | 'aborted'> {
    const { aggregation, emit, lease } = this.#parts;
    this.#lag.wasRead(batch.millisBehindLatest);
    const { records, counts } = newRecords(batch.records, this.#position, aggregation);
    if (counts !== undefined) emit('recordsDeaggregated', { shardId: lease.shardId, counts });
    const last = records.at(-1);
    if (last === undefined) return 'taken';
    this.#lag.isBatchInHand = true;
    const outcome = await this.#dispatcher.dispatch(records, this.#position, signal);
    this.#lag.isBatchInHand = false;
    if (outcome === 'aborted') return 'aborted';
    this.#position = checkpointAt(last);
    return 'taken';
  }

  /** Reaches the user's code before its first await: the lease was found ours in this very turn. */
  async #deliver(records: readonly UserRecord[]): Promise<void> {
    const { checkpointer, watchdog, processor, lease, signal, emit, clock } = this.#parts;
    const last: RecordPosition | undefined = records.at(-1);
    if (last === undefined) return;
    const startedAtMs = clock.now();
    const millisBehindLatest = this.#lag.atLastRead ?? 0;
    // Before the user's code has them: it may take them off the array.
    const recordCount = records.length;
    const byteCount = records.reduce((sum, { data }) => sum + data.byteLength, 0);
    checkpointer.deliver(last);
    await watchdog.userCall('processRecords', () =>
      processor()?.processRecords({
        records,
        checkpointer: checkpointer.handleUpTo(last),
        millisBehindLatest,
        signal,
        lease,
      }),
    );
    const durationMs = clock.now() - startedAtMs;
    emit('recordsProcessed', { shardId: lease.shardId, recordCount, byteCount, millisBehindLatest, durationMs });
  }

  #wasResolved(position: RecordPosition): void {
    const { checkpointing, checkpointer } = this.#parts;
    this.#resolved = position;
    if (checkpointing === 'automatic') checkpointer.acknowledge(position);
  }

  /** The sink is the user's code, too: reached in the turn in which the lease was found ours, and waited for. */
  async #letGo(record: UserRecord, before: Checkpoint, { error, reason, attempts }: LostCause): Promise<void> {
    const { checkpointer, failurePolicy, letterhead, watchdog, lease, signal, emit, logger } = this.#parts;
    const { shardId, fencingToken } = lease;
    const { sequenceNumber, subSequenceNumber } = record;
    const cause = { sequenceNumber, subSequenceNumber, reason, attempts };
    if (failurePolicy.kind !== 'dead-letter') {
      checkpointer.letGo(record, before);
      logger.warn({ err: error, ...cause }, 'record skipped');
      emit('recordSkipped', { shardId, error, ...cause });
      return;
    }
    const id = [letterhead.streamArn, shardId, sequenceNumber, subSequenceNumber].join('/');
    const letter = { id, ...letterhead, shardId, fencingToken, record, error, reason, attempts };
    await watchdog.userCall('deadLetter', () => failurePolicy.sink(letter, { signal }));
    checkpointer.letGo(record, before);
    logger.warn({ err: error, ...cause }, 'record became a dead letter');
    emit('recordDeadLettered', { shardId, error, ...cause });
  }
}
