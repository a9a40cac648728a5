import { checkpointAt, type Checkpoint, type RecordPosition } from '@millrace/core';
import type { DeaggregateOptions } from '@millrace/record-deaggregator';
import { BatchDelivery } from './batch-delivery';
import { CarefulDelivery, type CarefulDeliveryParts } from './careful-delivery';
import type { CarefulTurn } from './careful-turn';
import type { Delivery, DeliveryParts } from './delivery';
import { newRecords } from './new-records';
import { RecordDelivery } from './record-delivery';
import { takesSingleRecords, type Processor } from './record-processor';
import { ShardLag } from './shard-lag';
import type { RecordsBatch } from './shard-reading';

export interface ShardDeliveryParts
  extends
    Omit<DeliveryParts, 'millisBehindLatest'>,
    Pick<CarefulDeliveryParts, 'attempted' | 'checkpointIntervalMs' | 'failoverTimeMs' | 'heldLease'> {
  /** Where the shard was left. */
  readonly start: Checkpoint;
  readonly aggregation: DeaggregateOptions;
  readonly carefulTurn: CarefulTurn;
}

/** Takes the batches of one shard apart and brings their records to the user's code, under one lease. */
export class ShardDelivery {
  readonly #parts: ShardDeliveryParts;
  readonly #lag: ShardLag;
  readonly #careful: CarefulDelivery;
  #position: Checkpoint;
  #delivery: Delivery | undefined;

  constructor(parts: ShardDeliveryParts) {
    this.#parts = parts;
    this.#position = parts.start;
    this.#careful = new CarefulDelivery({
      ...{ ...parts, shardId: parts.lease.shardId, turn: parts.carefulTurn },
      ...{ policy: parts.failurePolicy.kind, maxCrashes: parts.retry.maxCrashes },
    });
    this.#lag = new ShardLag(parts.clock, () => this.#delivery?.isBusy === true);
  }

  /** To be called before the first batch. */
  begin(processor: Processor): void {
    const parts = { ...this.#parts, millisBehindLatest: () => this.#lag.atLastRead ?? 0 };
    this.#delivery = takesSingleRecords(processor)
      ? new RecordDelivery(parts, processor)
      : new BatchDelivery(parts, processor);
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

  /** How far behind the tip of the shard it is; `undefined` before the first batch. */
  get millisBehindLatest(): number | undefined {
    return this.#lag.now;
  }

  /** Takes a batch. Resolves once the next one may come, or reading is to end and not all of it was taken. */
  async take(batch: RecordsBatch): Promise<'taken' | 'aborted'> {
    const { aggregation, emit, lease } = this.#parts;
    this.#lag.wasRead(batch.millisBehindLatest);
    const { records, counts } = newRecords(batch.records, this.#position, aggregation);
    if (counts !== undefined) emit('recordsDeaggregated', { shardId: lease.shardId, counts });
    const last = records.at(-1);
    if (last === undefined || this.#delivery === undefined) return 'taken';
    const outcome = await this.#careful.take(records, this.#position, this.#delivery);
    if (outcome === 'aborted') return 'aborted';
    this.#position = checkpointAt(last);
    return 'taken';
  }

  /** Resolves when all that was taken is done with; or, once reading is to end, when no call is under way and none will begin. */
  async settled(): Promise<void> {
    await this.#delivery?.settled();
  }
}
