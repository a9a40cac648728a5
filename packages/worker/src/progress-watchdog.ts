import { type AbortSignalLike, type Clock, type Logger, SmallSet } from '@millrace/core';

export interface ProgressWatchdogParts {
  /** How long there may be silence, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Told of the call of the user's code that has lasted longest, once per stall time. */
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

/** Calls that ended longer ago make way for any other. */
const keptForMs = 1_000;

/** Of the stall time: a timer of ours that is later than this means that the process stood still. */
const stoodStillFrom = 1 / 20;

/** A class, because V8 would come to make objects written out where they are used among those that live long, with all that they hold. */
class Watch {
  constructor(
    /** The last sign of life, or the end of a silence that was announced. */
    public lifeAtMs: number,
    readonly stalled: (stalledMs: number) => void,
  ) {}
}

interface UserCall {
  readonly step: string;
  readonly recordCount: number;
  readonly startedAtMs: number;
  toldAtMs: number;
  /** How long it ran at first, before it let anything else run. */
  heldMs: number;
}

/** A call of the user's code that may have blocked the event loop. */
export interface BusyCall {
  readonly step: string;
  /** That it was given; 0 if it was not called with records. */
  readonly recordCount: number;
  /** For how long it held the thread before it first waited for something. */
  readonly heldMs: number;
}

/**
 * Tells the two ways apart in which one shard may stand still. Millrace's own work that shows no sign of life for the
 * stall time is *stalled*: whoever waits for it waits no longer, and what it settles with later is ignored. A call of the
 * user's code that takes long is *blocked*: that is said, and it goes on for as long as it takes.
 *
 * It wakes no more often than once per stall time unless something is due, and sleeps while there is nothing. What begins
 * meanwhile is due a stall time later at the earliest, so nobody has to wake it.
 *
 * When this process has stood still itself (its event loop was blocked, its machine paused), all silence counts anew: what
 * there was to hear is only dealt with after that.
 */
export class ProgressWatchdog {
  readonly #parts: ProgressWatchdogParts;
  /** Keeps it from waking; `undefined` while nothing is watched. */
  #cancel: (() => void) | undefined;
  #hasEnded = false;
  readonly #watches = new SmallSet<Watch>();
  /** The oldest is the first. */
  readonly #userCalls = new SmallSet<UserCall>();
  /** Of those that ended last the one that held the thread for longest: whoever measures a block asks a moment after it. */
  #ended: { readonly call: UserCall; readonly atMs: number } | undefined;

  constructor(parts: ProgressWatchdogParts) {
    this.#parts = parts;
  }

  /** Which call of the user's code has not settled for a stall time or longer. */
  get problem(): string | undefined {
    const { clock, stallTimeoutMs } = this.#parts;
    const [oldest] = this.#userCalls;
    if (oldest === undefined) return undefined;
    const blockedMs = clock.now() - oldest.startedAtMs;
    if (blockedMs < stallTimeoutMs) return undefined;
    return `${oldest.step} has not settled for ${String(Math.floor(blockedMs / 1_000))} s`;
  }

  /** The call of the user's code that is under way: the oldest of several. */
  get userStep(): string | undefined {
    const [oldest] = this.#userCalls;
    return oldest?.step;
  }

  /** Watches nothing any more. */
  end(): void {
    this.#hasEnded = true;
    this.#cancel?.();
  }

