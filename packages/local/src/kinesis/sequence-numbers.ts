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

  /** The numbers of a new shard. */
  ofShard(createdAtMs: number, shardIndex: number): ShardNumbers {
    this.#latestCreation = Math.max(this.#latestCreation, Math.floor(createdAtMs / 1000));
    return new ShardNumbers(`49${digits(this.#latestCreation, 12)}`, shardIndex, () => this.#issued++);
  }
}

/** See {@link SequenceNumbers}. */
export class ShardNumbers {
  #second = -1;
  /** All behind the number, for that second. */
  #suffix = '';

  constructor(
    private readonly prefix: string,
    private readonly shardIndex: number,
    private readonly nextInStream: () => number,
  ) {}

  next(arrivedAtMs: number): string {
    const second = Math.floor(arrivedAtMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#suffix = `${digits(second, 12)}${digits(this.shardIndex, 10)}0002`;
    }
    return `${this.prefix}${digits(this.nextInStream(), 16)}${this.#suffix}`;
  }
}

/** The index of the shard that issued the number, or `undefined` if this engine can't have issued it. */
export function shardIndexOf(sequenceNumber: string): number | undefined {
  return /^49\d{50}0002$/.test(sequenceNumber) ? Number(sequenceNumber.slice(42, 52)) : undefined;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
