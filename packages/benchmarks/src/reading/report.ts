import { shown, shownSpread, verdictLines } from '../report-text';
import { textTable } from '../text-table';
import { limits } from './limits';
import { ratiosOf, rowName, rowOf, type Column } from './row';
import type { Measurement } from './scenario';

/** What people read: the figures, how far the runs were apart, and whether what must be reached was. */
export function reportLines(measurements: readonly Measurement[]): readonly string[] {
  const rows = measurements.map(rowOf);
  return [
    'Medians of the runs; busy is the least of them, RSS and connections are the most. Processor time in µs, of the whole process.',
    '',
    ...textTable(
      ['scenario', 'adapter', ...columns.map(([title]) => title)],
      rows.map((row) => [row.scenario, row.adapter, ...columns.map(([, column]) => shown(row[column]))]),
      2,
    ),
    '',
    ...spreadLines(measurements),
    ...verdictLines(rows.map((row) => ({ name: rowName(row), row, limits: limits[rowName(row)] ?? [] }))),
  ];
}

function spreadLines(measurements: readonly Measurement[]): readonly string[] {
  const compared = measurements.flatMap((measurement) => {
    const ratios = ratiosOf(measurement.samples);
    return ratios.length === 0 ? [] : [[rowName(measurement), shownSpread(ratios)]];
  });
  if (compared.length === 0) return [];
  return [
    'Median (least–most) of the runs: records/s, of idle polls processor time, over that of the bare loop:',
    '',
    ...textTable(['scenario', 'ratio'], compared, 1),
    '',
  ];
}

const columns: readonly (readonly [title: string, column: Column])[] = [
  ['runs', 'runs'],
  ['records/s', 'recordsPerSecond'],
  ['ratio', 'ratioToBareSdk'],
  ['µs/record', 'cpuMicrosPerRecord'],
  ['calls/s', 'callsPerSecond'],
  ['µs/call', 'cpuMicrosPerCall'],
  ['µs ratio', 'cpuRatioToBareSdk'],
  ['process cores', 'processCores'],
  ['busy', 'busyShare'],
  ['reading cores', 'cores'],
  ['renewal cores', 'renewalCores'],
  ['RSS MB', 'rssMegabytes'],
  ['connections', 'connections'],
];
