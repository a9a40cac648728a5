import { systemClock } from '@millrace/core';

/** One call of user code: at work, but for the time that it waits for virtual time to pass or for a checkpoint. */
export class UserCall {
  #waits = 0;
  #atWorkSinceMs: number | undefined = systemClock.now();

  /** Since when, in real time; `undefined` while it waits. */
  get atWorkSinceMs(): number | undefined {
    return this.#atWorkSinceMs;
  }

  /** The call waits for this; several waits may overlap. */
  async waiting<T>(promise: Promise<T>): Promise<T> {
    this.#waits++;
    this.#atWorkSinceMs = undefined;
    try {
      return await promise;
    } finally {
      this.#waits--;
      if (this.#waits === 0) this.#atWorkSinceMs = systemClock.now();
    }
  }
}
