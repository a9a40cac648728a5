import { backoffDelayMs, isFatal, type AbortSignalLike, type Clock, type Logger, type Random } from '@millrace/core';
import { sleepOrAbort } from './repeated-step';

/** An error that nobody knows may be over a moment later; what cannot be stored at all must not hold up a stop. */
const lastAttempts = 4;
/** Delays between these. */
const lastBackoff = { baseMs: 250, maxMs: 2_000 };

export interface CheckpointLoopParts {
  readonly intervalMs: number;
  readonly everyRecords: number;
  /** Something is acknowledged that is not stored. */
  readonly hasUnstored: () => boolean;
  /** Stores what is acknowledged. Must not throw but by its promise. */
  readonly flush: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Stores what is acknowledged: an interval after that was done last, or once so many records were acknowledged since. A renewal that
 * carries it comes sooner, as a rule, and makes this write unnecessary.
 */
export class CheckpointLoop {
  readonly #parts: CheckpointLoopParts;
  #isRunning = false;
  #storedAtMs: number;
  /** Acknowledged since then. */
  #records = 0;
  #isDueAtOnce = false;
  #cancel = (): void => undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: CheckpointLoopParts) {
    this.#parts = parts;
    this.#storedAtMs = parts.clock.now();
  }

  begin(): void {
    this.#isRunning = true;
    this.stored();
    this.#schedule();
  }

  /** Everything that was acknowledged by now is stored, or is about to be. */
  stored(): void {
    this.#storedAtMs = this.#parts.clock.now();
    this.#records = 0;
  }

  acknowledged(count: number): void {
    this.#records += count;
    if (this.#records >= this.#parts.everyRecords && !this.#isDueAtOnce) this.#schedule();
  }

  /** Stores nothing more; a write under way is waited for. */
  async end(): Promise<void> {
    this.#isRunning = false;
    this.#cancel();
    await this.#writing;
  }

  #schedule(): void {
    // After a write under way comes the next one by itself.
    if (!this.#isRunning || this.#writing !== undefined) return;
    this.#cancel();
    const leftMs = this.#leftMs();
    this.#isDueAtOnce = leftMs === 0;
    this.#cancel = this.#parts.clock.after(leftMs, () => this.#look());
  }

  #look(): void {
    this.#isDueAtOnce = false;
    if (!this.#parts.hasUnstored()) this.stored();
    if (this.#leftMs() > 0) this.#schedule();
    else this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    const { flush, logger } = this.#parts;
    try {
      await flush();
    } catch (error) {
      if (this.#isRunning) logger.warn({ err: error }, 'checkpoint was not stored, it will be repeated');
    }
    this.#writing = undefined;
    this.#schedule();
  }

  #leftMs(): number {
    const { everyRecords, intervalMs, clock } = this.#parts;
    return this.#records >= everyRecords ? 0 : Math.max(0, this.#storedAtMs + intervalMs - clock.now());
  }
}

/**
 * Stores what is acknowledged before the lease is given up: what is not comes again elsewhere. Rejects with the last failure,
 * after some attempts, or when `signal` aborts: the lease is lost, or the write hangs.
 */
export async function flushAtLast(
  flush: () => Promise<void>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignalLike,
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
