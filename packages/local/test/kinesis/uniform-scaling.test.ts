import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  hashKeyFromNumber,
  hashKeyToNumber,
  previousHashKey,
  splitEvenly,
  type HashRange,
} from '../../src/kinesis/hash-key';
import { planUniformScaling } from '../../src/kinesis/uniform-scaling';

interface Range {
  readonly start: bigint;
  readonly end: bigint;
  /** How many shards came one after another in the place of one that was there at first. */
  readonly generation: number;
}

/** Carries a plan out on plain ranges. A step that makes no sense throws. */
function carryOut(current: readonly HashRange[], count: number): readonly Range[] {
  let ranges: readonly Range[] = current.map(({ start, end }) => ({
    start: hashKeyToNumber(start),
    end: hashKeyToNumber(end),
    generation: 0,
  }));
  for (const { kind, key } of planUniformScaling(current, count)) {
    const at = hashKeyToNumber(key);
    const index = ranges.findIndex(({ start, end }) => start <= at && at <= end);
    const [before, range] = [ranges[index - 1], ranges[index]];
    if (range === undefined) throw new Error('outside of all shards');
    if (kind === 'split') {
      if (range.start === at) throw new Error('split where a shard starts already');
      const generation = range.generation + 1;
      const halves = [
        { start: range.start, end: at - 1n, generation },
        { start: at, end: range.end, generation },
      ];
      ranges = [...ranges.slice(0, index), ...halves, ...ranges.slice(index + 1)];
    } else {
      if (before === undefined || range.start !== at) throw new Error('merge where no two shards meet');
      const generation = Math.max(before.generation, range.generation) + 1;
      const merged = { start: before.start, end: range.end, generation };
      ranges = [...ranges.slice(0, index - 1), merged, ...ranges.slice(index + 1)];
    }
  }
  return ranges;
}

/** Adjacent ranges that start at 0 and at the given keys. */
function rangesFrom(starts: readonly bigint[]): readonly HashRange[] {
  const sorted = [...new Set([0n, ...starts])].sort((a, b) => (a < b ? -1 : 1)).map(hashKeyFromNumber);
  return sorted.map((start, index) => {
    const next = sorted[index + 1];
    return { start, end: next === undefined ? 'f'.repeat(32) : previousHashKey(next) };
  });
}

const start = fc.bigInt({ min: 1n, max: (1n << 128n) - 1n });
const crowded = fc.bigInt({ min: 1n, max: 50n });

describe('a plan of uniform scaling', () => {
  it('ends in even shards, whatever there was before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(start, crowded), { maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        (starts, count) => {
          const ranges = carryOut(rangesFrom(starts), count);
          expect(ranges).toHaveLength(count);
          expect(ranges[0]?.start).toBe(0n);
          expect(ranges.at(-1)?.end).toBe((1n << 128n) - 1n);
          const width = (1n << 128n) / BigInt(count);
          for (const range of ranges) {
            const difference = range.end - range.start + 1n - width;
            expect(difference < 0n ? -difference : difference).toBeLessThanOrEqual(
              BigInt(2 * Math.max(count, starts.length + 1) + 2),
            );
          }
        },
      ),
    );
  });

  it('is only splits to a multiple, and only merges to a divisor', () => {
    for (let count = 1; count <= 40; count++) {
      const double = planUniformScaling(splitEvenly(count), 2 * count);
      expect(double).toHaveLength(count);
      expect(double.every((step) => step.kind === 'split')).toBe(true);
      const half = planUniformScaling(splitEvenly(2 * count), count);
      expect(half).toHaveLength(count);
      expect(half.every((step) => step.kind === 'merge')).toBe(true);
      expect(planUniformScaling(splitEvenly(count), count)).toEqual([]);
    }
  });

  it('needs few generations, also from one wide shard or many narrow ones', () => {
    const narrow = rangesFrom(Array.from({ length: 999 }, (_, index) => BigInt(index + 1)));
    const generations = carryOut(narrow, 1000).map((range) => range.generation);
    expect(Math.max(...generations)).toBeLessThanOrEqual(24);
  });
});
