import type { Clock } from './clock';
import { CallTimeoutError } from './errors';

/** Made once: every call has a timer to abort, and an abort without a reason makes an error with a stack. */
const callEnded = new Error('the call has ended before its deadline');

/**
 * Runs `call` with a signal that aborts after `deadlineMs` or when `signal` does, whichever is first.
 *
 * Rejects with {@link CallTimeoutError} at the deadline even if `call` ignores its signal. A call that was cut short
 * may still take effect later: the caller must treat the outcome as unknown.
 */
export async function withDeadline<T>(
  clock: Clock,
  { deadlineMs, what, signal }: { readonly deadlineMs: number; readonly what: string; readonly signal?: AbortSignal },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const timer = new AbortController();
  const stop = (): void => {
    attempt.abort(signal?.reason);
    timer.abort(signal?.reason);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const expiry = clock.sleep(deadlineMs, timer.signal).then(() => {
    const error = new CallTimeoutError(what, deadlineMs);
    attempt.abort(error);
    throw error;
  });
  try {
    return await Promise.race([call(attempt.signal), expiry]);
  } catch (error) {
    // A call that is cut short rejects in its own words, and may be quicker with them than the race.
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', stop);
    timer.abort(callEnded);
    // The loser of the race is not awaited: its rejection is expected and says nothing new.
    expiry.catch(() => undefined);
  }
}
