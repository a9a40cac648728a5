import { describe, expect, it } from '@jest/globals';
import { percentile } from '../../src/coordination/percentile';

const oneTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => last - index);

describe('a percentile', () => {
  it('is the least value that so many do not exceed', () => {
    expect(percentile(oneTo(200), 0.99)).toBe(198);
    expect(percentile(oneTo(201), 0.99)).toBe(199);
    expect(percentile(oneTo(4), 0.5)).toBe(2);
  });

  it('of fewer than a hundred values is the worst for p99', () => {
    expect(percentile(oneTo(99), 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('orders by size, not as text', () => {
    expect(percentile([9, 10, 100], 0.5)).toBe(10);
  });

  it('of nothing there is none', () => {
    expect(() => percentile([], 0.99)).toThrow('there are values');
  });
});
