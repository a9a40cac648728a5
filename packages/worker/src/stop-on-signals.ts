import process from 'node:process';
import type { StopOptions, StopResult } from './worker';

/** What {@link stopOnSignals} needs of a worker. */
export interface Stoppable {
  stop(options?: StopOptions): Promise<StopResult>;
}

/** The part of `process` that is used. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

/**
 * Stops the worker cleanly on SIGTERM and SIGINT. A second signal stops it at once: the user's code is told to abort, and
 * the leases of what it has not finished are left to expire. Returns a function that takes the listeners off again; they
 * do not keep the process alive.
 */
export function stopOnSignals(
  worker: Stoppable,
  options: StopOptions = {},
  source: SignalSource = process,
): () => void {
  let asked = false;
  const onSignal = (): void => {
    void worker.stop(asked ? { timeoutMs: 0 } : options);
    asked = true;
  };
  source.on('SIGTERM', onSignal);
  source.on('SIGINT', onSignal);
  return () => {
    source.off('SIGTERM', onSignal);
    source.off('SIGINT', onSignal);
  };
}
