import type { Clock } from './clock';
import { CallTimeoutError } from './errors';
import { type AbortSignalLike, StopSignal } from './stop-signal';

/**
 * Runs `call` with a signal that aborts after `deadlineMs` or when `signal` does, whichever is first.
 *
 * Rejects with {@link CallTimeoutError} at the deadline, or with the signal's reason, even if `call` ignores its signal. A call that
 * was cut short may still take effect later: the caller must treat the outcome as unknown.
 */
export function withDeadline<T>(
  clock: Clock,
  // Not in the object: whole numbers and fractions would alternate in one of its fields, which V8 is slow at.
  deadlineMs: number,
  { what, signal }: { readonly what: string; readonly signal?: AbortSignalLike | undefined },
  call: (signal: AbortSignalLike) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const attempt = new StopSignal();
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const cutShort = (reason: Error): void => {
      end();
      try {
        attempt.abort(reason);
      } finally {
        // Whatever a listener of the attempt may throw.
        reject(reason);
      }
    };
    const onAbort = (): void => cutShort(signal?.reason as Error);
    const cancel = clock.after(deadlineMs, () => cutShort(new CallTimeoutError(what, deadlineMs)));
    signal?.addEventListener('abort', onAbort, { once: true });
    let called: Promise<T>;
    try {
      called = call(attempt);
    } catch (error) {
      end();
      throw error;
    }
    // What it settles with after it was cut short says nothing new.
    called.then(
      (value) => {
        end();
        resolve(value);
      },
      (thrown: unknown) => {
        const error = thrown as Error;
        end();
        reject(error);
      },
    );
  });
}
