import type { Clock } from '@millrace/core';

/** Refilling is division: what is short by less than this is there. */
const tolerance = 1e-6;

/** A rate limit that lets a burst of one second's worth pass. It is full at first, and may go into debt. */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly perSecond: number,
  ) {
    this.#tokens = perSecond;
    this.#filledAtMs = clock.now();
  }

  /** Whether `amount` may be taken now. More than the bucket can ever hold needs a full bucket. */
  has(amount: number): boolean {
    if (this.perSecond === Infinity) return true;
    this.#refill();
    return this.#tokens + tolerance >= Math.min(amount, this.perSecond);
  }

  take(amount: number): void {
    if (this.perSecond === Infinity) return;
    this.#refill();
    this.#tokens -= amount;
  }

  /**
   * For an amount that is only known afterwards. More than one second's worth forfeits what was saved up, so that the
   * debt lasts for the whole of `amount / perSecond`: five seconds after 10 MB at 2 MB/s.
   */
  takeAfterwards(amount: number): void {
    this.take(amount);
    if (amount > this.perSecond) this.#tokens = Math.min(this.#tokens, -amount);
  }

  #refill(): void {
    const nowMs = this.clock.now();
    this.#tokens = Math.min(this.perSecond, this.#tokens + ((nowMs - this.#filledAtMs) * this.perSecond) / 1000);
    this.#filledAtMs = nowMs;
  }
}
