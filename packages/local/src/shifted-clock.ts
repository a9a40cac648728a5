import { ConfigError, type Clock } from '@millrace/core';

/** What no date and no timer has to be made for. */
const maxShiftMs = 100 * 365.25 * 24 * 3_600_000;

/** Another clock's time, moved ahead at will. What sleeps by it wakes when its time has come, also by a move. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;
  #moved = new AbortController();
  readonly #base: Clock;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#shiftMs;
  }

  wallTime(): number {
    return this.#base.wallTime() + this.#shiftMs;
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const wakeAtMs = this.now() + delayMs;
    for (;;) {
      const moved = this.#moved.signal;
      const woken = signal === undefined ? moved : AbortSignal.any([signal, moved]);
      try {
        await this.#base.sleep(Math.max(0, wakeAtMs - this.now()), woken);
        return;
      } catch (error) {
        if (signal?.aborted === true || !moved.aborted) throw error;
        if (this.now() >= wakeAtMs) return;
      }
    }
  }

  /**
   * Lets `deltaMs` pass at once, 0 or more, and in all 100 years at most. @throws ConfigError if it is something else;
   * nothing was moved
   */
  shift(deltaMs: number): void {
    if (!(deltaMs >= 0 && this.#shiftMs + deltaMs <= maxShiftMs)) {
      throw new ConfigError([`time passes by 0 ms or more, and by 100 years in all at most, not by ${deltaMs} ms`]);
    }
    this.#shiftMs += deltaMs;
    const moved = this.#moved;
    this.#moved = new AbortController();
    moved.abort();
  }
}
