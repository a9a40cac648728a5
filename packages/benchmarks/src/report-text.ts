import { isReached, type Limit } from './limit';
import { rounded, spreadOf } from './statistics';
import { textTable } from './text-table';

/** A figure in a table; nothing where it does not apply. */
export function shown(value: number | null): string {
  return value === null ? '' : String(value);
}

/** `median (least–most)`, of one value or more. */
export function shownSpread(values: readonly number[]): string {
  const { median, min, max } = spreadOf(values);
  return `${rounded(median)} (${rounded(min)}–${rounded(max)})`;
}

/** What a row must reach. */
export interface LimitedRow<Column extends string> {
  readonly name: string;
  readonly row: Readonly<Record<Column, number | null>>;
  readonly limits: readonly Limit<Column>[];
}

/** Of each limit whether it was reached. */
export function verdictLines<Column extends string>(rows: readonly LimitedRow<Column>[]): readonly string[] {
  const verdicts = rows.flatMap(({ name, row, limits }) =>
    limits.map((limit) => {
      const { column, least, most } = limit;
      const measured = row[column];
      return [
        name,
        column,
        isReached(limit, measured) ? 'reached' : 'MISSED',
        least === undefined ? `≤ ${most ?? ''}` : `≥ ${least}`,
        measured === null ? 'nothing' : shown(measured),
      ];
    }),
  );
  return [
    'What must be reached on two cores:',
    '',
    ...textTable(['scenario', 'what', '', 'limit', 'measured'], verdicts, 3),
  ];
}
