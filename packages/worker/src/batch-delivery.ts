import { checkpointAt, type Checkpoint, type RecordPosition, type UserRecord } from '@millrace/core';
import { RecordDispatcher, type LostCause } from '@millrace/record-dispatcher';
import type { Delivery, DeliveryParts } from './delivery';
import { letRecordGo } from './let-record-go';
import { nextBatch } from './next-batch';
import type { RecordProcessor } from './record-processor';

/** Hands the batches of one shard to a processor, one after another, under one lease. */
export class BatchDelivery implements Delivery {
  readonly #parts: DeliveryParts;
  readonly #processor: RecordProcessor;
  readonly #dispatcher: RecordDispatcher;
  #resolved: RecordPosition | undefined;
  /** How many records the last call was given. */
  #recordCount = 0;
  #isBusy = false;

  constructor(parts: DeliveryParts, processor: RecordProcessor) {
    const { settings, lease, heldLease, checkpointer, logger } = parts;
    const { emit, failurePolicy, retry, clock, random } = settings;
    this.#parts = parts;
    this.#processor = processor;
    this.#dispatcher = new RecordDispatcher({
      target: {
        deliver: (records) => this.#deliver(records),
        resolved: (position) => this.#wasResolved(position),
        acknowledged: () => checkpointer.acknowledged,
        mayDeliver: () => heldLease.mayDeliver(),
        failed: (failure) => emit('processingFailed', { shardId: lease.shardId, ...failure }),
        letGo: (record, before, cause) =>
          letRecordGo(parts, record, { ...cause, done: () => this.#wasLetGo(record, before) }),
      },
      ...{ policy: failurePolicy.kind, retry, clock, random, logger },
    });
  }

  /** The last record that the user's code is done with: a call that failed acknowledges nothing. */
  get resolved(): RecordPosition | undefined {
    return this.#resolved;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  take(records: readonly UserRecord[], before: Checkpoint, done: () => void): Promise<'taken' | 'aborted'> {
    return this.#take(records, before).finally(done);
  }

  async #take(records: readonly UserRecord[], before: Checkpoint): Promise<'taken' | 'aborted'> {
    const { settings, reading, lease } = this.#parts;
    const { batch: limits, batchLimits, clock } = settings;
    this.#isBusy = true;
    let outcome: 'delivered' | 'aborted' = 'delivered';
    let previous = before;
    for (let at = 0; at < records.length && outcome === 'delivered';) {
      const maxRecords = Math.min(limits.maxRecords, batchLimits.of(lease.shardId));
      const batch = nextBatch(records, at, { ...limits, maxRecords });
      outcome = await this.#dispatcher.dispatch(batch, previous, reading);
      batchLimits.ended(lease.shardId);
      at += batch.length;
      // Timers get their turn: a piece blocks the event loop for less than the whole.
      if (at < records.length) await clock.sleep(0);
      const last = batch.at(-1);
      if (last !== undefined) previous = checkpointAt(last);
    }
    this.#isBusy = false;
    return outcome === 'delivered' ? 'taken' : 'aborted';
  }

  async letGo(record: UserRecord, before: Checkpoint, cause: LostCause): Promise<'taken' | 'aborted'> {
    const outcome = await this.#dispatcher.letGo(record, before, cause, this.#parts.reading);
    return outcome === 'delivered' ? 'taken' : 'aborted';
  }

  /** Nothing is left behind by {@link take}. */
  settled(): Promise<void> {
    return Promise.resolve();
  }

  /** Reaches the user's code before its first await: the lease was found ours in this very turn. */
  async #deliver(records: readonly UserRecord[]): Promise<void> {
    const { settings, checkpointer, watchdog, lease, signal, lag } = this.#parts;
    const { emit, clock } = settings;
    const last: RecordPosition | undefined = records.at(-1);
    if (last === undefined) return;
    const startedAtMs = clock.now();
    const millisBehindLatest = lag.atLastRead;
    // Before the user's code has them: it may take them off the array.
    const recordCount = records.length;
    this.#recordCount = recordCount;
    const byteCount = records.reduce((sum, { data }) => sum + data.byteLength, 0);
    checkpointer.deliver(last);
    const checkpointing = checkpointer.handleUpTo(last);
    const input = { records, checkpointer: checkpointing, millisBehindLatest, signal: signal.forUsers, lease };
    await watchdog.userCall('processRecords', () => this.#processor.processRecords(input), recordCount);
    const durationMs = clock.now() - startedAtMs;
    emit('recordsProcessed', { shardId: lease.shardId, recordCount, byteCount, millisBehindLatest, durationMs });
  }

  #wasLetGo(record: RecordPosition, before: Checkpoint): void {
    const { checkpointer } = this.#parts;
    // It may not have been handed over, and yet be the last one so far.
    checkpointer.deliver(record);
    checkpointer.letGo(record, before);
  }

  #wasResolved({ sequenceNumber, subSequenceNumber }: RecordPosition): void {
    const { settings, checkpointer, acknowledged } = this.#parts;
    const position = { sequenceNumber, subSequenceNumber };
    this.#resolved = position;
    if (settings.checkpointing !== 'automatic') return;
    checkpointer.acknowledge(position);
    acknowledged(this.#recordCount);
  }
}
