import type { AirportTotals } from '../flight-delays/totals-table';
import type { LoggedDelivery } from './delivery-tail';
import { byOrigin, type Flight } from './flights';

/** Everything that the demo knows at its end. */
export interface Evidence {
  /** The file. */
  readonly flights: readonly Flight[];
  /** How many of them, from the first on, are in the stream. */
  readonly produced: number;
  /** In any order. */
  readonly deliveries: readonly LoggedDelivery[];
  readonly totals: readonly AirportTotals[];
  readonly shards: readonly ShardEvidence[];
  readonly workers: readonly { readonly name: string; readonly state: string }[];
}

export interface ShardEvidence {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  readonly recordCount: number;
}

export interface Verdict {
  readonly ok: boolean;
  readonly produced: number;
  readonly deliveredDistinct: number;
  /** Flights in the stream that were never delivered. */
  readonly missing: number;
  /** Deliveries of a flight beyond the first. */
  readonly duplicates: number;
  /** Those of flights that had been delivered by a worker that was not killed. Told, but no fault: see `judge`. */
  readonly duplicatesWithoutCrash: number;
  /** Flights that were delivered for the first time after a later flight of the same airport was. */
  readonly orderViolations: number;
  readonly answerMatches: boolean;
  readonly workersStarted: number;
  readonly workersKilled: number;
  /** Whose two children both got records. */
  readonly splits: number;
  /** Whose child got records. */
  readonly merges: number;
  /** What is wrong, for people; empty if all is well. */
  readonly problems: readonly string[];
}

export type Answer = ReadonlyMap<string, Pick<AirportTotals, 'flights' | 'delaySum' | 'worstDelay'>>;

/** The same answer as the workers', computed straight from the file. */
export function answerOf(flights: readonly Flight[]): Answer {
  return new Map(
    [...byOrigin(flights)].map(([airport, group]) => [
      airport,
      {
        flights: group.length,
        delaySum: group.reduce((sum, { delay }) => sum + delay, 0),
        worstDelay: Math.max(...group.map(({ delay }) => delay)),
      },
    ]),
  );
}

/**
 * Duplicates are no fault. After a crash they must come; without one they come only if a lease is lost, because renewals
 * were late on a machine that is too busy.
 */
export function judge({ flights, produced, deliveries, totals, shards, workers }: Evidence): Verdict {
  const inTime = [...deliveries].sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  const first = firstDeliveries(inTime);
  const inStream = flights.slice(0, produced);
  const missing = inStream.filter(({ index }) => !first.has(index)).length;
  const unknown = deliveries.filter(({ index, airport }) => inStream[index]?.origin !== airport).length;
  const orderViolations = countOrderViolations([...first.values()]);
  const wrongAirports = compareAnswers(answerOf(flights), totals);
  const killed = new Set(workers.filter(({ state }) => state === 'killed').map(({ name }) => name));
  const unclean = workers.filter(({ state }) => state !== 'killed' && state !== 'stopped').length;
  const splits = countSplits(shards);
  const merges = shards.filter((shard) => shard.parentShardIds.length === 2 && shard.recordCount > 0).length;
  const problems = [
    produced === flights.length ? undefined : `${flights.length - produced} flights did not get into the stream`,
    missing === 0 ? undefined : `${missing} flights were not delivered`,
    unknown === 0 ? undefined : `${unknown} deliveries are of flights that are not in the stream`,
    orderViolations === 0 ? undefined : `${orderViolations} flights were delivered after a later one of their airport`,
    ...wrongAirports,
    killed.size === 1 ? undefined : `${killed.size} workers were killed, not 1`,
    unclean === 0 ? undefined : `${unclean} workers did not stop cleanly`,
    splits === 1 ? undefined : `${splits} splits with records in both children, not 1`,
    merges === 1 ? undefined : `${merges} merges with records in the child, not 1`,
  ].filter((problem) => problem !== undefined);
  return {
    ok: problems.length === 0,
    produced,
    deliveredDistinct: first.size,
    missing,
    duplicates: deliveries.length - first.size,
    duplicatesWithoutCrash: countDuplicatesWithoutCrash(inTime, killed),
    orderViolations,
    answerMatches: wrongAirports.length === 0,
    workersStarted: workers.length,
    workersKilled: killed.size,
    splits,
    merges,
    problems,
  };
}

/** By flight, in the order of time. */
function firstDeliveries(inTime: readonly LoggedDelivery[]): ReadonlyMap<number, LoggedDelivery> {
  const first = new Map<number, LoggedDelivery>();
  for (const delivery of inTime) if (!first.has(delivery.index)) first.set(delivery.index, delivery);
  return first;
}

function countDuplicatesWithoutCrash(inTime: readonly LoggedDelivery[], killed: ReadonlySet<string>): number {
  const last = new Map<number, LoggedDelivery>();
  let count = 0;
  for (const delivery of inTime) {
    const before = last.get(delivery.index);
    if (before !== undefined && !killed.has(before.worker)) count++;
    last.set(delivery.index, delivery);
  }
  return count;
}

function countOrderViolations(inTime: readonly LoggedDelivery[]): number {
  const latest = new Map<string, number>();
  let violations = 0;
  for (const { airport, index } of inTime) {
    const before = latest.get(airport) ?? -1;
    if (index < before) violations++;
    else latest.set(airport, index);
  }
  return violations;
}

function compareAnswers(expected: Answer, totals: readonly AirportTotals[]): readonly string[] {
  const found = new Map(totals.map((row) => [row.airport, row]));
  const airports = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return airports.flatMap((airport) => {
    const wanted = describe(expected.get(airport));
    const got = describe(found.get(airport));
    return wanted === got ? [] : [`${airport}: the workers have ${got}, the file ${wanted}`];
  });
}

function describe(totals: Pick<AirportTotals, 'flights' | 'delaySum' | 'worstDelay'> | undefined): string {
  if (totals === undefined) return 'no flights';
  return `${totals.flights} flights, delays of ${totals.delaySum} min in all, ${totals.worstDelay} min at worst`;
}

function countSplits(shards: readonly ShardEvidence[]): number {
  return shards.filter(({ shardId }) => {
    const children = shards.filter(
      ({ parentShardIds }) => parentShardIds.length === 1 && parentShardIds[0] === shardId,
    );
    return children.length === 2 && children.every(({ recordCount }) => recordCount > 0);
  }).length;
}
