import { describe, expect, it, jest } from '@jest/globals';
import { runBench } from '../support/run-bench';
import { nothing } from '../../src/reading/row';

jest.setTimeout(180_000);

const figure: unknown = expect.any(Number);
const measured = { ...nothing, runs: 1, callsPerSecond: figure, processCores: figure, busyShare: figure };
const polls = { ...measured, scenario: 'idle-polls', cpuMicrosPerCall: figure };
const records = { ...measured, scenario: 'aggregated', recordsPerSecond: figure, cpuMicrosPerRecord: figure };
const compared = { ratioToBareSdk: figure, cpuRatioToBareSdk: figure };

describe('npm run bench -- reading', () => {
  it('with --json writes one line, with a row for each adapter of each scenario, and its progress elsewhere', async () => {
    const args = '--json --runs 1 --seconds 1 --scenario aggregated,idle-polls'.split(' ');
    const { code, stdout, stderr } = await runBench(['reading', ...args], 170_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('aggregated-direct-1: ') });
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual([
      { ...polls, adapter: 'bare-sdk' },
      { ...polls, adapter: 'worker-sdk', cpuRatioToBareSdk: figure },
      { ...polls, adapter: 'worker-direct', cpuRatioToBareSdk: figure },
      { ...records, adapter: 'bare-sdk' },
      { ...records, adapter: 'worker-sdk', ...compared },
      { ...records, adapter: 'worker-direct', ...compared },
    ]);
  });

  it('refuses what it does not understand', async () => {
    const { code, stdout, stderr } = await runBench(['reading', '--scenario', 'plain-2k'], 170_000);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("not 'plain-2k'");
  });
});
