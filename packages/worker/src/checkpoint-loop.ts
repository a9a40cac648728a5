import type { Clock, Logger } from '@millrace/core';
import { sleepOrAbort } from './repeated-step';

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
