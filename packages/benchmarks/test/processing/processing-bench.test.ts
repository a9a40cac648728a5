import { describe, expect, it, jest } from '@jest/globals';
import { runBench, type Ending } from '../support/run-bench';

// Before jest gives up a test that hangs, so that its processes don't stay.
const benchTimeMs = 170_000;
jest.setTimeout(180_000);

function bench(...args: readonly string[]): Promise<Ending> {
  return runBench(['processing', ...args], benchTimeMs);
}

const figure: unknown = expect.any(Number);
const nothing = {
  runs: 1,
  recordsPerSecond: null,
  bareRecordsPerSecond: null,
  ratio: null,
  cpuMicrosPerRecord: null,
  bareCpuMicrosPerRecord: null,
  p50Ms: null,
  p99Ms: null,
  rssMegabytes: null,
  throttledShare: null,
  leastShare: null,
};
const compared = {
  ...nothing,
  recordsPerSecond: figure,
  bareRecordsPerSecond: figure,
  ratio: figure,
  cpuMicrosPerRecord: figure,
  bareCpuMicrosPerRecord: figure,
};
const timed = { ...nothing, p50Ms: figure, p99Ms: figure };

describe('npm run bench -- processing', () => {
  it('with --json writes one line, with rows for each scenario, and its progress elsewhere', async () => {
    const wanted = 'three-applications,latency,deaggregation,aggregated';
    const { code, stdout, stderr } = await bench('--json', '--runs', '1', '--seconds', '2', '--scenario', wanted);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('aggregated-direct-1: ') });
    expect(stdout).toMatch(/^[^\n]+\n$/);
    const shared = { ...timed, throttledShare: figure, leastShare: figure };
    expect(JSON.parse(stdout)).toEqual([
      { scenario: 'aggregated', ...compared },
      { scenario: 'aggregated-direct', ...compared },
      { scenario: 'latency', ...timed, throttledShare: figure },
      { scenario: 'deaggregation', ...compared },
      { scenario: 'deaggregation-read', ...compared },
      { scenario: 'deaggregation-other-names', ...compared },
      { scenario: 'three-applications', ...shared },
    ]);
  });

  it('refuses what it does not understand', async () => {
    const { code, stdout, stderr } = await bench('--scenario', 'plain-2k');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("not 'plain-2k'");
  });
});
