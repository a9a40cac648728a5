import { describe, expect, it } from '@jest/globals';
import { measureUsage } from '../../src/processing/process-usage';

describe('what a process uses', () => {
  it('is counted from when that is asked for', () => {
    const usage = measureUsage();
    const endAtMs = performance.now() + 20;
    while (performance.now() < endAtMs);
    const { seconds, cpuMs, busyShare } = usage();
    expect(seconds).toBeGreaterThanOrEqual(0.02);
    expect(cpuMs).toBeGreaterThan(0);
    // This thread has not come to wait for anything.
    expect(busyShare).toBe(1);
  });
});
