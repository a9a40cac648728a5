import type { RecordPosition } from '@millrace/core';

interface Entry {
  readonly position: RecordPosition;
  isSettled: boolean;
}

/** So many entries that are done with are kept at least: to take them out one by one would move all others each time. */
const keptAtLeast = 1_024;

/**
 * Up to where everything is settled, of records that settle in any order.
 *
 * Records are taken in sequence, and count from 0. The watermark is the last one before which none is open, itself included; it
 * only rises. Memory is for what lies between it and the last record taken.
 */
export class LowWatermark {
  readonly #entries: Entry[] = [];
  /** The number of the first entry that is kept. */
  #offset = 0;
  /** The number of the first record that is not settled, or of the next one. */
  #open = 0;
  #position: RecordPosition | undefined;

  /** The last record up to and including which all are settled; `undefined`: not even the first one is. */
  get position(): RecordPosition | undefined {
    return this.#position;
  }

  /** How many records were taken that the watermark has not passed; some of them may be settled. */
  get ahead(): number {
    return this.#offset + this.#entries.length - this.#open;
  }

  /** Takes the next record, which must lie behind all before it. Returns its number. */
  take(position: RecordPosition): number {
    this.#entries.push({ position, isSettled: false });
    return this.#offset + this.#entries.length - 1;
  }

  /** The record with this number is done with. Returns whether the watermark has risen. */
  settle(number: number): boolean {
    const entry = this.#entries[number - this.#offset];
    if (entry !== undefined) entry.isSettled = true;
    if (number !== this.#open) return false;
    let next = entry;
    while (next?.isSettled === true) {
      this.#position = next.position;
      next = this.#entries[++this.#open - this.#offset];
    }
    this.#forget();
    return true;
  }

  #forget(): void {
    const count = this.#open - this.#offset;
    if (count < keptAtLeast || count * 2 < this.#entries.length) return;
    this.#entries.splice(0, count);
    this.#offset = this.#open;
  }
}
