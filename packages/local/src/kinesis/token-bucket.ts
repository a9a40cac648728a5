import type { Clock } from '@millrace/core';

/** Refilling is division: what is short by less than this is there. */
const tolerance = 1e-6;

/**
 * A rate limit that lets a burst pass: of one second's worth, unless its capacity is another. It is full at first, and
 * may go into debt. `nowMs` is by the monotonic clock; a caller with many amounts at one moment reads the clock once.
 */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly perSecond: number,
    private readonly capacity: number = perSecond,
  ) {
    this.#tokens = capacity;
    this.#filledAtMs = clock.now();
  }

  /** Whether `amount` may be taken now. More than the bucket can ever hold needs a full bucket. */
  has(amount: number, nowMs?: number): boolean {
    if (this.perSecond === Infinity) return true;
    this.#refill(nowMs);
    return this.#tokens + tolerance >= Math.min(amount, this.capacity);
  }

  take(amount: number, nowMs?: number): void {
    if (this.perSecond === Infinity) return;
    this.#refill(nowMs);
    this.#tokens -= amount;
  }

  /** Takes as much of `amount` as there is. */
  drain(amount: number, nowMs?: number): void {
    if (this.perSecond === Infinity) return;
    this.#refill(nowMs);
    this.#tokens = Math.min(this.#tokens, Math.max(0, this.#tokens - amount));
  }

  /**
   * For an amount that is only known afterwards. More than one second's worth forfeits what was saved up, so that the
   * debt lasts for the whole of `amount / perSecond`: five seconds after 10 MB at 2 MB/s.
   */
  takeAfterwards(amount: number): void {
    this.take(amount);
    if (amount > this.perSecond) this.#tokens = Math.min(this.#tokens, -amount);
  }

  #refill(nowMs = this.clock.now()): void {
    this.#tokens = Math.min(this.capacity, this.#tokens + ((nowMs - this.#filledAtMs) * this.perSecond) / 1000);
    this.#filledAtMs = nowMs;
  }
}
