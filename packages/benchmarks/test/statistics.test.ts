import { describe, expect, it } from '@jest/globals';
import { rounded, spreadOf } from '../src/statistics';

describe('the spread of several values', () => {
  it('has the one in the middle, in the order of size', () => {
    expect(spreadOf([100, 9, 20])).toEqual({ median: 20, min: 9, max: 100 });
  });

  it('has the mean of the two in the middle if there are two', () => {
    expect(spreadOf([40, 1, 10, 20])).toEqual({ median: 15, min: 1, max: 40 });
  });

  it('of one value is that value', () => {
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    spreadOf(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('does not exist without a value', () => {
    expect(() => spreadOf([])).toThrow('there are values');
  });
});

describe('a rounded figure', () => {
  it.each([
    [54_321.9, 54_320],
    [0.0123456, 0.01235],
    [12, 12],
  ])('has four significant digits: %d', (value, expected) => {
    expect(rounded(value)).toBe(expected);
  });
});
