import type { Clock, Logger } from '@millrace/core';
import { sleepOrAbort } from './repeated-step';

export interface ProgressWatchdogParts {
  /** How long there may be silence, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Told of a call of the user's code that lasts, once per stall time. */
  readonly onBlocked: (event: { readonly step: string; readonly blockedMs: number }) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How a wait for Millrace's own work came out. `stalled`: it has neither settled nor shown a sign of life. */
export type Watched<T> =
  | { readonly kind: 'settled'; readonly value: T }
  | { readonly kind: 'stalled'; readonly stalledMs: number }
  | { readonly kind: 'aborted' };

/** Says that the work is alive, and may be silent for so many milliseconds on purpose before its next step. */
export type ShowLife = (quietMs?: number) => void;

/** Of the stall time: a timer of ours that is later than this means that the process stood still. */
const stoodStillFrom = 1 / 20;

interface Watch {
  /** The last sign of life, or the end of a silence that was announced. */
  lifeAtMs: number;
  stalled: (stalledMs: number) => void;
}

interface UserCall {
  readonly step: string;
  readonly startedAtMs: number;
  toldAtMs: number;
}

/**
 * Tells the two ways apart in which one shard may stand still. Millrace's own work that shows no sign of life for the
 * stall time is *stalled*: whoever waits for it waits no longer, and what it settles with later is ignored. A call of the
 * user's code that takes long is *blocked*: that is said, and it goes on for as long as it takes.
 *
 * One loop, which wakes no more often than once per stall time unless something is due. What begins meanwhile is due
 * a stall time later at the earliest, so nobody has to wake it.
 *
 * When this process has stood still itself (its event loop was blocked, its machine paused), all silence counts anew: what
 * there was to hear is only dealt with after that.
 */
export class ProgressWatchdog {
  readonly #parts: ProgressWatchdogParts;
  readonly #watches = new Set<Watch>();
  #userCall: UserCall | undefined;

  constructor(parts: ProgressWatchdogParts) {
    this.#parts = parts;
  }

  /** Which call of the user's code has not settled for a stall time or longer. */
  get problem(): string | undefined {
    const { clock, stallTimeoutMs } = this.#parts;
    if (this.#userCall === undefined) return undefined;
    const blockedMs = clock.now() - this.#userCall.startedAtMs;
    if (blockedMs < stallTimeoutMs) return undefined;
    return `${this.#userCall.step} has not settled for ${String(Math.floor(blockedMs / 1_000))} s`;
  }

  /** The call of the user's code that is under way. */
  get userStep(): string | undefined {
    return this.#userCall?.step;
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, stallTimeoutMs } = this.#parts;
    while (!signal.aborted) {
      const startedAtMs = clock.now();
      const delayMs = Math.min(stallTimeoutMs, Math.max(0, this.#dueAtMs() - startedAtMs));
      if (!(await sleepOrAbort(clock, delayMs, signal))) return;
      const nowMs = clock.now();
      if (nowMs - startedAtMs - delayMs > stallTimeoutMs * stoodStillFrom) this.#forgive(nowMs);
      this.#look(nowMs);
    }
  }

  /**
   * Waits for Millrace's own work, until it stalls or `signal` aborts at the latest. Rejects if the work does before
   * that. Work that is no longer waited for is not cut short by this: abort it by a signal of its own.
   */
  async watch<T>(signal: AbortSignal, work: (showLife: ShowLife) => Promise<T>): Promise<Watched<T>> {
    if (signal.aborted) return { kind: 'aborted' };
    const { clock } = this.#parts;
    const watch: Watch = { lifeAtMs: clock.now(), stalled: () => undefined };
    let onAbort = (): void => undefined;
    const ended = new Promise<Watched<T>>((resolve) => {
      watch.stalled = (stalledMs) => resolve({ kind: 'stalled', stalledMs });
      onAbort = () => resolve({ kind: 'aborted' });
    });
    const settled = async (): Promise<Watched<T>> => {
      const value = await work((quietMs = 0) => {
        watch.lifeAtMs = clock.now() + quietMs;
      });
      return { kind: 'settled', value };
    };
    this.#watches.add(watch);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // The loser of the race is not awaited, and may reject.
      return await Promise.race([settled(), ended]);
    } finally {
      this.#watches.delete(watch);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Runs a call of the user's code, in this very turn, and waits for it for as long as it takes. */
  async userCall<T>(step: string, call: () => Promise<T> | T): Promise<T> {
    const nowMs = this.#parts.clock.now();
    this.#userCall = { step, startedAtMs: nowMs, toldAtMs: nowMs };
    try {
      return await call();
    } finally {
      this.#userCall = undefined;
    }
  }

  #dueAtMs(): number {
    const lastMs = [...this.#watches].map(({ lifeAtMs }) => lifeAtMs);
    if (this.#userCall !== undefined) lastMs.push(this.#userCall.toldAtMs);
    return Math.min(...lastMs) + this.#parts.stallTimeoutMs;
  }

  #forgive(nowMs: number): void {
    for (const watch of this.#watches) watch.lifeAtMs = Math.max(watch.lifeAtMs, nowMs);
  }

  #look(nowMs: number): void {
    const { stallTimeoutMs, onBlocked, logger } = this.#parts;
    for (const { lifeAtMs, stalled } of [...this.#watches]) {
      if (nowMs >= lifeAtMs + stallTimeoutMs) stalled(Math.round(nowMs - lifeAtMs));
    }
    const call = this.#userCall;
    // As in `#dueAtMs`, to the last bit: or a timer might find nothing due, and be due again at once.
    if (call === undefined || nowMs < call.toldAtMs + stallTimeoutMs) return;
    call.toldAtMs = nowMs;
    const { step } = call;
    const blockedMs = Math.round(nowMs - call.startedAtMs);
    logger.warn({ step, blockedMs }, 'record processor has not settled, it is waited for');
    onBlocked({ step, blockedMs });
  }
}
