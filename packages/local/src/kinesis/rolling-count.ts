import type { Clock } from '@millrace/core';

const dayMs = 86_400_000;

/** A limit on how often something may happen in any 24 hours. It remembers no more moments than the limit has. */
export class RollingCount {
  /** By the monotonic clock, oldest first. */
  #moments: number[] = [];

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly perDay: number,
  ) {}

  /** Whether it may happen once more. */
  get hasRoom(): boolean {
    const dayAgoMs = this.clock.now() - dayMs;
    this.#moments = this.#moments.filter((momentMs) => momentMs > dayAgoMs);
    return this.#moments.length < this.perDay;
  }

  count(): void {
    if (this.perDay !== Infinity) this.#moments.push(this.clock.now());
  }
}
