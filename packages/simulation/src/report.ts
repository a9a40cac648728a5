import type { SimulationResult } from './simulation';
import type { SteadyResult } from './steady-run';

/** A failure, to be read by people: what broke, how to see it again, and what led to it. */
export function describeFailure({ seed, weather, failure }: SimulationResult): string {
  if (failure === undefined) return '';
  const { guarantee, what, leaseKey, atMs, trace } = failure;
  return [
    '',
    `seed ${seed} (${weather}): ${guarantee} does not hold at ${(atMs / 1_000).toFixed(3)} s`,
    `  ${leaseKey === undefined ? '' : `${leaseKey}: `}${what}`,
    `  again: npm run -s simulate -- --seeds 1 --seed ${seed} --trace`,
    '  what led to it (rows: [counter owner (asked of holder) at checkpoint by write marks]):',
    ...trace.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** What a fleet at rest asked of DynamoDB, as a table. */
export function describeCosts({
  load,
  hours,
  workers,
  leases,
  moves,
  perLeaseHour,
  perWorkerHour,
}: SteadyResult): string {
  const lines = (per: string, rates: SteadyResult['perLeaseHour'] | SteadyResult['perWorkerHour']): string[] =>
    Object.entries(rates).map(
      ([name, { measured, predicted }]) => `| ${name} per ${per} | ${measured} | ${predicted} |`,
    );
  return [
    `${load}: ${workers} workers, ${leases} leases, ${hours} hours, ${moves} moves`,
    '',
    '| | measured | at most, by the formula |',
    '|---|---|---|',
    ...lines('lease and hour', perLeaseHour),
    ...lines('worker and hour', perWorkerHour),
    '',
  ].join('\n');
}
