import { compareSequenceNumbers, ShardUnreadableError, type StartPosition, type StreamRecord } from '@millrace/core';
import type { RecordsPage } from './kinesis-reader';

/** What an answer adds to what has been handed over. */
export interface Advance {
  /** To be handed over now. */
  readonly records: readonly StreamRecord[];
  /** The record that should have come first, when the answer shows that it is no longer in the shard. */
  readonly missing: string | undefined;
}

/**
 * How far a shard has been handed over: from where a new iterator must begin so that nothing is lost or repeated.
 *
 * A new iterator begins at the last record that was handed over, not after it. The record is dropped when it comes
 * again, but that it comes is the proof that none has aged out behind it: Kinesis accepts a sequence number that has
 * aged out and goes on at the trim horizon without a word.
 */
export class ReadPosition {
  readonly #shardId: string;
  readonly #start: StartPosition;
  #lastHandedOver: string | undefined;
  /** What the next record of the shard must be, from a new iterator on until a record has come. */
  #expected: string | undefined;

  constructor(shardId: string, start: StartPosition) {
    this.#shardId = shardId;
    this.#start = start;
  }

  /** Where a new iterator begins: at the start until a record has been handed over, at the last of them from then on. */
  get next(): StartPosition {
    return this.#lastHandedOver === undefined
      ? this.#start
      : { kind: 'at-sequence-number', sequenceNumber: this.#lastHandedOver };
  }

  /** The next answer is that of a new iterator at `next`. */
  iteratorRenewed(): void {
    const { next } = this;
    this.#expected = next.kind === 'at-sequence-number' ? next.sequenceNumber : undefined;
  }

  /**
   * What is new in an answer counts as handed over from now on. The expected record is new at the start, where it may
   * have been acknowledged in part, and is dropped once it was handed over.
   *
   * Throws {@link ShardUnreadableError}, and moves nowhere, unless each record comes after the one before it:
   * delivering out of sequence would break the order of a key, or deliver twice.
   */
  advance({ records, nextIterator }: Pick<RecordsPage, 'records' | 'nextIterator'>): Advance {
    const expected = this.#expected;
    const [first] = records;
    const isTooEarlyToTell = first === undefined && nextIterator !== undefined;
    if (isTooEarlyToTell) return { records, missing: undefined };
    this.#checkSequence(records);
    this.#expected = undefined;
    const isKnown = first !== undefined && first.sequenceNumber === this.#lastHandedOver;
    const added = isKnown ? records.slice(1) : records;
    this.#lastHandedOver = added.at(-1)?.sequenceNumber ?? this.#lastHandedOver;
    return { records: added, missing: first?.sequenceNumber === expected ? undefined : expected };
  }

  #checkSequence(records: readonly StreamRecord[]): void {
    const expected = this.#expected;
    const [first] = records;
    if (first !== undefined && expected !== undefined && compareSequenceNumbers(first.sequenceNumber, expected) < 0) {
      this.#refuse(first.sequenceNumber, `an iterator at ${expected}`);
    }
    let last = expected === undefined ? this.#lastHandedOver : undefined;
    for (const { sequenceNumber } of records) {
      if (last !== undefined && compareSequenceNumbers(sequenceNumber, last) <= 0) this.#refuse(sequenceNumber, last);
      last = sequenceNumber;
    }
  }

  #refuse(sequenceNumber: string, after: string): never {
    throw new ShardUnreadableError(
      this.#shardId,
      `Kinesis answered with record ${sequenceNumber} after ${after}; nothing of that answer was delivered`,
    );
  }
}
