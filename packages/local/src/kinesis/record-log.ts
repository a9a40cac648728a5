import { compareSequenceNumbers } from '@millrace/core';

/** A record as GetRecords answers with it: kept in that form, so that reading copies nothing. */
export interface WireRecord {
  readonly SequenceNumber: string;
  /** Seconds since the epoch, with milliseconds behind the point. */
  readonly ApproximateArrivalTimestamp: number;
  /** Base64, as it came in. */
  readonly Data: string;
  readonly PartitionKey: string;
}

export interface Page {
  readonly records: readonly WireRecord[];
  /** Data and partition keys. */
  readonly bytes: number;
  /** Where the next page starts. */
  readonly nextOrdinal: number;
}

/**
 * The records of one shard, oldest first. A record's *ordinal* counts from the shard's first record and never changes:
 * positions are ordinals, and a trimmed one stands for the trim horizon.
 */
export class RecordLog {
  #records: WireRecord[] = [];
  #sizes: number[] = [];
  /** Trimmed records that are still in the arrays. */
  #trimmed = 0;
  /** Records that were dropped from the arrays. */
  #dropped = 0;

  get firstOrdinal(): number {
    return this.#dropped + this.#trimmed;
  }

  /** The ordinal of the next record. */
  get endOrdinal(): number {
    return this.#dropped + this.#records.length;
  }

  get newest(): WireRecord | undefined {
    return this.#trimmed < this.#records.length ? this.#records.at(-1) : undefined;
  }

  at(ordinal: number): WireRecord | undefined {
    return ordinal < this.firstOrdinal ? undefined : this.#records[ordinal - this.#dropped];
  }

  append(record: WireRecord, bytes: number): void {
    this.#records.push(record);
    this.#sizes.push(bytes);
  }

  /** The first ordinal whose record is at or after the number. */
  ordinalAt(sequenceNumber: string): number {
    return this.#firstWhere((record) => compareSequenceNumbers(record.SequenceNumber, sequenceNumber) >= 0);
  }

  ordinalAfter(sequenceNumber: string): number {
    return this.#firstWhere((record) => compareSequenceNumbers(record.SequenceNumber, sequenceNumber) > 0);
  }

  /** The first ordinal whose record arrived at this moment or later. */
  ordinalAtTime(timestampMs: number): number {
    return this.#firstWhere((record) => arrivalMs(record) >= timestampMs);
  }

  /** As many records as both bounds allow, and at least one if there is one. */
  page(ordinal: number, maxRecords: number, maxBytes: number): Page {
    const start = Math.max(ordinal - this.#dropped, this.#trimmed);
    let end = start;
    let bytes = 0;
    while (end < this.#records.length && end - start < maxRecords) {
      const size = this.#sizes[end] ?? 0;
      if (end > start && bytes + size > maxBytes) break;
      bytes += size;
      end++;
    }
    return { records: this.#records.slice(start, end), bytes, nextOrdinal: this.#dropped + end };
  }

  /** Forgets the records that arrived before this moment. */
  trimBefore(timestampMs: number): void {
    let record = this.#records[this.#trimmed];
    while (record !== undefined && arrivalMs(record) < timestampMs) {
      this.#trimmed++;
      record = this.#records[this.#trimmed];
    }
    // Half of the array at a time, so that trimming costs the same for every record, however many there are.
    if (this.#trimmed * 2 <= this.#records.length) return;
    this.#records = this.#records.slice(this.#trimmed);
    this.#sizes = this.#sizes.slice(this.#trimmed);
    this.#dropped += this.#trimmed;
    this.#trimmed = 0;
  }

  #firstWhere(isAtOrAfter: (record: WireRecord) => boolean): number {
    let low = this.#trimmed;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = this.#records[middle];
      if (record !== undefined && isAtOrAfter(record)) high = middle;
      else low = middle + 1;
    }
    return this.#dropped + low;
  }
}

export function arrivalMs(record: WireRecord): number {
  return Math.round(record.ApproximateArrivalTimestamp * 1000);
}
