import { type AbortSignalLike, backoffDelayMs, isFatal, type Clock, type Logger, type Random } from '@millrace/core';

/** Delays between attempts of a step. */
const stepBackoff = { baseMs: 500, maxMs: 30_000 };

/** How often the lease is asked again while it cannot be proven ours. */
const recheckLeaseMs = 100;

/** From this failure in a row on, a person is called: the log line becomes an error. */
const loudAttempt = 5;

export interface RepeatedStep {
  /** For the log. */
  readonly name: string;
  /** Ends the attempts. */
  readonly signal: AbortSignalLike;
  /** Asked in the same turn as the action, before every attempt; while it says no, nothing is done. */
  readonly mayBegin: () => boolean;
  /** A fault of Millrace's own calls may be beyond mending; the user's code cannot end the worker by an error's code. */
  readonly action: { readonly of: 'millrace' | 'user'; readonly run: () => Promise<void> };
  /** Told of each failure, and of the time since the first one in milliseconds; may abort `signal`. */
  readonly failed?: (failingMs: number) => void;
}

export interface StepContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told why the last attempt failed; `undefined` when one succeeded. */
  readonly setProblem: (problem: string | undefined) => void;
}

/** Runs the step until it succeeds; false when its signal ends it first. Rejects only with what no retry can mend. */
export async function untilDone(step: RepeatedStep, context: StepContext): Promise<boolean> {
  const { name, signal, mayBegin, action } = step;
  const { clock, random, logger, setProblem } = context;
  let failingSinceMs: number | undefined;
  for (let attempt = 1; !isAborted(signal); attempt++) {
    while (!isAborted(signal) && !mayBegin()) await sleepOrAbort(clock, recheckLeaseMs, signal);
    if (isAborted(signal)) return false;
    // No await stands between the check of the lease and this call.
    try {
      await action.run();
      setProblem(undefined);
      return true;
    } catch (error) {
      if (action.of === 'millrace' && isFatal(error)) throw error;
      if (isAborted(signal)) return false;
      setProblem(`${name} fails`);
      const log = attempt < loudAttempt ? 'warn' : 'error';
      logger[log]({ err: error, step: name, attempt }, 'step failed, it will be repeated');
      failingSinceMs ??= clock.now();
      step.failed?.(clock.now() - failingSinceMs);
    }
    await sleepOrAbort(clock, backoffDelayMs(attempt - 1, stepBackoff, random), signal);
  }
  return false;
}

/** False when the sleep was cut short. */
export function sleepOrAbort(clock: Clock, delayMs: number, signal: AbortSignalLike): Promise<boolean> {
  return clock.sleep(delayMs, signal).then(
    () => true,
    () => false,
  );
}

/** Asked anew: time has passed since the loop looked. */
function isAborted(signal: AbortSignalLike): boolean {
  return signal.aborted;
}
