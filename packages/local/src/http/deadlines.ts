import { systemClock } from '@millrace/core';

interface Pending {
  readonly dueAtMs: number;
  readonly expire: () => void;
}

/**
 * One time limit for many promises, with one timer: all have the same limit, so they come due in the order in which they
 * began. Sockets are real, and so is the time that they are given.
 */
export class Deadlines {
  readonly #limitMs: number;
  /** Oldest first. */
  readonly #pending = new Set<Pending>();
  readonly #closing = new AbortController();
  #isWatching = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** The promise's value, or `undefined` if it takes longer than the limit. */
  within<T extends object>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const pending = { dueAtMs: systemClock.now() + this.#limitMs, expire: () => resolve(undefined) };
      this.#pending.add(pending);
      if (!this.#isWatching) void this.#watch();
      promise.then(resolve, reject).finally(() => this.#pending.delete(pending));
    });
  }

  /** Leaves no timer behind. What is pending stays as it is. */
  close(): void {
    this.#closing.abort();
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    for (;;) {
      const [oldest] = this.#pending;
      if (oldest === undefined || this.#closing.signal.aborted) break;
      const restMs = oldest.dueAtMs - systemClock.now();
      if (restMs <= 0) {
        this.#pending.delete(oldest);
        oldest.expire();
      } else {
        await systemClock.sleep(restMs, this.#closing.signal).catch(() => undefined);
      }
    }
    this.#isWatching = false;
  }
}
