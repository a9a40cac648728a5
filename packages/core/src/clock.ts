import assert from 'node:assert/strict';
import type { AbortSignalLike } from './stop-signal';

/** Source of time. Production uses {@link systemClock}; tests and simulations use `ManualClock`. */
export interface Clock {
  /** Milliseconds since an arbitrary moment, never moving backwards. All deadlines and expiries are measured with it. */
  now(): number;
  /** Milliseconds since the epoch on this machine's wall clock. For people to read; never decides who owns what. */
  wallTime(): number;
  /** Calls `fire` once, `delayMs` (0 or more) from now and never in this turn, unless what it returns was called before that. */
  after(delayMs: number, fire: () => void): () => void;
  /** Resolves after `delayMs` (0 or more). Rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignalLike): Promise<void>;
}

/** The longest that one timer of Node.js can wait; a longer one would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** How a clock sleeps that can call back. */
export function sleepBy(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal === undefined) {
      clock.after(delayMs, resolve);
      return;
    }
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, fire) => {
    assert(!Number.isNaN(delayMs), 'a delay must be a number');
    if (delayMs > maxTimerMs) return afterLong(delayMs, fire);
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  sleep: (delayMs, signal) => sleepBy(systemClock, delayMs, signal),
};

function afterLong(delayMs: number, fire: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (restMs: number): void => {
    timer = restMs > maxTimerMs ? setTimeout(wait, maxTimerMs, restMs - maxTimerMs) : setTimeout(fire, restMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}
