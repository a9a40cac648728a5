import { backoffDelayMs, isFatal, type Clock, type Logger, type Random } from '@millrace/core';
import { sleepOrAbort } from './repeated-step';

/** An error that nobody knows may be over a moment later; what cannot be stored at all must not hold up a stop. */
const lastAttempts = 4;
/** Delays between these. */
const lastBackoff = { baseMs: 250, maxMs: 2_000 };

/** When what was acknowledged is to be stored: an interval after that was done last, or once so many records were acknowledged since. */
export class CheckpointSchedule {
  #storedAtMs: number;
  #records = 0;
  #ring: AbortController | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
    private readonly everyRecords: number,
  ) {
    this.#storedAtMs = clock.now();
  }

  /** Everything that was acknowledged by now is stored, or is about to be. */
  stored(): void {
    this.#storedAtMs = this.clock.now();
    this.#records = 0;
  }

  acknowledged(count: number): void {
    this.#records += count;
    if (this.#records >= this.everyRecords) this.#ring?.abort();
  }

  /** Resolves when it is time; with false when `signal` aborts before. */
  async untilDue(signal: AbortSignal): Promise<boolean> {
    for (let leftMs = this.#leftMs(); leftMs > 0 && !signal.aborted; leftMs = this.#leftMs()) {
      this.#ring = new AbortController();
      await sleepOrAbort(this.clock, leftMs, AbortSignal.any([signal, this.#ring.signal]));
    }
    return !signal.aborted;
  }

  #leftMs(): number {
    return this.#records >= this.everyRecords ? 0 : this.#storedAtMs + this.intervalMs - this.clock.now();
  }
}

export interface CheckpointLoopParts {
  readonly schedule: CheckpointSchedule;
  /** Stores what is acknowledged. */
  readonly flush: () => Promise<void>;
  /** Nothing can be stored any more. */
  readonly gone: AbortSignal;
  readonly logger: Logger;
}

/**
 * Stores what is acknowledged whenever that is due, until `signal` aborts; a write under way is waited for. A renewal that
 * carries it comes sooner, as a rule, and makes this write unnecessary.
 */
export async function flushWhenDue(
  { schedule, flush, gone, logger }: CheckpointLoopParts,
  signal: AbortSignal,
): Promise<void> {
  while (await schedule.untilDue(signal)) {
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
