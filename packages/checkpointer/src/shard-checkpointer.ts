import {
  checkpointAt,
  CheckpointNotStoredError,
  CheckpointOutOfRangeError,
  compareCheckpoints,
  comparePositions,
  isSequenceNumber,
  LeaseLostError,
  SHARD_END,
  type Checkpoint,
  type RecordPosition,
} from '@millrace/core';
import type { CheckpointStore } from './checkpoint-store';

/** What the user's code acknowledges records with. */
export interface Checkpointer {
  /**
   * Acknowledges records, and resolves once that is stored: the next holder of the lease starts after them.
   *
   * Without an argument: every record handed to this processor up to and including the call that this checkpointer came
   * with; in `shutdownRequested` and `shardEnded`, up to the last call of `processRecords` that resolved, or to what came
   * before the record that it named as failed. With a record, or its position: up to and including that record. A
   * position at or before one that is stored already resolves without a write: it is true already. Calls may overlap;
   * they share writes.
   *
   * @throws LeaseLostError the lease is another's; its `stored` says whether the checkpoint may have been stored.
   * @throws CheckpointOutOfRangeError the record was not handed to this processor; nothing was stored.
   * @throws CheckpointNotStoredError the write failed, the lease is still held; call again.
   */
  checkpoint(upTo?: RecordPosition): Promise<void>;
}

/**
 * How far one shard has been delivered, acknowledged and stored, under one lease.
 *
 * Always `stored <= acknowledged <= delivered`. Only the user's code moves `acknowledged` (by a checkpoint, by a resolved
 * batch in automatic mode, or past one record that its failure policy lets go), so no stored checkpoint ever passes a record that
 * was neither acknowledged nor let go.
 */
export class ShardCheckpointer {
  readonly #shardId: string;
  readonly #store: CheckpointStore;
  readonly #blockedMs: () => number | undefined;
  #delivered: RecordPosition | undefined;
  #acknowledged: Checkpoint;
  #stored: Checkpoint;
  /**
   * Records that were let go before everything up to `before` was acknowledged, in their order. Those that follow each
   * other directly are one entry, so that there are no more than calls that nobody has acknowledged.
   */
  readonly #letGo: { readonly before: Checkpoint; readonly position: Checkpoint }[] = [];
  #lastWrite: Promise<void> = Promise.resolve();

  constructor({
    shardId,
    start,
    store,
    blockedMs = () => undefined,
  }: {
    readonly shardId: string;
    /** The checkpoint that the lease had when it was taken. */
    readonly start: Checkpoint;
    readonly store: CheckpointStore;
    /** For how long this process has stood still of late, if that is long enough to cost a lease. */
    readonly blockedMs?: () => number | undefined;
  }) {
    this.#shardId = shardId;
    this.#store = store;
    this.#blockedMs = blockedMs;
    this.#acknowledged = start;
    this.#stored = start;
  }

  /** Up to where the user's code has said that the effects are safe. */
  get acknowledged(): Checkpoint {
    return this.#acknowledged;
  }

  /** Whether records were handed to the user's code that it has not acknowledged. */
  get hasUnacknowledged(): boolean {
    return this.#delivered !== undefined && compareCheckpoints(this.#acknowledged, checkpointAt(this.#delivered)) < 0;
  }

  /** What the lease row is known to say. */
  get stored(): Checkpoint {
    return this.#stored;
  }

