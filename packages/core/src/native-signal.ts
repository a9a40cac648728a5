import type { AbortSignalLike } from './stop-signal';

/**
 * The same as a signal of Node's own, for code that may take no other. `signal` keeps it until it aborts: one that lives long should be
 * asked once.
 */
export function nativeSignal(signal: AbortSignalLike): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return controller.signal;
}
