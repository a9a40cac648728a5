import type { Clock } from '@millrace/core';

/** This process's two clocks, read together. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The moment as it is written into rows: whole milliseconds since the epoch. */
export function wholeWallMs({ wallMs }: Moment): number {
  return Math.max(0, Math.floor(wallMs));
}

/** Reads both clocks. */
export function readMoment(clock: Clock): Moment {
  return { monotonicMs: clock.now(), wallMs: clock.wallTime() };
}

/** How much time has passed: the more that either clock says, as one of them stands still while a machine is suspended. */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
}
