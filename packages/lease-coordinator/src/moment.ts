import type { Clock } from '@millrace/core';

/** This process's two clocks, read together. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Reads both clocks. */
export function readMoment(clock: Clock): Moment {
  return { monotonicMs: clock.now(), wallMs: clock.wallTime() };
}
