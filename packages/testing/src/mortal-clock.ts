import { sleepBy, type AbortSignalLike, type Clock } from '@millrace/core';

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

  after(delayMs: number, fire: () => void): () => void {
    return this.#clock.after(delayMs, () => {
      if (!this.#dead.aborted) fire();
    });
  }

  async sleep(delayMs: number, signal?: AbortSignalLike): Promise<void> {
    try {
      await sleepBy(this, delayMs, signal);
    } finally {
      if (this.#dead.aborted) await never();
    }
  }
}

/** What the dead wait for. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
