import { backoffDelayMs, isFatal, type Clock, type Logger, type Random } from '@millrace/core';
import { sleepOrAbort } from './repeated-step';

/** An error that nobody knows may be over a moment later; what cannot be stored at all must not hold up a stop. */
const lastAttempts = 4;
/** Delays between these. */
const lastBackoff = { baseMs: 250, maxMs: 2_000 };

export interface CheckpointLoopParts {
  readonly intervalMs: number;
  /** When everything that was acknowledged by then was stored last, or was to be. */
  readonly storedAtMs: () => number;
  /** Stores what is acknowledged. */
  readonly flush: () => Promise<void>;
  /** Nothing can be stored any more. */
  readonly gone: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Stores what is acknowledged whenever nothing has done so for an interval, until `signal` aborts; a write under way is
 * waited for. A renewal that carries it comes sooner, as a rule, and makes this write unnecessary.
 */
export async function flushAtInterval(
  { intervalMs, storedAtMs, flush, gone, clock, logger }: CheckpointLoopParts,
  signal: AbortSignal,
): Promise<void> {
  const leftMs = (): number => storedAtMs() + intervalMs - clock.now();
  while (await sleepOrAbort(clock, Math.max(0, leftMs()), signal)) {
    if (leftMs() > 0) continue;
    try {
      await flush();
    } catch (error) {
      if (gone.aborted) return;
      logger.warn({ err: error }, 'checkpoint was not stored, it will be repeated');
    }
  }
}

/**
 * Stores what is acknowledged before the lease is given up: what is not comes again elsewhere. Rejects with the last failure,
 * after some attempts, or when `signal` aborts: the lease is lost, or the write hangs.
 */
export async function flushAtLast(
  flush: () => Promise<void>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await flush();
      return;
    } catch (error) {
      if (attempt === lastAttempts || isFatal(error)) throw error;
      if (!(await sleepOrAbort(clock, backoffDelayMs(attempt - 1, lastBackoff, random), signal))) throw error;
    }
  }
}