  /** What is acknowledged and not known to be stored; `undefined` if that is nothing. */
  get unstored(): Checkpoint | undefined {
    return compareCheckpoints(this.#stored, this.#acknowledged) < 0 ? this.#acknowledged : undefined;
  }

  /**
   * What the next holder of the lease is given again, as far as is known; `undefined` if that is nothing. `last`: the last record that
   * was handed over.
   */
  toBeRedelivered(last = this.#delivered): { readonly after: Checkpoint; readonly upTo: RecordPosition } | undefined {
    const after = this.#stored;
    if (last === undefined || compareCheckpoints(checkpointAt(last), after) <= 0) return undefined;
    // Whatever the caller passes: it is logged, and a record has contents.
    const { sequenceNumber, subSequenceNumber } = last;
    return { after, upTo: { sequenceNumber, subSequenceNumber } };
  }

  /** The lease row says so much by now: another write than those of this checkpointer carried it. */
  noteStored(checkpoint: Checkpoint): void {
    if (compareCheckpoints(this.#stored, checkpoint) < 0) this.#stored = checkpoint;
  }

  /** Records up to `position` are about to be handed to the user's code; they may be acknowledged from now on. */
  deliver(position: RecordPosition): void {
    if (this.#delivered !== undefined && comparePositions(this.#delivered, position) >= 0) return;
    // Not the record itself, which keeps the bytes of a whole page alive.
    const { sequenceNumber, subSequenceNumber } = position;
    this.#delivered = { sequenceNumber, subSequenceNumber };
  }

  /** The checkpointer that stands for what has been delivered by now, without an argument. */
  handle(): Checkpointer {
    return this.handleUpTo(this.#delivered);
  }

  /**
   * The checkpointer for a call without records: without an argument it stands for everything up to `position`;
   * `undefined` for nothing.
   */
  handleUpTo(position: RecordPosition | undefined): Checkpointer {
    return { checkpoint: (upTo) => this.#checkpoint(upTo ?? position) };
  }

  /** Moves `acknowledged` without a write; {@link flush} stores it. */
  acknowledge(position: RecordPosition): void {
    this.#assertDelivered(position);
    this.#advance(checkpointAt(position));
  }

  /**
   * This one record counts as acknowledged, though the user's code has not done so. What comes before it is for that code:
   * `acknowledged` passes the record once it has reached `before`, up to and including the record delivered before it.
   */
  letGo(position: RecordPosition, before: Checkpoint): void {
    this.#assertDelivered(position);
    const last = this.#letGo.at(-1);
    const follows = last !== undefined && compareCheckpoints(last.position, before) === 0;
    if (follows) this.#letGo.pop();
    this.#letGo.push({ before: follows ? last.before : before, position: checkpointAt(position) });
    this.#advance(this.#acknowledged);
  }

  /** Stores what is acknowledged, if it is not yet. Rejects as {@link Checkpointer.checkpoint} does. */
  flush(): Promise<void> {
    return this.#storeUpTo(this.#acknowledged);
  }

  /** Stores shard end. To be called once every record of the shard has been handed over and the user's code is done. */
  finish(): Promise<void> {
    this.#acknowledged = SHARD_END;
    return this.#storeUpTo(SHARD_END);
  }

  #advance(checkpoint: Checkpoint): void {
    if (compareCheckpoints(this.#acknowledged, checkpoint) < 0) this.#acknowledged = checkpoint;
    for (let [next] = this.#letGo; next !== undefined; [next] = this.#letGo) {
      if (compareCheckpoints(this.#acknowledged, next.before) < 0) return;
      this.#letGo.shift();
      if (compareCheckpoints(this.#acknowledged, next.position) < 0) this.#acknowledged = next.position;
    }
  }

  async #checkpoint(upTo: RecordPosition | undefined): Promise<void> {
    // Nothing was delivered yet, and nothing was named: there is nothing to acknowledge.
    if (upTo === undefined) return;
    this.acknowledge(upTo);
    await this.#storeUpTo(checkpointAt(upTo));
  }

  #assertDelivered(position: RecordPosition): void {
    const { sequenceNumber, subSequenceNumber } = position;
    if (
      typeof sequenceNumber !== 'string' ||
      !isSequenceNumber(sequenceNumber) ||
      !Number.isSafeInteger(subSequenceNumber) ||
      subSequenceNumber < 0
    ) {
      throw new CheckpointOutOfRangeError(
        `shard ${this.#shardId}: a checkpoint needs a record or its { sequenceNumber: string of digits, ` +
          `subSequenceNumber: whole number }; got ${JSON.stringify({ sequenceNumber, subSequenceNumber })}`,
      );
    }
    if (this.#delivered === undefined || comparePositions(position, this.#delivered) > 0) {
      const last = this.#delivered;
      throw new CheckpointOutOfRangeError(
        `shard ${this.#shardId}: record ${sequenceNumber}/${String(subSequenceNumber)} was not handed to this processor; ` +
          (last === undefined
            ? 'none was yet'
            : `the last one was ${last.sequenceNumber}/${String(last.subSequenceNumber)}`),
      );
    }
  }

  /** Writes queue up; one that finds its position stored by the write before it has nothing left to do. */
  #storeUpTo(target: Checkpoint): Promise<void> {
    const write = this.#lastWrite.then(() => this.#write(target));
    // The next write must not fail for this one's reason; this one's caller gets the rejection.
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  async #write(target: Checkpoint): Promise<void> {
    if (compareCheckpoints(target, this.#stored) <= 0) return;
    const goal = this.#acknowledged;
    const outcome = await this.#store.checkpoint(goal, target);
    switch (outcome.kind) {
      case 'stored':
        this.noteStored(goal);
        return;
      case 'lost':
        // Of the goal nobody knows.
        if (outcome.stored === 'yes') {
          this.noteStored(target);
          return;
        }
        throw new LeaseLostError(this.#shardId, outcome.stored, { cause: outcome.error, blockedMs: this.#blockedMs() });
      case 'failed':
        throw new CheckpointNotStoredError(
          `shard ${this.#shardId}: the checkpoint failed, and may be stored or not; the lease is still held, so try again`,
          { cause: outcome.error },
        );
    }
  }
}
