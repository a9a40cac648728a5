import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { faultKinds, simulate, type FaultKind, type SimulationResult, type Weather } from '../src';
import { installLightAbort } from '../src/light-abort';
import { describeFailure } from '../src/report';

installLightAbort();

const oneSeed = join(__dirname, 'support', 'one-seed.mjs');
const firstSeed = 1;
const seedCount = 60;

describe('a fleet under faults', () => {
  const results: SimulationResult[] = [];
  beforeAll(async () => {
    for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) results.push(await simulate({ seed }));
    // Patience, not a limit: in one process with all other tests it has taken minutes.
  }, 600_000);

  it('keeps every guarantee in a share of the seeds', () => {
    expect(results.map(describeFailure).join('')).toBe('');
  });

  it('is three workers or more, five minutes or more, a reshard and three faults for each seed', () => {
    for (const { seed, virtualMs, faults, records } of results) {
      const count = Object.values(faults).reduce((sum, each) => sum + each, 0);
      expect({ seed, long: virtualMs >= 300_000, faulty: count >= 3, busy: records > 100 }).toEqual({
        ...{ seed, long: true, faulty: true, busy: true },
      });
      expect((faults.split ?? 0) + (faults.merge ?? 0)).toBeGreaterThan(0);
    }
  });

  it('meets each kind of fault in at least one seed of twenty', () => {
    const share = (kind: FaultKind): number => results.filter(({ faults }) => (faults[kind] ?? 0) > 0).length;
    expect(faultKinds.filter((kind) => share(kind) < seedCount / 20)).toEqual([]);
  });

  it('delivers nothing twice in calm seeds and under showers, and now and then in a storm', () => {
    const duplicatesIn = (weather: Weather): number[] =>
      results.filter((result) => result.weather === weather).map(({ duplicates }) => duplicates);
    for (const weather of ['calm', 'showers'] as const) expect(new Set(duplicatesIn(weather))).toEqual(new Set([0]));
    expect(Math.max(...duplicatesIn('storm'))).toBeGreaterThan(0);
  });

  it('lets calls go wrong under showers', () => {
    const showers = results.filter(({ weather }) => weather === 'showers');
    const count = (kind: FaultKind): number => showers.reduce((sum, { faults }) => sum + (faults[kind] ?? 0), 0);
    const kinds = ['lost-reply', 'late-write', 'repeated-write', 'unknown-error'] as const;
    expect(kinds.map(count).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(10);
  });

  it('hands leases over, and stores checkpoints', () => {
    for (const count of ['handovers', 'successors', 'checkpoints'] as const) {
      expect(results.reduce((sum, result) => sum + result[count], 0)).toBeGreaterThan(seedCount);
    }
  });
});

/**
 * Seeds that have failed once, and what was wrong. A seed is another run as soon as anything draws one number more: what was
 * wrong has a test of its own beside it, and these are more of the same weather.
 */
const onceFailed: readonly (readonly [seed: number, what: string])[] = [
  [220, 'a finished row that was newer than the listing of the audit was deleted'],
  [361, 'a lease moved at rest, the cause was not found'],
  [980, 'a worker had one lease more than its limit, created while others were taken'],
  [1412, 'the last checkpoint before a hand-over was tried once'],
  [1429, 'a late sign of life of a dead worker'],
  [1635, 'a late sign of life of a dead worker'],
  [2076, 'the last checkpoint before a hand-over was tried once'],
  [3009, 'the checker gave slow code that is looking for a failing record too little time'],
  [3241, 'the checker took a record that was let go for one that the user had acknowledged'],
  [365, 'the checker did not know that a take which was given up may still take effect, beyond the limit'],
  [2150, 'a suspect that had aged out was written back into the row, behind what was stored by then'],
  [4520, 'the checker did not know that deleted rows are seen once more by a stale read'],
  [5004, 'without the registry a newcomer never got its share'],
  [5023, 'without the registry a newcomer never got its share'],
  [5906, 'workers with listings of different age disagreed on what may be read, and a lease went to and fro'],
  [
    5920,
    'the checker did not know that user code may hold up what a worker begins that comes when all was well before',
  ],
  [6330, 'a checkpoint resolved after the loss of the lease, of which only an earlier one was stored'],
  [7362, 'workers with listings of different age disagreed on what may be read'],
  [5170, 'a finished row that was newer than the listing of the audit was deleted'],
  [5216, 'a worker that rested after a slow reading did not stop'],
  [5320, 'a worker rested for a minute and a half after a paused reading'],
  [5487, 'the load was not even, the cause was not found'],
  [7229, 'a lease that was just adopted did not count for the limit'],
  [7816, 'the checker gave slow code that is looking for a failing record too little time'],
  [
    8867,
    'a worker that had slept over the filling of the table made a row again that it had made and that was deleted',
  ],
  [10537, 'the checker did not know that what a failed checkpoint held up comes again after a stop'],
  [12444, 'the ambush deleted the row of a shard that had just ended, which nothing else showed'],
  [13029, 'a row that was put back a second time, by a slower clock, counted from below'],
  [13555, 'rows that another worker was about to create were put back as if they had been deleted'],
  [13781, 'the checker did not count a record that became a dead letter before anybody had got it'],
  [13807, 'rows that another worker was about to create were put back as if they had been deleted'],
  [14646, 'the checker let only the first batch after a failed checkpoint come again'],
  [14247, 'the simulation let a stop run out of time in which one reply after another was lost'],
  [18137, 'the clock of a machine that was suspended twice at a time stood still for the sum of both'],
  [16343, 'a newcomer believed a dead worker that it was filling the table, and made a row that had been deleted'],
  [16622, 'a checkpoint was said not to be stored because one that carries more was not'],
  [5787, 'the checker did not know that eight calls of a worker that starts may all be throttled'],
  [551, 'a lease that a KCL had taken after it was handed over was taken from it at once'],
];

describe('a seed that has failed once', () => {
  it.each(onceFailed)('%i: %s', async (seed) => {
    expect(describeFailure(await simulate({ seed }))).toBe('');
  });
});

describe('a seed', () => {
  it('gives the same run again', async () => {
    const lines: string[] = [];
    const first = await simulate({ seed: 77, onTraceLine: (line) => lines.push(line) });
    const linesAgain: string[] = [];
    const again = await simulate({ seed: 77, onTraceLine: (line) => linesAgain.push(line) });
    expect(linesAgain).toEqual(lines);
    expect(again).toEqual(first);
  });

  it('gives the same run in other processes, with the abort controllers of Node and with light ones', () => {
    const dist = join(__dirname, '..', 'dist');
    const run = (abort: 'light' | 'node'): unknown =>
      JSON.parse(execFileSync(process.execPath, [oneSeed, dist, '78', abort], { encoding: 'utf8' }));
    expect(run('light')).toEqual(run('node'));
  }, 30_000);

  it('gives another run than its neighbour', async () => {
    const [one, other] = [await simulate({ seed: 79 }), await simulate({ seed: 80 })];
    expect(one.hash).not.toBe(other.hash);
  });

  it('may be given more workers and shards', async () => {
    const names = new Set<string>();
    const { failure, steps } = await simulate({
      ...{ seed: 5, workers: 5, shards: 9 },
      onTraceLine: (line) => names.add(/ (shard \d+) /.exec(line)?.[1] ?? ''),
    });
    expect(failure).toBeUndefined();
    expect(steps).toBeGreaterThan(1_000);
    expect(names.size).toBeGreaterThan(9);
  });
});
