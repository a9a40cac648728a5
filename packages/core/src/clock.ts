/** Source of time. Production uses {@link systemClock}; tests and simulations use `ManualClock`. */
export interface Clock {
  /** Milliseconds since an arbitrary moment, never moving backwards. All deadlines and expiries are measured with it. */
  now(): number;
  /** Milliseconds since the epoch on this machine's wall clock. For people to read; never decides who owns what. */
  wallTime(): number;
  /** Resolves after `delayMs` (0 or more). Rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
