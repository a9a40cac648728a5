import { describe, expect, it, jest } from '@jest/globals';
import { runBench, type Ending } from '../support/run-bench';

// Before jest gives up a test that hangs, so that its processes don't stay.
const benchTimeMs = 80_000;
jest.setTimeout(90_000);

function bench(...args: readonly string[]): Promise<Ending> {
  return runBench(['coordination', ...args], benchTimeMs);
}

const time: unknown = expect.any(Number);

describe('npm run bench -- coordination', () => {
  it('with --json writes one line, a row for each scenario, and its progress elsewhere', async () => {
    const { code, stdout, stderr } = await bench('--json', '--scenario', 'join', '--runs', '1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('join, run 1: even after ') });
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual([
      {
        scenario: 'join',
        workers: 2,
        shards: 10,
        failoverTimeMs: 10_000,
        runs: 1,
        balancedMs: time,
        firstRecordMs: time,
        p99Ms: time,
        ratio: null,
        moves: 1,
        maxMoves: 1,
        claimsPerLease: null,
        createsPerLease: null,
        duplicates: 0,
        missing: 0,
      },
    ]);
  });

  it('refuses what it does not understand', async () => {
    const { code, stdout, stderr } = await bench('--scenario', 'deploy');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("not 'deploy'");
  });
});
