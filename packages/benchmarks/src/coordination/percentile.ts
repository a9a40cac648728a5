import assert from 'node:assert/strict';

/**
 * By nearest rank: the least of the values that so many of them don't exceed. It always is one of the values, so that p99
 * of fewer than a hundred is the worst.
 *
 * @param share above 0, and 1 at most
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  assert(value !== undefined, 'there are values, and a share of them');
  return value;
}
