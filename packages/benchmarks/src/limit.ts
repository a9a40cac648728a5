/** Something that a row must reach on two cores. */
export interface Limit<Column extends string> {
  readonly column: Column;
  readonly least?: number;
  readonly most?: number;
}

/** Nothing that was not measured is within a limit. */
export function isReached(
  { least = -Infinity, most = Infinity }: Pick<Limit<string>, 'least' | 'most'>,
  value: number | null,
): boolean {
  return value !== null && value >= least && value <= most;
}
