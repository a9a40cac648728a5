import type { Clock } from '@millrace/core';
import type { KinesisLimits } from './limits';
import { TokenBucket } from './token-bucket';

type WriteLimits = Pick<KinesisLimits, 'writeBurstMs' | 'writeBytesPerSecond' | 'writeRecordsPerSecond'>;

/**
 * How much may be written to a shard. A record of up to one second's worth of bytes takes from a bucket of that size. A
 * larger one takes from a second bucket, the burst, which every write drains and which fills no faster: so that the shard
 * averages out to its rate, and small records can go on soon after a large one.
 */
export class WriteBudget {
  readonly #records: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #burst: TokenBucket;

  constructor(
    clock: Clock,
    private readonly limits: WriteLimits,
  ) {
    const { writeRecordsPerSecond, writeBytesPerSecond, writeBurstMs } = limits;
    const burstBytes = (writeBytesPerSecond * Math.max(1000, writeBurstMs)) / 1000;
    this.#records = new TokenBucket(clock, writeRecordsPerSecond);
    this.#bytes = new TokenBucket(clock, writeBytesPerSecond);
    this.#burst = new TokenBucket(clock, writeBytesPerSecond, burstBytes);
  }

  /** Takes what a record of this size costs, or, if there isn't enough, takes nothing and says which limit is in the way. */
  take(bytes: number, nowMs: number): string | undefined {
    const { writeRecordsPerSecond, writeBytesPerSecond } = this.limits;
    if (!this.#records.has(1, nowMs)) return `${writeRecordsPerSecond} records written per second and shard`;
    const isLarge = bytes > writeBytesPerSecond;
    if (!(isLarge ? this.#burst : this.#bytes).has(bytes, nowMs)) {
      return `${writeBytesPerSecond} bytes written per second and shard`;
    }
    this.#records.take(1, nowMs);
    this.#burst.take(bytes, nowMs);
    this.#bytes.drain(bytes, nowMs);
    return undefined;
  }
}
