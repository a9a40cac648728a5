import { systemClock, type Clock } from '@millrace/core';

/** The system's time, ahead by as much as was asked for. */
export class ShiftedClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  wallTime(): number {
    return systemClock.wallTime() + this.#aheadMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(delayMs, signal);
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}
