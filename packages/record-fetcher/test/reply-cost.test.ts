import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { affordableLimit, requestFor, type CallPlan } from '../src/reply-cost';

const MB = 1_000_000;

/** Of a shard that is behind, whose records are so large. */
function planOf(
  bytesPerRecord: number,
  { limit, enough }: { readonly limit: number; readonly enough: number },
): CallPlan {
  return {
    ...{ limit, enough },
    expected: (records) => ({ bytes: Math.min(records * bytesPerRecord, 10 * 1024 * 1024), records }),
  };
}

describe('what is reserved for a call', () => {
  it('is what all that it asks for may cost; what is enough will do', () => {
    const request = requestFor(planOf(5_000, { limit: 1_000, enough: 80 }), 256 * MB);
    expect(request).toEqual({ least: 80 * (7 * 5_000 + 1_000), most: 1_000 * (7 * 5_000 + 1_000) });
  });

  it('is an eighth of the budget at least, however much would be needed; but enough for one record', () => {
    expect(requestFor(planOf(5_000, { limit: 10_000, enough: 2_000 }), 64 * MB).least).toBe(8 * MB);
    expect(requestFor(planOf(1 * MB, { limit: 10, enough: 1 }), 16 * MB).least).toBe(7 * MB + 1_000);
  });

  it('is never less than one record costs, nor more than it could need, and pays for what is asked for with it', () => {
    const cases = fc.record({
      bytesPerRecord: fc.integer({ min: 1, max: 1024 * 1024 }),
      limit: fc.integer({ min: 1, max: 10_000 }),
      enough: fc.integer({ min: 1, max: 20_000 }),
      budgetBytes: fc.integer({ min: 1, max: 500 * MB }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ bytesPerRecord, limit, enough, budgetBytes, part }) => {
        const plan = planOf(bytesPerRecord, { limit, enough });
        const costOf = (records: number): number => requestFor({ ...plan, limit: records }, budgetBytes).most;
        const { least, most } = requestFor(plan, budgetBytes);
        expect(least).toBeGreaterThanOrEqual(costOf(1));
        expect(least).toBeLessThanOrEqual(Math.max(costOf(1), budgetBytes / 8));
        expect(most).toBeGreaterThanOrEqual(least);
        const reservedBytes = least + part * (most - least);
        const affordable = affordableLimit(plan, reservedBytes);
        expect(affordable).toBeLessThanOrEqual(limit);
        expect(costOf(affordable)).toBeLessThanOrEqual(reservedBytes);
      }),
    );
  });
});
