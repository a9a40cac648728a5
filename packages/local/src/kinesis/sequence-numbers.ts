/**
 * Sequence numbers of one stream: 56 decimal digits that start with 49, as those of AWS.
 *
 *     49 | shard created (s), 12 digits | number in the stream, 16 | arrival (s), 12 | shard, 10 | 0002
 *
 * All numbers have the same length, so they compare as text, as well as integers. Within a shard the prefix is constant
 * and the number grows. The number is the stream's, and a shard's creation time is never before its parents': so
 * numbers are unique in the stream, and a child begins above the end of its parents.
 */
export class SequenceNumbers {
  #issued = 0;
  #latestCreation = 0;

  /** The constant beginning of a new shard's numbers. */
  prefixFor(createdAtMs: number): string {
    this.#latestCreation = Math.max(this.#latestCreation, Math.floor(createdAtMs / 1000));
    return `49${digits(this.#latestCreation, 12)}`;
  }

  next(prefix: string, arrivedAtMs: number, shardIndex: number): string {
    const number = digits(this.#issued++, 16);
    return `${prefix}${number}${digits(Math.floor(arrivedAtMs / 1000), 12)}${digits(shardIndex, 10)}0002`;
  }
}

/** The index of the shard that issued the number, or `undefined` if this engine can't have issued it. */
export function shardIndexOf(sequenceNumber: string): number | undefined {
  return /^49\d{50}0002$/.test(sequenceNumber) ? Number(sequenceNumber.slice(42, 52)) : undefined;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
