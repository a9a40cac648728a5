import { describe, expect, it } from '@jest/globals';
import type { ReaderRun } from '../../src/processing/read-in-turns';
import { limits } from '../../src/reading/limits';
import { reportLines } from '../../src/reading/report';
import { nothing, rowOf } from '../../src/reading/row';
import type { IdleRun } from '../../src/reading/run-idle';
import { adapterOf, scenarioNames, type Comparison, type Measurement } from '../../src/reading/scenario';
import { scenarios } from '../../src/reading/scenarios';

const seconds = 10;

function reading(recordsPerSecond: number, { cores = 1, busyShare = 1 } = {}): ReaderRun {
  const cost = { records: recordsPerSecond * seconds, seconds, cpuMs: cores * seconds * 1_000 };
  return { cost, busyShare, callsPerSecond: recordsPerSecond / 1_000 };
}

function idle(callsPerSecond: number, cores: number, others: Partial<IdleRun> = {}): IdleRun {
  const usage = { seconds, cpuMs: cores * seconds * 1_000, busyShare: cores };
  return { usage, callsPerSecond, connections: 3, rssBytes: 1e6, ...others };
}

function ofRecords(...runs: readonly Comparison<ReaderRun>[]): Measurement {
  return { scenario: 'plain-1k', adapter: 'worker-direct', samples: { kind: 'records', runs } };
}

function ofPolls(...runs: readonly Comparison<IdleRun>[]): Measurement {
  return { scenario: 'idle-polls', adapter: 'worker-direct', samples: { kind: 'idle-polls', runs } };
}

function ofShards(...runs: readonly (readonly [reading: IdleRun, renewing: IdleRun])[]): Measurement {
  const all = runs.map(([read, renewing]) => ({ reading: read, renewing }));
  return { scenario: 'idle-1000-shards', adapter: 'worker-direct', samples: { kind: 'idle-shards', runs: all } };
}

describe('a row', () => {
  it('of records has medians of the runs; ratios are taken run by run, because what disturbs one disturbs both', () => {
    const measured = ofRecords(
      { ours: reading(30_000, { busyShare: 0.99 }), bare: reading(20_000) },
      { ours: reading(80_000), bare: reading(40_000) },
      { ours: reading(50_000, { cores: 2 }), bare: reading(50_000) },
    );
    expect(rowOf(measured)).toEqual({
      ...{ ...nothing, scenario: 'plain-1k', adapter: 'worker-direct', runs: 3 },
      ...{ recordsPerSecond: 50_000, callsPerSecond: 50, ratioToBareSdk: 1.5 },
      // Of the runs: 33.3, 12.5 and 40 for a record; 2/3, 1/2 and 2 times the bare loop.
      ...{ cpuMicrosPerRecord: 33.33, cpuRatioToBareSdk: 0.6667 },
      ...{ processCores: 1, busyShare: 0.99 },
    });
  });

  it('of the bare loop has no ratio to itself', () => {
    expect(rowOf({ ...ofRecords({ ours: reading(20_000), bare: undefined }), adapter: 'bare-sdk' })).toMatchObject({
      ...{ adapter: 'bare-sdk', recordsPerSecond: 20_000, ratioToBareSdk: null, cpuRatioToBareSdk: null },
    });
  });

  it('of idle polls has the processor time of a call', () => {
    expect(rowOf(ofPolls({ ours: idle(500, 0.1), bare: idle(400, 0.4) }))).toEqual({
      ...{ ...nothing, scenario: 'idle-polls', adapter: 'worker-direct', runs: 1 },
      ...{ callsPerSecond: 500, cpuMicrosPerCall: 200, cpuRatioToBareSdk: 0.2, processCores: 0.1, busyShare: 0.1 },
    });
  });

  it('of idle shards has apart what reading takes and what the same process takes without it, and the most memory', () => {
    const measured = ofShards(
      [idle(1_000, 0.5, { rssBytes: 123_456_789 }), idle(0, 0.2)],
      [idle(1_004, 0.75, { connections: 8 }), idle(4, 0.25, { connections: 50, rssBytes: 999e6 })],
    );
    expect(rowOf(measured)).toEqual({
      ...{ ...nothing, scenario: 'idle-1000-shards', adapter: 'worker-direct', runs: 2 },
      ...{ callsPerSecond: 1_002, cpuMicrosPerCall: 400, processCores: 0.625, busyShare: 0.5 },
      ...{ cores: 0.4, renewalCores: 0.225, rssMegabytes: 123.5, connections: 8 },
    });
  });
});

describe('the scenarios', () => {
  it('are all there, once, in order', () => {
    expect(scenarios.map(({ name }) => name)).toEqual(scenarioNames);
  });

  it('are what the limits are of', () => {
    const names = scenarioNames.flatMap((name) => Object.values(adapterOf).map((adapter) => `${name} ${adapter}`));
    expect(Object.keys(limits).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('the report', () => {
  function verdictsOf(measurement: Measurement): readonly string[] {
    const lines = reportLines([measurement]);
    return lines
      .slice(lines.indexOf('What must be reached on two cores:') + 3)
      .map((line) => line.replaceAll(/ +/g, ' '));
  }

  it('says of each limit whether it was reached', () => {
    expect(verdictsOf(ofRecords({ ours: reading(30_000), bare: reading(20_000) }))).toEqual([
      'plain-1k worker-direct ratioToBareSdk reached ≥ 1.5 1.5',
    ]);
    expect(verdictsOf(ofPolls({ ours: idle(100, 0.36), bare: idle(100, 1) }))).toEqual([
      'idle-polls worker-direct cpuRatioToBareSdk MISSED ≤ 0.35 0.36',
    ]);
  });

  it('does not let a worker be cheap by polling less', () => {
    const few = [idle(500, 0.5, { rssBytes: 150e6, connections: 50 }), idle(0, 0.25)] as const;
    expect(verdictsOf(ofShards(few))).toEqual([
      'idle-1000-shards worker-direct callsPerSecond MISSED ≥ 950 500',
      'idle-1000-shards worker-direct cores reached ≤ 0.4 0.25',
      'idle-1000-shards worker-direct rssMegabytes reached ≤ 150 150',
      'idle-1000-shards worker-direct connections reached ≤ 50 50',
    ]);
  });

  it('has the spread of the ratios', () => {
    const runs = [20_000, 30_000, 50_000].map((rate) => ({ ours: reading(rate), bare: reading(20_000) }));
    expect(reportLines([ofRecords(...runs)])).toContain('plain-1k worker-direct  1.5 (1–2.5)');
  });
});
