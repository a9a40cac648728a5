import { shown, shownSpread, verdictLines } from '../report-text';
import { textTable } from '../text-table';
import { limits } from './limits';
import { ratioOf, rowOf, type Row } from './row';
import type { Measurement } from './scenario';

/** What people read: the figures, how far the runs were apart, and whether what must be reached was. */
export function reportLines(measurements: readonly Measurement[]): readonly string[] {
  const rows = measurements.map(rowOf);
  return [
    'Medians of the runs. Processor time in µs for a record; the ratio is that of the bare loop over ours.',
    '',
    ...textTable(
      ['scenario', ...columns.map(([title]) => title)],
      rows.map((row) => [row.scenario, ...columns.map(([, column]) => shown(row[column]))]),
      1,
    ),
    '',
    ...spreadLines(measurements),
    ...verdictLines(rows.map((row) => ({ name: row.scenario, row, limits: limits[row.scenario] ?? [] }))),
  ];
}

function spreadLines(measurements: readonly Measurement[]): readonly string[] {
  const compared = measurements.flatMap(({ name, samples: { comparisons = [] } }) =>
    comparisons.length === 0 ? [] : [[name, shownSpread(comparisons.map(ratioOf))]],
  );
  if (compared.length === 0) return [];
  return ['Median (least–most) of the ratio of the runs:', '', ...textTable(['scenario', 'ratio'], compared, 1), ''];
}

const columns: readonly (readonly [title: string, column: Exclude<keyof Row, 'scenario'>])[] = [
  ['runs', 'runs'],
  ['ratio', 'ratio'],
  ['µs', 'cpuMicrosPerRecord'],
  ['bare µs', 'bareCpuMicrosPerRecord'],
  ['records/s', 'recordsPerSecond'],
  ['bare records/s', 'bareRecordsPerSecond'],
  ['p50 ms', 'p50Ms'],
  ['p99 ms', 'p99Ms'],
  ['RSS MB', 'rssMegabytes'],
  ['throttled', 'throttledShare'],
  ['least share', 'leastShare'],
];
