import { describe, expect, it } from '@jest/globals';
import type { Target } from '../../src/local/emulators';
import type { Figure, Measurement } from '../../src/local/measure-load';
import { reportLines } from '../../src/local/report';
import { rowOf } from '../../src/local/rows';
import { spreadOf } from '../../src/statistics';

const local: Target = { emulator: 'local', client: 'http1' };
const localByDefault: Target = { emulator: 'local', client: 'default' };
const kinesisLocal: Target = { emulator: 'kinesis-local', client: 'http1' };

function figure(perSecond: readonly number[], cpuMsPerThousand: number): Figure {
  return { perSecond: spreadOf(perSecond), cpuMsPerThousand: spreadOf([cpuMsPerThousand]) };
}

function measured(target: Target, shards: number, recordsIn: number): Measurement {
  return {
    target,
    shards,
    figures: {
      in: figure([recordsIn, 1.5 * recordsIn, 0.5 * recordsIn], 12.5),
      out: figure([2 * recordsIn], 7),
      calls: figure([recordsIn / 10], 250),
    },
  };
}

const starts = new Map([
  ['local' as const, { spawnMs: spreadOf([300]), loadMs: spreadOf([90]), startMs: spreadOf([20]) }],
  ['kinesis-local' as const, { spawnMs: spreadOf([1200]), loadMs: undefined, startMs: spreadOf([1200]) }],
]);

describe('a row', () => {
  it('has the medians, megabytes of 1000 records of 1000 bytes, and seconds of the processor', () => {
    expect(rowOf(measured(local, 4, 40_000), { ...startsOf('local'), startMs: spreadOf([20.123456]) })).toEqual({
      emulator: 'local',
      client: 'http1',
      shards: 4,
      recordsPerSecondIn: 40_000,
      megabytesPerSecondIn: 40,
      recordsPerSecondOut: 80_000,
      megabytesPerSecondOut: 80,
      callsPerSecond: 4_000,
      startMs: 20.12,
      loadMs: 90,
      spawnMs: 300,
      serverCpuSecondsPer1000RecordsIn: 0.0125,
      serverCpuSecondsPer1000RecordsOut: 0.007,
      serverCpuSecondsPer1000Calls: 0.25,
    });
  });

  it('of kinesis-local does not say how long it loads, because that cannot be told', () => {
    expect(rowOf(measured(kinesisLocal, 1, 500), startsOf('kinesis-local'))).not.toHaveProperty('loadMs');
  });
});

describe('the report', () => {
  it('has every rate with its extremes', () => {
    const [line] = reportLines([measured(local, 4, 40_000)], starts).filter((one) => one.startsWith('local  '));
    expect(line).toMatch(/^local +http1 +4 +40000 \(20000–60000\) +40\.0 \(20\.0–60\.0\) +80000 \(/);
  });

  it('compares the two at the same number of shards, without the default client', () => {
    const lines = reportLines(
      [
        measured(local, 1, 30_000),
        measured(local, 4, 40_000),
        measured(kinesisLocal, 1, 500),
        measured(kinesisLocal, 4, 1_000),
        measured(localByDefault, 1, 10_000),
        measured(localByDefault, 4, 10_000),
      ],
      starts,
    );
    const begin = lines.indexOf('local / kinesis-local, medians:');
    expect(lines.slice(begin + 2).map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'shards records/s in MB/s out idle calls/s',
      ' 1 60.0 x 60.0 x 60.0 x',
      ' 4 40.0 x 40.0 x 40.0 x',
      '',
      'Whole process to its first answer: 4.0 x as quick.',
    ]);
  });

  it('compares nothing when there is only one', () => {
    const onlyLocal = new Map([['local' as const, startsOf('local')]]);
    expect(reportLines([measured(local, 1, 30_000)], onlyLocal).join('\n')).not.toContain('medians:');
  });
});

function startsOf(emulator: 'kinesis-local' | 'local'): Parameters<typeof rowOf>[1] {
  const found = starts.get(emulator);
  if (found === undefined) throw new Error(`nothing is known of ${emulator}`);
  return found;
}
