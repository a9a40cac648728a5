import { rounded, spreadOf } from '../statistics';
import { textTable } from '../text-table';
import { limits } from './limits';
import { rowOf, type Measurement, type Row } from './row';

/** What people read: the figures, how far the runs were apart, and whether what must be reached was. */
export function reportLines(measurements: readonly Measurement[]): readonly string[] {
  const rows = measurements.map(rowOf);
  return [
    'Times in ms; medians, but for p99.',
    '',
    ...textTable(
      ['scenario', ...columns.map(([title]) => title)],
      rows.map((row) => [row.scenario, ...columns.map(([, column]) => shown(row[column]))]),
      1,
    ),
    '',
    'Median (least–most) of the runs until even:',
    '',
    ...textTable(
      ['scenario', 'even'],
      measurements.flatMap(({ scenario, samples: { balancedMs } }) =>
        balancedMs === undefined ? [] : [[scenario.name, spread(balancedMs)]],
      ),
      1,
    ),
    '',
    'What must be reached on two cores:',
    '',
    ...textTable(['scenario', 'what', '', 'at most', 'measured'], measurements.flatMap(verdicts), 3),
  ];
}

const columns: readonly (readonly [title: string, column: Exclude<keyof Row, 'failoverTimeMs' | 'scenario'>])[] = [
  ['workers', 'workers'],
  ['shards', 'shards'],
  ['runs', 'runs'],
  ['even', 'balancedMs'],
  ['first record', 'firstRecordMs'],
  ['p99', 'p99Ms'],
  ['ratio', 'ratio'],
  ['moves', 'moves'],
  ['most moves', 'maxMoves'],
  ['takes/lease', 'claimsPerLease'],
  ['creates/lease', 'createsPerLease'],
  ['duplicates', 'duplicates'],
  ['missing', 'missing'],
];

function verdicts({ scenario, samples }: Measurement): readonly (readonly string[])[] {
  return limits[scenario.name].map(({ what, atMost, kind, of }) => {
    const measured = of(samples);
    const verdict = measured !== undefined && measured <= atMost ? 'reached' : kind === 'aim' ? 'aim missed' : 'MISSED';
    return [
      scenario.name,
      what,
      verdict,
      String(atMost),
      measured === undefined ? 'nothing' : shown(rounded(measured)),
    ];
  });
}

function shown(value: number | null): string {
  return value === null ? '' : String(value >= 100 ? Math.round(value) : value);
}

function spread(values: readonly number[]): string {
  const { median, min, max } = spreadOf(values);
  return `${Math.round(median)} (${Math.round(min)}–${Math.round(max)})`;
}
