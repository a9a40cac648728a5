import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LowWatermark } from '../src';

const at = (number: number): { sequenceNumber: string; subSequenceNumber: number } => ({
  sequenceNumber: String(1_000 + (number >> 1)),
  subSequenceNumber: number & 1,
});

describe('LowWatermark', () => {
  it('stays where it is as long as the record behind it is open', () => {
    const watermark = new LowWatermark();
    const numbers = [0, 1, 2].map((number) => watermark.take(at(number)));
    expect(numbers).toEqual([0, 1, 2]);
    expect(watermark.settle(2)).toBe(false);
    expect(watermark.settle(1)).toBe(false);
    expect([watermark.position, watermark.ahead]).toEqual([undefined, 3]);
    expect(watermark.settle(0)).toBe(true);
    expect([watermark.position, watermark.ahead]).toEqual([at(2), 0]);
  });

  it('is the last record before which none is open, in whatever order they settle', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4_000 }).chain((count) =>
          fc.record({
            count: fc.constant(count),
            window: fc.integer({ min: 1, max: 3_000 }),
            picks: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
          }),
        ),
        ({ count, window, picks }) => {
          const watermark = new LowWatermark();
          const open: number[] = [];
          const settled = new Set<number>();
          let taken = 0;
          let low = 0;
          for (let step = 0; settled.size < count; step++) {
            while (taken < count && open.length < window) {
              expect(watermark.take(at(taken))).toBe(taken);
              open.push(taken++);
            }
            const [next = 0] = open.splice((picks[step % picks.length] ?? 0) % open.length, 1);
            settled.add(next);
            const before = low;
            while (settled.has(low)) low++;
            // Expectations are slow: one comparison of all that is to be seen.
            const seen = [watermark.settle(next), watermark.ahead, watermark.position?.sequenceNumber];
            const right = [low > before, taken - low, low === 0 ? undefined : at(low - 1).sequenceNumber];
            if (seen.join() !== right.join()) expect(seen).toEqual(right);
          }
          expect([watermark.position, watermark.ahead]).toEqual([at(count - 1), 0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
