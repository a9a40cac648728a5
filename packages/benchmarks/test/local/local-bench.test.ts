import { describe, expect, it, jest } from '@jest/globals';
import { runBench, type Ending } from '../support/run-bench';

// Before jest gives up a test that hangs, so that its process doesn't stay.
const benchTimeMs = 50_000;
jest.setTimeout(60_000);

function bench(...args: readonly string[]): Promise<Ending> {
  return runBench(args, benchTimeMs);
}

const tiny = ['--emulator', 'local', '--shards', '1,2', '--runs', '2', '--starts', '1', '--seconds', '0.05'];
const positive: unknown = expect.any(Number);
const columns = {
  recordsPerSecondIn: positive,
  megabytesPerSecondIn: positive,
  recordsPerSecondOut: positive,
  megabytesPerSecondOut: positive,
  callsPerSecond: positive,
  startMs: positive,
  loadMs: positive,
  spawnMs: positive,
  serverCpuSecondsPer1000RecordsIn: positive,
  serverCpuSecondsPer1000RecordsOut: positive,
  serverCpuSecondsPer1000Calls: positive,
};

describe('npm run bench -- local', () => {
  it('with --json writes one line, a row for each client and number of shards, and its progress elsewhere', async () => {
    const { code, stdout, stderr } = await bench('local', '--json', ...tiny);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('2 shards, run 2: local (http1)') });
    expect(stdout).toMatch(/^[^\n]+\n$/);
    const rows = JSON.parse(stdout) as readonly Readonly<Record<string, unknown>>[];
    expect(rows).toEqual([
      { emulator: 'local', client: 'http1', shards: 1, ...columns },
      { emulator: 'local', client: 'http1', shards: 2, ...columns },
      { emulator: 'local', client: 'default', shards: 1, ...columns },
      { emulator: 'local', client: 'default', shards: 2, ...columns },
    ]);
    const figures = rows.flatMap((row) => Object.values(row).filter((value) => typeof value === 'number'));
    expect(figures.filter((value) => !(value > 0))).toEqual([]);
  });

  it('without it writes tables', async () => {
    const { code, stdout } = await bench('local', ...tiny, '--shards', '2', '--runs', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^local +http1 +2 +\d+ \(\d+–\d+\) /m);
  });

  it('refuses what it does not understand', async () => {
    const { code, stdout, stderr } = await bench('local', '--shards', 'many');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("--shards must be 1 to 999, not 'many'");
  });
});

describe('npm run bench', () => {
  it('lists all benches with their options', async () => {
    const { code, stdout } = await bench();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^local +\S/m);
    expect(stdout).toMatch(/^ +--shards /m);
  });

  it('refuses one that there is not', async () => {
    const { code, stderr } = await bench('dynamodb');
    expect(code).toBe(2);
    expect(stderr).toContain("there is no bench 'dynamodb'");
  });
});
