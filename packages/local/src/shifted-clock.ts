import { ConfigError, sleepBy, type AbortSignalLike, type Clock } from '@millrace/core';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
  /** Of the other clock. */
  cancel: () => void;
}

/** What no date and no timer has to be made for. */
const maxShiftMs = 100 * 365.25 * 24 * 3_600_000;

/** Another clock's time, moved ahead at will. What sleeps by it wakes when its time has come, also by a move. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #base: Clock;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#shiftMs;
  }

  wallTime(): number {
    return this.#base.wallTime() + this.#shiftMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer: Timer = { atMs: this.now() + delayMs, fire, cancel: () => undefined };
    this.#start(timer);
    this.#timers.add(timer);
    return () => void this.#take(timer);
  }

  sleep(delayMs: number, signal?: AbortSignalLike): Promise<void> {
    return sleepBy(this, delayMs, signal);
  }

  /**
   * Lets `deltaMs` pass at once, 0 or more, and in all 100 years at most. @throws ConfigError if it is something else;
   * nothing was moved
   */
  shift(deltaMs: number): void {
    if (!(deltaMs >= 0 && this.#shiftMs + deltaMs <= maxShiftMs)) {
      throw new ConfigError([`time passes by 0 ms or more, and by 100 years in all at most, not by ${deltaMs} ms`]);
    }
    this.#shiftMs += deltaMs;
    const nowMs = this.now();
    const timers = [...this.#timers].sort((one, other) => one.atMs - other.atMs);
    for (const timer of timers) {
      timer.cancel();
      if (timer.atMs > nowMs) this.#start(timer);
      else void Promise.resolve().then(() => this.#fire(timer));
    }
  }

  #start(timer: Timer): void {
    timer.cancel = this.#base.after(Math.max(0, timer.atMs - this.now()), () => this.#fire(timer));
  }

  #fire(timer: Timer): void {
    if (this.#take(timer)) timer.fire();
  }

  /** Returns whether it was still to fire. */
  #take(timer: Timer): boolean {
    timer.cancel();
    return this.#timers.delete(timer);
  }
}
