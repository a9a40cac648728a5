import type { Clock } from '@millrace/core';

/** A sleep that can be cut short, for a loop that runs at times and when called. Rung while nobody waits, it is kept. */
export class Alarm {
  #hasRung = false;
  #wake: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** Resolves after `delayMs`, or as soon as the alarm rings. One waiter at a time. */
  wait(delayMs: number): Promise<void> {
    if (this.#hasRung) {
      this.#hasRung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.clock.after(Math.max(0, delayMs), wake);
      this.#wake = wake;
    });
  }

  ring(): void {
    if (this.#wake === undefined) this.#hasRung = true;
    else this.#wake();
  }
}
