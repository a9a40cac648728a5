import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/processing/limits';
import { reportLines } from '../../src/processing/report';
import { rowOf } from '../../src/processing/row';
import { scenarioNames, type Comparison, type Cost, type Samples } from '../../src/processing/scenario';
import { scenarios } from '../../src/processing/scenarios';

function measured(name: string, samples: Samples): Parameters<typeof rowOf>[0] {
  return { name, runs: 3, samples };
}

/** Of a million records. */
function cost(cpuMicros: number, seconds = 10): Cost {
  return { records: 1e6, seconds, cpuMs: cpuMicros * 1e3 };
}

function comparison(oursMicros: number, bareMicros: number): Comparison {
  return { ours: cost(oursMicros), bare: cost(bareMicros, 5) };
}

const nothing = {
  runs: 3,
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

describe('a row', () => {
  it('has medians of the runs; the ratio is taken run by run, because what disturbs one disturbs both', () => {
    const comparisons = [comparison(10, 9), comparison(30, 24), comparison(20, 19)];
    expect(rowOf(measured('plain-200', { comparisons }))).toEqual({
      ...nothing,
      scenario: 'plain-200',
      recordsPerSecond: 100_000,
      bareRecordsPerSecond: 200_000,
      ratio: 0.9,
      cpuMicrosPerRecord: 20,
      bareCpuMicrosPerRecord: 19,
    });
  });

  it('has percentiles of all records', () => {
    const latenciesMs = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(rowOf(measured('latency', { latenciesMs }))).toEqual({
      ...nothing,
      scenario: 'latency',
      p50Ms: 100,
      p99Ms: 198,
    });
  });

  it('has the most memory of all runs, in millions of bytes', () => {
    expect(rowOf(measured('idle-shards', { rssBytes: [99e6, 123_456_789, 98e6] }))).toEqual({
      ...nothing,
      scenario: 'idle-shards',
      rssMegabytes: 123.5,
    });
  });

  it('has the share of throttled calls of all calls, and the share of the application that got the fewest answers', () => {
    const even = { answered: 30, throttled: 0 };
    const reads = [
      [even, even, even],
      [{ answered: 50, throttled: 10 }, { answered: 20, throttled: 10 }, even],
    ];
    expect(rowOf(measured('three-applications', { reads }))).toEqual({
      ...nothing,
      scenario: 'three-applications',
      throttledShare: rounded(20 / 210),
      leastShare: 0.2,
    });
  });

  it('has no share of an application that has the shard for itself', () => {
    expect(rowOf(measured('latency', { reads: [[{ answered: 30, throttled: 0 }]] }))).toEqual({
      ...nothing,
      scenario: 'latency',
      throttledShare: 0,
    });
  });

  it('has no figure of no values', () => {
    expect(rowOf(measured('latency', { latenciesMs: [], comparisons: [], reads: [] }))).toEqual({
      ...nothing,
      scenario: 'latency',
    });
  });
});

describe('the scenarios', () => {
  it('are all there, once, in order', () => {
    expect(scenarios.map(({ name }) => name)).toEqual(scenarioNames);
  });

  it('are what the limits are of', () => {
    const rows: readonly string[] = [...scenarioNames, 'idle-shards-1gb-heap'];
    expect(Object.keys(limits).filter((name) => !rows.includes(name))).toEqual([]);
  });
});

describe('the report', () => {
  function verdictsOf(name: string, samples: Samples): readonly string[] {
    const lines = reportLines([measured(name, samples)]);
    return lines
      .slice(lines.indexOf('What must be reached on two cores:') + 3)
      .map((line) => line.replaceAll(/ +/g, ' '));
  }

  it('says of each limit whether it was reached, which it is also just so', () => {
    expect(verdictsOf('plain-200', { comparisons: [comparison(10, 9)] })).toEqual([
      'plain-200 ratio reached ≥ 0.9 0.9',
    ]);
    expect(verdictsOf('plain-1k', { comparisons: [comparison(10, 9.4)] })).toEqual([
      'plain-1k ratio MISSED ≥ 0.95 0.94',
    ]);
    expect(verdictsOf('latency', { latenciesMs: [...Array<number>(98).fill(120), 261, 261] })).toEqual([
      'latency p50Ms reached ≤ 120 120',
      'latency p99Ms MISSED ≤ 260 261',
    ]);
  });

  it('does not take for reached what was not measured', () => {
    expect(verdictsOf('idle-shards', {})).toEqual(['idle-shards rssMegabytes MISSED ≤ 150 nothing']);
  });

  it('has the spread of the ratios', () => {
    const comparisons = [comparison(10, 9), comparison(10, 8), comparison(10, 9.5)];
    expect(reportLines([measured('plain-200', { comparisons })])).toContain('plain-200  0.9 (0.8–0.95)');
  });
});

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
