import assert from 'node:assert/strict';

/** What is reported of several runs: the middle one, and how far they are apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of one value or more. The median of an even number of values is the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  const [min, max] = [sorted.at(0), sorted.at(-1)];
  assert(min !== undefined && max !== undefined, 'there are values');
  return { median: middle.reduce((sum, value) => sum + value, 0) / middle.length, min, max };
}

/** To four significant digits: more of them would pretend an exactness that no run has. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function median(values: readonly number[]): number {
  return spreadOf(values).median;
}

export function most(values: readonly number[]): number {
  return Math.max(...values);
}

export function least(values: readonly number[]): number {
  return Math.min(...values);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What a row says of several values; of none there is no figure. */
export function figure(
  values: readonly number[] | undefined,
  of: (values: readonly number[]) => number,
): number | null {
  return values === undefined || values.length === 0 ? null : rounded(of(values));
}
