import { type AbortSignalLike, CallTimeoutError, StopSignal } from '@millrace/core';
import type { ProgressWatchdog } from './progress-watchdog';

export interface WatchedStepParts {
  /** For errors and the log. */
  readonly name: string;
  readonly watchdog: ProgressWatchdog;
  /** Ends the wait at once. */
  readonly ended: AbortSignalLike;
  /** Told how often the step has stalled by now, and for how long this time. */
  readonly stalled: (event: { readonly count: number; readonly stalledMs: number }) => void;
}

/**
 * A step of Millrace's own, to be run any number of times. Its signal aborts at its end. When it stalls it is left to itself, and the
 * run rejects with `CallTimeoutError`, as it does when `ended` aborts.
 */
export function watchedStep(
  { name, watchdog, ended, stalled }: WatchedStepParts,
  run: (signal: AbortSignalLike) => Promise<void>,
): () => Promise<void> {
  let count = 0;
  return async () => {
    const left = new StopSignal();
    const outcome = await watchdog.watch(ended, () => run(left)).finally(() => left.abort());
    if (outcome.kind === 'settled') return;
    const stalledMs = outcome.kind === 'stalled' ? outcome.stalledMs : 0;
    if (outcome.kind === 'stalled') stalled({ count: ++count, stalledMs });
    throw new CallTimeoutError(name, stalledMs);
  };
}
