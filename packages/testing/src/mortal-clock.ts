import type { Clock } from '@millrace/core';

/** A worker's view of the test's clock: once the worker is dead, nothing wakes it again. */
export class MortalClock implements Clock {
  readonly #clock: Clock;
  readonly #dead: AbortSignal;

  constructor(clock: Clock, dead: AbortSignal) {
    this.#clock = clock;
    this.#dead = dead;
  }

  now(): number {
    return this.#clock.now();
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const either = signal === undefined ? this.#dead : AbortSignal.any([signal, this.#dead]);
    try {
      await this.#clock.sleep(delayMs, either);
    } finally {
      if (this.#dead.aborted) await never();
    }
  }
}

/** What the dead wait for. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
