import type { Random } from './random';

export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The delay before retry number `attempt` (0 for the first): exponential with full jitter, so that workers that failed
 * together do not come back together. At least half the bound, so that a retry is never immediate.
 */
export function backoffDelayMs(attempt: number, { baseMs, maxMs }: BackoffOptions, random: Random): number {
  const bound = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return bound / 2 + (random.next() * bound) / 2;
}
