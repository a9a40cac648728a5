import { rounded, spreadOf } from '../statistics';
import { textTable } from '../text-table';
import { isReached, limits } from './limits';
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
    'What must be reached on two cores:',
    '',
    ...textTable(['scenario', 'what', '', 'limit', 'measured'], rows.flatMap(verdicts), 3),
  ];
}

function spreadLines(measurements: readonly Measurement[]): readonly string[] {
  const compared = measurements.flatMap(({ name, samples: { comparisons = [] } }) =>
    comparisons.length === 0 ? [] : [[name, spread(comparisons.map(ratioOf))]],
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

function verdicts(row: Row): readonly (readonly string[])[] {
  return (limits[row.scenario] ?? []).map((limit) => {
    const { column, least, most } = limit;
    const measured = row[column];
    return [
      row.scenario,
      column,
      isReached(limit, measured) ? 'reached' : 'MISSED',
      least === undefined ? `≤ ${most ?? ''}` : `≥ ${least}`,
      measured === null ? 'nothing' : shown(measured),
    ];
  });
}

function shown(value: number | null): string {
  return value === null ? '' : String(value);
}

function spread(values: readonly number[]): string {
  const { median, min, max } = spreadOf(values);
  return `${rounded(median)} (${rounded(min)}–${rounded(max)})`;
}
