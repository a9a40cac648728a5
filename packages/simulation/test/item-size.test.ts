import { describe, expect, it } from '@jest/globals';
import { itemSize, readUnits, writeUnits } from '../src/item-size';

describe('the size of an item', () => {
  it('is that of names and values, numbers by their significant digits', () => {
    expect(itemSize({ leaseKey: { S: 'shard-1' } })).toBe(15);
    expect(itemSize({ n: { N: '12345' } })).toBe(1 + 3 + 1);
    expect(itemSize({ n: { N: '12000' } })).toBe(1 + 1 + 1);
    expect(itemSize({ b: { BOOL: true }, set: { SS: ['ab', 'cde'] } })).toBe(2 + 3 + 5);
  });

  it('counts what documents need of their own', () => {
    const metrics = { M: { C: { L: [{ N: '0' }] } } };
    // The map, its element, the list in it, and that list's element.
    expect(itemSize({ sts: metrics })).toBe(3 + 3 + (1 + 1) + 3 + (1 + 1));
  });

  it('is charged in steps of 4 KB for reads, half of it if they are not consistent, and of 1 KB for writes', () => {
    expect([readUnits(0, true), readUnits(4_096, true), readUnits(4_097, true)]).toEqual([1, 1, 2]);
    expect([readUnits(1, false), readUnits(8_193, false)]).toEqual([0.5, 1.5]);
    expect([writeUnits(0), writeUnits(1_024), writeUnits(1_025)]).toEqual([1, 1, 2]);
  });
});
