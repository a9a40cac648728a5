import { LowWatermark } from '@millrace/checkpointer';
import { comparePositions, type Checkpoint, type RecordPosition, type UserRecord } from '@millrace/core';
import { KeyedDispatcher, type LostCause } from '@millrace/record-dispatcher';
import type { Delivery, DeliveryParts } from './delivery';
import { letRecordGo } from './let-record-go';
import type { SingleRecordProcessor } from './record-processor';

/**
 * Hands the records of one shard to a processor one by one, under one lease: those of one partition key in their order, others
 * side by side, if that was asked for.
 *
 * A record that is done with is acknowledged, in whatever order they are: what the checkpointer is told is the low
 * watermark, up to which all are.
 */
export class RecordDelivery implements Delivery {
  readonly #parts: DeliveryParts;
  readonly #processor: SingleRecordProcessor;
  readonly #dispatcher: KeyedDispatcher;
  readonly #watermark = new LowWatermark();
  #handedOver: RecordPosition | undefined;
  /** Batches that were taken and are not done with, in order. */
  readonly #taken: { readonly last: RecordPosition | undefined; readonly done: () => void }[] = [];

  constructor(parts: DeliveryParts, processor: SingleRecordProcessor) {
    const { settings, lease, heldLease, signal, reading, logger } = parts;
    const { emit, concurrency, failurePolicy, retry, clock, random } = settings;
    this.#parts = parts;
    this.#processor = processor;
    this.#dispatcher = new KeyedDispatcher({
      keyOf: concurrency.by === 'partitionKey' ? ({ partitionKey }) => partitionKey : () => '',
      ...{ policy: failurePolicy.kind, retry, clock, random, logger },
      ...{ draining: reading, ended: signal, maxInFlight: concurrency.maxInFlight },
      quarantinesKeys: failurePolicy.kind === 'dead-letter' && failurePolicy.scope === 'key',
      target: {
        deliver: (record, attempt) => this.#deliver(record, attempt),
        settled: ({ number }) => this.#settle(number),
        mayDeliver: () => heldLease.mayDeliver(),
        failed: (failure) => emit('processingFailed', { shardId: lease.shardId, ...failure }),
        letGo: (record, cause) => letRecordGo(parts, record, { done: () => undefined, ...cause }),
      },
    });
  }

  get handedOver(): RecordPosition | undefined {
    return this.#handedOver;
  }

  get resolved(): RecordPosition | undefined {
    return this.#watermark.position;
  }

  get isBusy(): boolean {
    return this.#watermark.ahead > 0;
  }

  async take(records: readonly UserRecord[], _before: unknown, done: () => void): Promise<'taken' | 'aborted'> {
    const { settings, reading } = this.#parts;
    const { maxAhead } = settings.concurrency;
    const mayGoOn = (): boolean => reading.aborted || this.#watermark.ahead < maxAhead;
    for (const record of records) {
      if (!mayGoOn()) await this.#dispatcher.until(mayGoOn);
      if (reading.aborted) return 'aborted';
      this.#add(record);
    }
    // Before, some of them are not even taken; and all of them may be settled by now.
    this.#taken.push({ last: records.at(-1), done });
    this.#release();
    return 'taken';
  }

  letGo(record: UserRecord, _before: Checkpoint, cause: LostCause): Promise<'taken' | 'aborted'> {
    this.#add(record, cause);
    return Promise.resolve('taken');
  }

  settled(): Promise<void> {
    return this.#dispatcher.settled();
  }

  #add(record: UserRecord, lost?: LostCause): void {
    const { sequenceNumber, subSequenceNumber } = record;
    this.#dispatcher.add({ record, number: this.#watermark.take({ sequenceNumber, subSequenceNumber }) }, lost);
  }

  /** Reaches the user's code before its first await: the lease was found ours in this very turn. */
  async #deliver(record: UserRecord, attempt: number): Promise<void> {
    const { settings, watchdog, lease, signal, lag } = this.#parts;
    const { emit, clock } = settings;
    const startedAtMs = clock.now();
    const millisBehindLatest = lag.atLastRead;
    const byteCount = record.data.byteLength;
    this.#noteHandedOver(record);
    const input = { record, attempt, millisBehindLatest, signal: signal.forUsers, lease };
    await watchdog.userCall('processRecord', () => this.#processor.processRecord(input), 1);
    const durationMs = clock.now() - startedAtMs;
    emit('recordsProcessed', { shardId: lease.shardId, recordCount: 1, byteCount, millisBehindLatest, durationMs });
  }

  /** The position alone: a record keeps the bytes of a whole page alive. */
  #noteHandedOver({ sequenceNumber, subSequenceNumber }: RecordPosition): void {
    const position = { sequenceNumber, subSequenceNumber };
    if (this.#handedOver === undefined || comparePositions(this.#handedOver, position) < 0) this.#handedOver = position;
  }

  #settle(number: number): void {
    const { checkpointer, acknowledged } = this.#parts;
    const { ahead } = this.#watermark;
    if (!this.#watermark.settle(number) || this.#watermark.position === undefined) return;
    // Not before: user code must not be able to acknowledge what lies behind an open record.
    checkpointer.deliver(this.#watermark.position);
    checkpointer.acknowledge(this.#watermark.position);
    acknowledged(ahead - this.#watermark.ahead);
    this.#release();
  }

  /** Of batches that the watermark has passed nothing is needed any more. */
  #release(): void {
    const { position } = this.#watermark;
    for (;;) {
      const [{ last, done } = {}] = this.#taken;
      if (position === undefined || last === undefined || comparePositions(position, last) < 0) return;
      this.#taken.shift();
      done?.();
    }
  }
}
