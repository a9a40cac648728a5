import assert from 'node:assert/strict';

/** Source of time. Production uses {@link systemClock}; tests and simulations use `ManualClock`. */
export interface Clock {
  /** Milliseconds since an arbitrary moment, never moving backwards. All deadlines and expiries are measured with it. */
  now(): number;
  /** Milliseconds since the epoch on this machine's wall clock. For people to read; never decides who owns what. */
  wallTime(): number;
  /** Resolves after `delayMs` (0 or more). Rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest that one timer of Node.js can wait; a longer one would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      assert(!Number.isNaN(delayMs), 'a delay must be a number');
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      let timer: NodeJS.Timeout;
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const wait = (restMs: number): void => {
        if (restMs > maxTimerMs) {
          timer = setTimeout(() => wait(restMs - maxTimerMs), maxTimerMs);
          return;
        }
        timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, restMs);
      };
      wait(delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
