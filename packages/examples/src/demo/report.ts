import type { AirportTotals } from '../flight-delays/totals-table';
import type { Verdict } from './verdict';

const shownAirports = 5;
const shownProblems = 10;

/** What people read last. */
export function reportLines({
  failure,
  verdict,
  totals,
}: {
  readonly failure: Error | undefined;
  readonly verdict: Verdict;
  readonly totals: readonly AirportTotals[];
}): readonly string[] {
  const rows = [
    ['flights put into the stream', verdict.produced],
    ['delivered at least once', verdict.deliveredDistinct],
    ['missing', verdict.missing],
    ['delivered again', `${verdict.duplicates}, of these not because of the crash: ${verdict.duplicatesWithoutCrash}`],
    ['out of order, by airport', verdict.orderViolations],
    ['workers started / killed', `${verdict.workersStarted} / ${verdict.workersKilled}`],
    ['shards split / merged', `${verdict.splits} / ${verdict.merges}`],
    ['totals of all airports', verdict.answerMatches ? 'as computed from the file' : 'WRONG'],
  ] as const;
  const problems = verdict.problems.slice(0, shownProblems);
  const more = verdict.problems.length - problems.length;
  return [
    '',
    ...rows.map(([title, value]) => `${title.padEnd(28)} ${value}`),
    '',
    ...busiest(totals),
    '',
    ...problems.map((problem) => `problem: ${problem}`),
    ...(more > 0 ? [`and ${more} more problems`] : []),
    verdict.ok ? 'All is well.' : `Not all is well${failure === undefined ? '' : `: ${failure.message}`}.`,
  ];
}

function busiest(totals: readonly AirportTotals[]): readonly string[] {
  const some = [...totals].sort((a, b) => b.flights - a.flights).slice(0, shownAirports);
  const rows = some.map(({ airport, flights, delaySum, worstDelay }) => [
    airport,
    String(flights),
    `${(delaySum / flights).toFixed(1)} min`,
    `${worstDelay} min`,
  ]);
  return [['airport', 'flights', 'mean delay', 'worst'], ...rows].map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(8) : cell.padStart(12))).join(''),
  );
}
