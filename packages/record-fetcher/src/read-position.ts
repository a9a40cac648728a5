import { compareSequenceNumbers, ShardUnreadableError, type StartPosition, type StreamRecord } from '@millrace/core';
import type { IteratorPosition } from './kinesis-reader';

/** How far a shard has been handed over: from where a new iterator must begin so that nothing is lost or repeated. */
export class ReadPosition {
  readonly #shardId: string;
  readonly #start: StartPosition;
  #lastHandedOver: string | undefined;

  constructor(shardId: string, start: StartPosition) {
    this.#shardId = shardId;
    this.#start = start;
  }

  /**
   * The start itself until a record has been handed over: after `at-sequence-number` that record, which may have been
   * acknowledged in part, is still wanted.
   */
  get next(): IteratorPosition {
    return this.#lastHandedOver === undefined
      ? this.#start
      : { kind: 'after-sequence-number', sequenceNumber: this.#lastHandedOver };
  }

  /**
   * The sequence number at which the shard was to be read from, if `records`, the next ones of the shard, show that it
   * is no longer there.
   */
  startMissingFrom(records: readonly StreamRecord[]): string | undefined {
    if (this.#lastHandedOver !== undefined || this.#start.kind !== 'at-sequence-number') return undefined;
    return records[0]?.sequenceNumber === this.#start.sequenceNumber ? undefined : this.#start.sequenceNumber;
  }

  /**
   * `records` are handed over now. Throws {@link ShardUnreadableError}, and moves nowhere, unless each comes after the
   * one before it: delivering out of sequence would break the order of a key, or deliver twice.
   */
  advance(records: readonly StreamRecord[]): void {
    let last = this.#lastHandedOver;
    if (last === undefined && this.#start.kind === 'at-sequence-number') {
      const [first] = records;
      if (first !== undefined && compareSequenceNumbers(first.sequenceNumber, this.#start.sequenceNumber) < 0) {
        this.#refuse(first.sequenceNumber, `the start ${this.#start.sequenceNumber}`);
      }
    }
    for (const { sequenceNumber } of records) {
      if (last !== undefined && compareSequenceNumbers(sequenceNumber, last) <= 0) this.#refuse(sequenceNumber, last);
      last = sequenceNumber;
    }
    this.#lastHandedOver = last;
  }

  #refuse(sequenceNumber: string, after: string): never {
    throw new ShardUnreadableError(
      this.#shardId,
      `Kinesis answered with record ${sequenceNumber} after ${after}; nothing of that answer was delivered`,
    );
  }
}