  /**
   * Waits for Millrace's own work, until it stalls or `signal` aborts at the latest. Rejects if the work does before
   * that. Work that is no longer waited for is not cut short by this: abort it by a signal of its own.
   */
  watch<T>(signal: AbortSignalLike, work: (showLife: ShowLife) => Promise<T>): Promise<Watched<T>> {
    // By hand, and not by `Promise.race`: each read of an idle shard comes by here.
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        resolve({ kind: 'aborted' });
        return;
      }
      const { clock } = this.#parts;
      const end = (watched: Watched<T>): void => {
        leave();
        resolve(watched);
      };
      const onAbort = (): void => end({ kind: 'aborted' });
      const watch = new Watch(clock.now(), (stalledMs) => end({ kind: 'stalled', stalledMs }));
      const leave = (): void => {
        this.#watches.delete(watch);
        signal.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error): void => {
        leave();
        reject(error);
      };
      this.#watches.add(watch);
      this.#begin();
      signal.addEventListener('abort', onAbort, { once: true });
      const showLife: ShowLife = (quietMs = 0) => {
        watch.lifeAtMs = clock.now() + quietMs;
      };
      let working: Promise<T>;
      try {
        working = work(showLife);
      } catch (error) {
        leave();
        throw error;
      }
      // What it settles with when it is no longer waited for says nothing new.
      working.then((value) => end({ kind: 'settled', value }), fail);
    });
  }

  /** A call of the user's code that was under way since then, or is: of several the one that held the thread for longest. */
  busySince(sinceMs: number): BusyCall | undefined {
    const calls = [...this.#userCalls];
    if (this.#ended !== undefined && this.#ended.atMs >= sinceMs) calls.push(this.#ended.call);
    // What a call held the thread for before then has nothing to do with it.
    const since = calls.map((call) => (call.startedAtMs + call.heldMs >= sinceMs ? call : { ...call, heldMs: 0 }));
    return since.reduce<UserCall | undefined>(
      (busiest, call) => (busiest !== undefined && busiest.heldMs >= call.heldMs ? busiest : call),
      undefined,
    );
  }

  /** Runs a call of the user's code, in this very turn, and waits for it for as long as it takes. */
  async userCall<T>(step: string, call: () => Promise<T> | T, recordCount = 0): Promise<T> {
    const { clock } = this.#parts;
    const nowMs = clock.now();
    const userCall: UserCall = { step, recordCount, startedAtMs: nowMs, toldAtMs: nowMs, heldMs: 0 };
    this.#userCalls.add(userCall);
    this.#begin();
    try {
      return await this.#held(userCall, call);
    } finally {
      this.#userCalls.delete(userCall);
      this.#noteEnd(userCall);
    }
  }

  #held<T>(userCall: UserCall, call: () => T): T {
    try {
      return call();
    } finally {
      userCall.heldMs = this.#parts.clock.now() - userCall.startedAtMs;
    }
  }

  #noteEnd(call: UserCall): void {
    const atMs = this.#parts.clock.now();
    const ended = this.#ended;
    if (ended !== undefined && ended.call.heldMs > call.heldMs && atMs - ended.atMs < keptForMs) return;
    this.#ended = { call, atMs };
  }

  #begin(): void {
    if (this.#cancel === undefined && !this.#hasEnded) this.#wakeAfter(this.#parts.stallTimeoutMs);
  }

  #wakeAfter(delayMs: number): void {
    const { stallTimeoutMs, clock } = this.#parts;
    const wakeAtMs = clock.now() + delayMs;
    this.#cancel = clock.after(delayMs, () => {
      const nowMs = clock.now();
      if (nowMs - wakeAtMs > stallTimeoutMs * stoodStillFrom) this.#forgive(nowMs);
      this.#look(nowMs);
      this.#cancel = undefined;
      if (this.#hasEnded || (this.#watches.size === 0 && this.#userCalls.size === 0)) return;
      this.#wakeAfter(Math.min(stallTimeoutMs, Math.max(0, this.#dueAtMs() - nowMs)));
    });
  }

  #dueAtMs(): number {
    const lastMs = [...this.#watches].map(({ lifeAtMs }) => lifeAtMs);
    for (const { toldAtMs } of this.#userCalls) lastMs.push(toldAtMs);
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
    // As in `#dueAtMs`, to the last bit: or a timer might find nothing due, and be due again at once.
    const isDue = [...this.#userCalls].some(({ toldAtMs }) => nowMs >= toldAtMs + stallTimeoutMs);
    const [oldest] = this.#userCalls;
    if (!isDue || oldest === undefined) return;
    for (const call of this.#userCalls) call.toldAtMs = nowMs;
    const { step } = oldest;
    const blockedMs = Math.round(nowMs - oldest.startedAtMs);
    logger.warn({ step, blockedMs }, 'record processor has not settled, it is waited for');
    onBlocked({ step, blockedMs });
  }
}
