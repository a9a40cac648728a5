import { describe, expect, it } from '@jest/globals';
import { backoffDelayMs } from '../src';
import { seededRandom } from '../src/testing';

describe('backoffDelayMs', () => {
  it('doubles its bound up to the maximum, and never goes below half of it', () => {
    const random = seededRandom(3);
    for (let attempt = 0; attempt < 60; attempt++) {
      const bound = Math.min(10_000, 100 * 2 ** attempt);
      const delayMs = backoffDelayMs(attempt, { baseMs: 100, maxMs: 10_000 }, random);
      expect(delayMs).toBeGreaterThanOrEqual(bound / 2);
      expect(delayMs).toBeLessThanOrEqual(bound);
    }
  });

  it('spreads those who failed together', () => {
    const random = seededRandom(4);
    const delays = Array.from({ length: 100 }, () => backoffDelayMs(5, { baseMs: 100, maxMs: 10_000 }, random));
    expect(new Set(delays).size).toBeGreaterThan(90);
  });
});
