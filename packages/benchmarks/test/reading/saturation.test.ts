import { describe, expect, it } from '@jest/globals';
import { doubtOf } from '../../src/reading/saturation';

function run(busyShare: number, cores: number): Parameters<typeof doubtOf>[0] {
  return { busyShare, cost: { records: 1, seconds: 10, cpuMs: cores * 10_000 } };
}

describe('a run that is to say how much a core can read', () => {
  it('is believed if its thread was always busy, and had a core', () => {
    expect(doubtOf(run(1, 1))).toBeUndefined();
    expect(doubtOf(run(0.95, 0.9))).toBeUndefined();
    // With threads that collect garbage.
    expect(doubtOf(run(1, 1.2))).toBeUndefined();
  });

  it('is doubted if its thread waited, however much the others did', () => {
    expect(doubtOf(run(0.94, 1.1))).toBe(
      'not bound by the processor: busy for 94 % of the time, so that records/s are those of the pace',
    );
  });

  it('is doubted if something else took the core away', () => {
    expect(doubtOf(run(1, 0.8))).toBe('something else had the processor: busy for 100 % of the time, with 0.80 cores');
  });
});
