import { describe, expect, it } from '@jest/globals';
import { aggregates, assertSame, deaggregators } from '../../src/processing/deaggregators';

describe('the ways to take an aggregate apart that are compared', () => {
  it('find the same 500 user records of 100 bytes each, and refuse a wrong checksum', () => {
    const all = aggregates();
    assertSame(all);
    const [first, second] = all;
    expect(first && deaggregators.ours.contentOf(first)[499]).toMatchObject({
      subSequenceNumber: 499,
      data: expect.stringMatching(/^(0\/499 ){16}/),
    });
    expect(second?.data).not.toEqual(first?.data);
  });

  it('show each user its bytes', () => {
    const [first] = aggregates();
    for (const way of Object.values(deaggregators)) {
      const shown: number[] = [];
      expect(first && way.deaggregateAndShow(first, (data) => shown.push(data.length))).toBe(500);
      expect(shown).toEqual(Array(500).fill(100));
    }
  });
});
