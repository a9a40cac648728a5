import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from '../../src/kinesis/token-bucket';

describe('a token bucket', () => {
  it('never lets more through than a burst and the rate, nor less when asked all the time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.double({ min: 0, max: 500, noNaN: true })),
        (rate, gaps) => {
          let nowMs = 0;
          const bucket = new TokenBucket({ now: () => nowMs }, rate);
          let taken = 0;
          for (const gap of gaps) {
            nowMs += gap;
            while (bucket.has(1)) {
              bucket.take(1);
              taken++;
            }
          }
          expect(taken).toBeLessThanOrEqual(rate + (nowMs * rate) / 1000 + 0.001);
          // A pause of over a second would forfeit tokens; these are all shorter than half of one.
          if (gaps.length > 0) expect(taken).toBeGreaterThan((nowMs * rate) / 1000 - 1);
        },
      ),
    );
  });

  it('holds one second of the rate at most', () => {
    let nowMs = 0;
    const bucket = new TokenBucket({ now: () => nowMs }, 5);
    nowMs = 60_000;
    expect([bucket.has(5), bucket.has(6)]).toEqual([true, true]);
    bucket.take(1);
    expect([bucket.has(4), bucket.has(5), bucket.has(6)]).toEqual([true, false, false]);
  });

  it('lets everything through at an infinite rate', () => {
    const bucket = new TokenBucket({ now: () => 0 }, Infinity);
    bucket.takeAfterwards(1e12);
    expect(bucket.has(1e12)).toBe(true);
  });
});
