import { execFile, type ExecFileException } from 'node:child_process';
import { describe, expect, it, jest } from '@jest/globals';
import { built } from '../support/built';

// Before jest gives up a test that hangs, so that its processes don't stay.
const benchTimeMs = 80_000;
jest.setTimeout(90_000);

interface Ending {
  readonly code: ExecFileException['code'];
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: readonly string[]): Promise<Ending> {
  return new Promise((resolve) => {
    const all = [built('main.js'), 'processing', ...args];
    execFile(process.execPath, all, { timeout: benchTimeMs }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? 0), stdout, stderr }),
    );
  });
}

const figure: unknown = expect.any(Number);
const nothing = { runs: 1, p50Ms: null, p99Ms: null, rssMegabytes: null, throttledShare: null, leastShare: null };
const comparison = {
  ...nothing,
  recordsPerSecond: figure,
  bareRecordsPerSecond: figure,
  ratio: figure,
  cpuMicrosPerRecord: figure,
  bareCpuMicrosPerRecord: figure,
};

describe('npm run bench -- processing', () => {
  it('with --json writes one line, a row for each way to read, and its progress elsewhere', async () => {
    const short = ['--runs', '1', '--seconds', '0.5'];
    const { code, stdout, stderr } = await bench('--json', '--scenario', 'aggregated', ...short);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('aggregated-direct-1: ') });
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual([
      { scenario: 'aggregated', ...comparison },
      { scenario: 'aggregated-direct', ...comparison },
    ]);
  });

  it('refuses what it does not understand', async () => {
    const { code, stdout, stderr } = await bench('--scenario', 'plain-2k');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("not 'plain-2k'");
  });
});
