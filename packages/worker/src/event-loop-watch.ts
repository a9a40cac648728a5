import type { Clock, Logger } from '@millrace/core';

export interface EventLoopWatchParts {
  readonly failoverTimeMs: number;
  /** Told of a block; returns what the log is to say of it. */
  readonly onBlocked: (event: { readonly blockedMs: number }) => object;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often is looked: each tenth of the failover time, and at least so often. */
const maxIntervalMs = 500;

/** Of the failover time: a block of so long is told. It is the time that the user's code has from `signal` to the deadline. */
const tellFrom = 1 / 10;

/** Of the failover time: a block of so long can cost a lease. */
const costsFrom = 1 / 2;

/** The log says it again after this long at the earliest. */
const logEveryMs = 60_000;

/** For how long a delay is remembered. */
const rememberMs = 60_000;

const advice =
  'renewals run on this thread, and a lease is lost when it stands still for half of the failover time: move synchronous ' +
  'work to a worker thread or cut it up, give the process more CPU, or raise leases.failoverTimeMs';

/**
 * Measures how late timers fire in this process: synchronous work, garbage collection, a throttled CPU and a paused
 * machine all delay renewals, and none of them shows anywhere else.
 */
export class EventLoopWatch {
  readonly #parts: EventLoopWatchParts;
  readonly #intervalMs: number;
  readonly #marginMs: number;
  /** Of the last minute, each greater than all that came after it: the first is the greatest. */
  readonly #delays: { readonly atMs: number; readonly delayMs: number }[] = [];
  #loggedAtMs = -Infinity;
  /** When the timer that is running is due. */
  #dueAtMs = Infinity;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: EventLoopWatchParts) {
    const { failoverTimeMs } = parts;
    this.#parts = parts;
    this.#marginMs = Math.ceil(failoverTimeMs * tellFrom);
    this.#intervalMs = Math.min(maxIntervalMs, this.#marginMs);
  }

  /** How late a timer was at most, within the last minute, in whole milliseconds. */
  get greatestDelayMs(): number {
    const sinceMs = this.#parts.clock.now() - rememberMs;
    while (this.#delays[0] !== undefined && this.#delays[0].atMs < sinceMs) this.#delays.shift();
    return Math.round(this.#delays[0]?.delayMs ?? 0);
  }

  /**
   * How long the thread has stood still at most within the last failover time, also if it has not come to measure that yet;
   * `undefined` if that is too short to cost a lease.
   */
  get costlyBlockMs(): number | undefined {
    const { clock, failoverTimeMs } = this.#parts;
    const nowMs = clock.now();
    // The greatest comes first, and may be too old.
    const recent = this.#delays.find(({ atMs }) => atMs >= nowMs - failoverTimeMs)?.delayMs ?? 0;
    const blockedMs = Math.round(Math.max(recent, nowMs - this.#dueAtMs));
    return blockedMs >= failoverTimeMs * costsFrom ? blockedMs : undefined;
  }

  /** Measures while `work` is under way, and settles as it does. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#startTimer();
    try {
      return await work();
    } finally {
      this.#cancelTimer();
      this.#dueAtMs = Infinity;
    }
  }

  #startTimer(): void {
    const { clock } = this.#parts;
    this.#dueAtMs = clock.now() + this.#intervalMs;
    this.#cancelTimer = clock.after(this.#intervalMs, () => {
      const nowMs = clock.now();
      this.#note(nowMs, Math.max(0, nowMs - this.#dueAtMs));
      this.#startTimer();
    });
  }

  #note(atMs: number, delayMs: number): void {
    while ((this.#delays.at(-1)?.delayMs ?? Infinity) <= delayMs) this.#delays.pop();
    this.#delays.push({ atMs, delayMs });
    if (delayMs < this.#marginMs) return;
    const { logger, onBlocked } = this.#parts;
    const blockedMs = Math.round(delayMs);
    const isRepeated = atMs - this.#loggedAtMs < logEveryMs;
    if (!isRepeated) this.#loggedAtMs = atMs;
    const more = onBlocked({ blockedMs });
    if (isRepeated) logger.debug({ blockedMs, ...more }, 'event loop was blocked');
    else logger.warn({ blockedMs, ...more, advice }, 'event loop was blocked');
  }
}
