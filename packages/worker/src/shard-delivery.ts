import { checkpointAt, type Checkpoint, type RecordPosition } from '@millrace/core';
import { BatchDelivery } from './batch-delivery';
import { CarefulDelivery } from './careful-delivery';
import type { Delivery, DeliveryParts } from './delivery';
import { newRecords } from './new-records';
import { RecordDelivery } from './record-delivery';
import { takesSingleRecords, type Processor } from './record-processor';
import type { RecordsBatch } from './shard-reading';

/** Takes the batches of one shard apart and brings their records to the user's code, under one lease. */
export class ShardDelivery {
  readonly #parts: DeliveryParts;
  readonly #careful: CarefulDelivery;
  #position: Checkpoint;
  #processor: Processor | undefined;
  /** Made for the first records: most shards may have none. */
  #delivery: Delivery | undefined;
  #taking = Promise.resolve();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#position = parts.start;
    this.#careful = new CarefulDelivery(parts);
  }

  /** To be called before the first batch. */
  begin(processor: Processor): void {
    this.#processor = processor;
  }

  /** The last record that was taken, or where the shard was left. */
  get position(): Checkpoint {
    return this.#position;
  }

  /** Why records are held back; `undefined` when none are. */
  get problem(): string | undefined {
    return this.#careful.problem;
  }

  /** The last record that was handed over, where the checkpointer does not know of it. */
  get handedOver(): RecordPosition | undefined {
    return this.#delivery?.handedOver;
  }

  /** What a checkpointer for a call without records stands for. */
  get resolved(): RecordPosition | undefined {
    return this.#delivery?.resolved;
  }

  /** Records were taken that are not done with. */
  get isBusy(): boolean {
    return this.#delivery?.isBusy === true;
  }

  /**
   * Takes a batch. Resolves once the next one may come, or reading is to end and not all of it was taken. Releases its memory
   * when its records are done with.
   */
  take(batch: RecordsBatch, readAtMs: number): Promise<'taken' | 'aborted'> {
    const taking = this.#take(batch, readAtMs);
    this.#taking = taking.then(
      () => undefined,
      () => undefined,
    );
    return taking;
  }

  /** There was nothing to take. */
  nothingRead({ millisBehindLatest }: RecordsBatch, readAtMs: number): void {
    this.#parts.lag.wasRead(millisBehindLatest, readAtMs);
  }

  async #take(batch: RecordsBatch, readAtMs: number): Promise<'taken' | 'aborted'> {
    const { settings, aggregation, lag, lease } = this.#parts;
    lag.wasRead(batch.millisBehindLatest, readAtMs);
    const { records, counts } = newRecords(batch.records, this.#position, aggregation);
    if (counts !== undefined) settings.emit('recordsDeaggregated', { shardId: lease.shardId, counts });
    const last = records.at(-1);
    if (last === undefined || this.#processor === undefined) {
      batch.memory?.release();
      return 'taken';
    }
    growBy(batch, records.length);
    const done = (): void => batch.memory?.release();
    this.#delivery ??= deliveryTo(this.#processor, this.#parts);
    const outcome = await this.#careful.take(records, this.#position, this.#delivery, done);
    if (outcome === 'aborted') return 'aborted';
    this.#position = checkpointAt(last);
    return 'taken';
  }

  /** Resolves when all that was taken is done with; or, once reading is to end, when no call is under way and none will begin. */
  async settled(): Promise<void> {
    await this.#taking;
    await this.#delivery?.settled();
  }
}

function deliveryTo(processor: Processor, parts: DeliveryParts): Delivery {
  return takesSingleRecords(processor) ? new RecordDelivery(parts, processor) : new BatchDelivery(parts, processor);
}

/** What a user record of an aggregate holds beside the data, which is that of the aggregate; measured: 190 bytes. */
const bytesPerUserRecord = 250;

function growBy({ records, memory }: RecordsBatch, userRecords: number): void {
  if (memory !== undefined)
    memory.resize(memory.bytes + Math.max(0, userRecords - records.length) * bytesPerUserRecord);
}
