import process from 'node:process';
import type { StopOptions, StopResult } from './stop-options';

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
 * Stops the worker on SIGTERM and SIGINT as {@link Worker.stop} does with these options. A second signal stops it at once,
 * whatever they say: the user's code is told to abort and not waited for, and the leases of what it has not finished are left
 * to expire. Further ones change nothing. Returns a function that takes the listeners off again; they do not keep the process
 * alive. What was not finished is in `workerStopped`, and in the log.
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
