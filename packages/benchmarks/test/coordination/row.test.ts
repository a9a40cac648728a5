import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/coordination/limits';
import { reportLines } from '../../src/coordination/report';
import { rowOf, type Measurement } from '../../src/coordination/row';
import { scenarioNames, type Samples, type ScenarioName } from '../../src/coordination/scenario';
import { scenarios } from '../../src/coordination/scenarios';

function measured(name: ScenarioName, samples: Samples): Measurement {
  return { scenario: { name, workers: 4, shards: 40 }, runs: 3, samples };
}

const nothing = {
  workers: 4,
  shards: 40,
  failoverTimeMs: 10_000,
  runs: 3,
  balancedMs: null,
  firstRecordMs: null,
  p99Ms: null,
  ratio: null,
  moves: null,
  maxMoves: null,
  claimsPerLease: null,
  createsPerLease: null,
  duplicates: null,
  missing: null,
};

/** 1 to 200, so that p99 is 198. */
const unreadMs = Array.from({ length: 200 }, (_, index) => index + 1);

describe('a row', () => {
  it('has medians of times, means of calls and moves, and null for what does not apply', () => {
    expect(rowOf(measured('cold-start', { balancedMs: [3, 1, 100], ratios: [2, 1.5, 9] }))).toEqual({
      ...nothing,
      scenario: 'cold-start',
      balancedMs: 3,
      ratio: 2,
    });
    expect(rowOf(measured('start-together', { createsPerLease: [1, 1.3], claimsPerLease: [1, 2] }))).toEqual({
      ...nothing,
      scenario: 'start-together',
      createsPerLease: 1.15,
      claimsPerLease: 1.5,
    });
    expect(rowOf(measured('scale-out', { moves: [1, 1, 1, 2], duplicates: 0, missing: 5 }))).toEqual({
      ...nothing,
      scenario: 'scale-out',
      moves: 1.25,
      maxMoves: 2,
      duplicates: 0,
      missing: 5,
    });
  });

  it('has p99 of all shards of all runs, but the worst of a rolling restart, and of a join the worst run', () => {
    expect(rowOf(measured('sigterm', { unreadMs })).p99Ms).toBe(198);
    expect(rowOf(measured('sigkill', { unreadMs })).p99Ms).toBe(198);
    expect(rowOf(measured('rolling-restart', { unreadMs })).p99Ms).toBe(200);
    expect(rowOf(measured('join', { balancedMs: [5, 7, 6] })).p99Ms).toBe(7);
  });

  it('has no figure of no values', () => {
    expect(rowOf(measured('scale-out', { moves: [] }))).toEqual({ ...nothing, scenario: 'scale-out' });
  });
});

describe('the scenarios', () => {
  it('are all there, once, in order', () => {
    expect(scenarios.map(({ name }) => name)).toEqual(scenarioNames);
  });
});

describe('the report', () => {
  function verdictsOf(name: ScenarioName, samples: Samples): readonly string[] {
    const lines = reportLines([measured(name, samples)]);
    return lines
      .slice(lines.indexOf('What must be reached on two cores:') + 3)
      .map((line) => line.replaceAll(/ +/g, ' '));
  }

  it('says of each limit whether it was reached, which it is also just so', () => {
    expect(verdictsOf('sigterm', { unreadMs: [1_000], duplicates: 1, missing: 0 })).toEqual([
      'sigterm shard read again, p99 ms reached 1000 1000',
      'sigterm duplicates MISSED 0 1',
      'sigterm missing records reached 0 0',
    ]);
  });

  it('tells an aim from what must be', () => {
    expect(verdictsOf('cold-start', { balancedMs: [3_001], ratios: [2.1] })).toEqual([
      'cold-start ratio to the bare writes, median MISSED 2 2.1',
      'cold-start all held, median ms aim missed 3000 3001',
    ]);
  });

  it('does not take for reached what was not measured', () => {
    expect(verdictsOf('sigkill', {})).toEqual([
      'sigkill shard read again, p99 ms MISSED 13000 nothing',
      'sigkill missing records MISSED 0 nothing',
    ]);
  });

  it('looks at the worst run where the limit is for the worst', () => {
    const [median, worst] = limits.join.map(({ of }) => of({ balancedMs: [10, 20, 90] }));
    expect([median, worst]).toEqual([20, 90]);
  });
});
