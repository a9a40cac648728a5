import type { ConcurrencyOptions } from 'millrace';
import { auditAmbushKinds, type AmbushKind } from './ambush';
import type { Chance } from './chance';
import type { CallFaultKind, FaultKind } from './fault-kinds';
import { callFaultKinds, calmKinds, showerKinds, stormKinds } from './fault-kinds';
import { keyCount } from './producer';
import { goodHabits, habits, policies, type Habit, type SimulatedPolicy } from './user-code';

/** How a fleet is set up, and what it will go through: all of it follows from the seed. */
export interface FleetSettings {
  readonly weather: Weather;
  /** Nothing may be delivered twice: in any weather but storm. */
  readonly isCalm: boolean;
  readonly workers: number;
  readonly shards: number;
  /** So often the stream was resharded before the first worker came. */
  readonly reshardsBefore: number;
  /** When the first workers come, at the earliest and at the latest. */
  readonly startsFromMs: number;
  readonly startsToMs: number;
  /** One for each new worker, in turn: fleets change their settings. */
  readonly failoverTimesMs: readonly number[];
  /** For each new worker in turn, as all below that are lists. */
  readonly handoverTimeoutsMs: readonly number[];
  readonly mailIntervalMs: number;
  readonly scanIntervalMs: number;
  /** Whether it stands in the registry of live workers. */
  readonly registry: readonly boolean[];
  /** Whether it knows the second version of the plan. */
  readonly knowsSecondPlan: readonly boolean[];
  /** Whoever starts after the faults has no limit. */
  readonly maxLeases: readonly number[];
  /** A new worker takes the name of one that is gone. */
  readonly reusesNames: boolean;
  /** Processors that may do without have no `shardEnded`. */
  readonly endsShardsSilently: boolean;
  readonly idleTimeBetweenReadsMs: number;
  readonly auditIntervalMs: number;
  /** A shard that cannot be read is given up as soon as a worker may. */
  readonly givesUpEarly: boolean;
  readonly checkpointing: 'manual' | 'automatic';
  readonly checkpointEveryRecords: number;
  readonly initialPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly habits: readonly Habit[];
  /** Processors take records one by one; those of one key in turn, or all of them. Absent: they take batches. */
  readonly singleRecords: SingleRecordSettings | undefined;
  /** At this one the process ends, whoever is given it: as long as there are faults. */
  readonly deadlyRecord: DeadlyRecord | undefined;
  /** But for `block` some records are such that the user's code fails at them. */
  readonly failurePolicy: SimulatedPolicy;
  /** So many batches are read ahead of the one in hand. */
  readonly readAheadPages: number;
  /** The memory budget of each worker. */
  readonly memoryBytes: number;
  readonly slowMs: number;
  /** A call that is deaf to its signal lasts up to so long. */
  readonly stubbornMs: number;
  /** Trouble that lies in wait for a moment that is rare. */
  readonly ambush: AmbushKind | undefined;
  /** The table has the leases of an earlier stream until then; 0: it has none. */
  readonly foreignRowsUntilMs: number;
  /** Who is told to stop lets its calls end as soon as they can, instead of waiting for them. */
  readonly stopsAtOnce: boolean;
  /** When the last fault is over. */
  readonly chaosEndsAtMs: number;
  readonly faults: readonly PlannedFault[];
}

export interface SingleRecordSettings {
  readonly concurrency: Required<ConcurrencyOptions> | undefined;
  /** What becomes a dead letter takes all of its key with it. */
  readonly quarantinesKeys: boolean;
}

export interface DeadlyRecord {
  readonly key: string;
  readonly number: number;
  /** As often it may end the process by itself. */
  readonly maxCrashes: number;
}

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly atMs: number;
}

/** The least that is asked of a seed. */
export const minWorkers = 3;
export const minShards = 4;
/** Each run lasts at least so long. */
export const minVirtualMs = 300_000;

/** Most fleets have started by then. */
const chaosBeginsAtMs = 12_000;

/** Faults that come together do so within this time. */
const clusterMs = 8_000;

/** What a read reserves at least of a shard of which nothing is known: for one record of any size. */
export const leastForAnyRead = 7 * 1024 * 1024 + 1_000;

/** Far below that, but some records are left for each read once their size is known: with one at a time slow code never catches up. */
const tinyMemoryBytes = 20_000;

/** Of the storms. */
const auditAmbushShare = 0.12;
const sharingAmbushShare = 0.06;
const deletedTwiceShare = 0.02;
const foreignRowsShare = 1 / 30;
const deadlyShare = 1 / 5;

/** One seed of so many is calm, and one of so many has showers. */
const calmShare = 6;
const showersShare = 8;

/**
 * `calm`: only what may not cause one duplicate. `showers`: calls go wrong as well, and machines stand still for moments, but
 * never so much of it at once that a lease may be lost. `storm`: everything.
 */
export type Weather = 'calm' | 'showers' | 'storm';

const kindsIn: Record<Weather, readonly FaultKind[]> = { calm: calmKinds, showers: showerKinds, storm: stormKinds };

export function isCallFault(kind: FaultKind): kind is CallFaultKind {
  return (callFaultKinds as readonly FaultKind[]).includes(kind);
}

export function drawSettings(
  chance: Chance,
  { workers, shards }: { readonly workers?: number | undefined; readonly shards?: number | undefined },
): FleetSettings {
  const weather = drawWeather(chance);
  const isCalm = weather !== 'storm';
  const ambush = weather === 'storm' && chance.happens(auditAmbushShare) ? chance.oneOf(auditAmbushKinds) : undefined;
  const drawnFailoverTimeMs = chance.oneOf([8_000, 15_000, 20_000, 20_000, 20_000]) ?? 20_000;
  const failoverTimeMs = ambush === undefined ? drawnFailoverTimeMs : 8_000;
  const handoverTimeoutMs = chance.oneOf([4_000, 8_000, 15_000]) ?? 6_000;
  const isPatient = chance.happens(0.4);
  const chaosEndsAtMs = chance.between(200_000, 250_000);
  const registry = ambush === undefined ? drawRegistry(chance) : [true];
  const sizes = {
    workers: workers ?? minWorkers + (chance.happens(0.3) ? 1 : 0),
    shards: shards ?? chance.wholeBetween(minShards, minShards + 2),
  };
  const failoverTimesMs =
    ambush === 'held-row' || chance.happens(0.2) ? [failoverTimeMs, failoverTimeMs * 2] : [failoverTimeMs];
  const mailIntervalMs = drawMailInterval(chance, failoverTimeMs);
  const scanIntervalMs = failoverTimeMs / (chance.happens(0.15) ? 5 : 4);
  // Who is not in the registry does not say which plans it knows.
  const knowsSecondPlan = registry.includes(false) || ambush === 'left-shard' ? [false] : drawPlans(chance);
  const reshardsBefore = chance.happens(0.2) ? chance.wholeBetween(1, 3) : 0;
  // What was put before the first worker came lies clearly before LATEST.
  const startsFromMs = reshardsBefore > 0 ? 4_000 : 0;
  const settings: FleetSettings = {
    weather,
    isCalm,
    ...sizes,
    reshardsBefore,
    startsFromMs,
    startsToMs: startsFromMs + (chance.happens(0.25) ? 20_000 : 2_000),
    failoverTimesMs,
    handoverTimeoutsMs: isPatient ? [handoverTimeoutMs, handoverTimeoutMs * 10] : [handoverTimeoutMs],
    mailIntervalMs,
    scanIntervalMs,
    registry,
    knowsSecondPlan,
    // The second plan knows of no limits, nor does anybody know those of workers that are not in the registry.
    maxLeases:
      ambush === 'left-shard'
        ? [1]
        : drawMaxLeases(chance, !registry.includes(false) && !knowsSecondPlan.includes(true)),
    reusesNames: chance.happens(1 / 4),
    endsShardsSilently: chance.happens(1 / 4),
    idleTimeBetweenReadsMs: chance.oneOf([5_000, 10_000, 15_000]) ?? 10_000,
    // Who is not in the registry does not see that others fill the table, and puts back what they are about to create.
    auditIntervalMs: ambush !== undefined || (chance.happens(0.2) && !registry.includes(false)) ? 10_000 : 60_000,
    // The second plan moves what was given up as soon as it may.
    givesUpEarly: weather === 'storm' && !knowsSecondPlan.includes(true) && chance.happens(0.5),
    checkpointing: chance.happens(0.3) ? 'automatic' : 'manual',
    initialPosition: chance.happens(0.25) ? 'LATEST' : 'TRIM_HORIZON',
    habits: isCalm ? goodHabits : habits,
    slowMs: handoverTimeoutMs * 0.7,
    stubbornMs: isPatient ? 60_000 : 30_000,
    chaosEndsAtMs,
    ambush,
    foreignRowsUntilMs:
      weather === 'storm' && chance.happens(foreignRowsShare) ? startsFromMs + chance.between(10_000, 30_000) : 0,
    faults: drawFaults(chance, {
      kinds: kindsIn[weather],
      fromMs: chance.happens(0.2) ? startsFromMs : chaosBeginsAtMs,
      untilMs: chaosEndsAtMs,
      merges: ambush === 'waiting-child' ? 3 : 0,
    }),
    singleRecords: drawSingleRecords(chance),
    // What a record holds up is not acknowledged in time, and comes again.
    failurePolicy: weather === 'storm' && chance.happens(0.5) ? (chance.oneOf(policies) ?? 'block') : 'block',
    // What is cut short comes again.
    stopsAtOnce: weather === 'storm' && chance.happens(0.3),
    checkpointEveryRecords: chance.oneOf([Infinity, Infinity, 1, 5]) ?? Infinity,
    readAheadPages: chance.wholeBetween(0, 2),
    memoryBytes: drawMemory(chance),
    deadlyRecord: weather === 'storm' && chance.happens(deadlyShare) ? drawDeadlyRecord(chance) : undefined,
  };
  if (weather !== 'storm' || ambush !== undefined) return settings;
  if (chance.happens(sharingAmbushShare)) {
    return chance.happens(0.5) ? withFullFleet(settings, chance) : withDeafOwner(settings);
  }
  return chance.happens(deletedTwiceShare) ? withRowDeletedTwice(settings) : settings;
}

/** Audits come so often that there is time for what it takes. */
function withRowDeletedTwice(settings: FleetSettings): FleetSettings {
  return { ...settings, ambush: 'row-deleted-twice', registry: [true], auditIntervalMs: 10_000 };
}

/** One lease or two for each worker, too little for all that splits leave; workers come and go, and what they give up is heard of soon. */
function withFullFleet(settings: FleetSettings, chance: Chance): FleetSettings {
  const { chaosEndsAtMs } = settings;
  const comings = Array.from({ length: 6 }, (): PlannedFault => {
    const kind = chance.oneOf(['deploy', 'leave', 'join', 'join'] as const) ?? 'join';
    return { kind, atMs: chance.between(chaosBeginsAtMs, chaosEndsAtMs) };
  });
  return {
    ...settings,
    ambush: 'full-fleet',
    maxLeases: [chance.wholeBetween(1, 2)],
    failoverTimesMs: [20_000],
    scanIntervalMs: 5_000,
    mailIntervalMs: 1_000,
    registry: [true],
    knowsSecondPlan: [false],
    faults: [...settings.faults, ...comings].sort((a, b) => a.atMs - b.atMs),
  };
}

/** It lasts until an owner that says nothing of its hand-over timeout has had all the time that others give it, and is evicted. */
function withDeafOwner(settings: FleetSettings): FleetSettings {
  return {
    ...settings,
    ambush: 'deaf-owner',
    failoverTimesMs: [8_000],
    scanIntervalMs: 2_000,
    mailIntervalMs: 2_000,
    registry: [true],
    knowsSecondPlan: [false],
    maxLeases: [Infinity],
    chaosEndsAtMs: settings.chaosEndsAtMs + 200_000,
  };
}

function drawWeather(chance: Chance): Weather {
  const drawn = chance.next();
  if (drawn < 1 / calmShare) return 'calm';
  return drawn < 1 / calmShare + 1 / showersShare ? 'showers' : 'storm';
}

/** In showers: what goes wrong with one row comes so far apart. Half of that is the most for which a machine stands still. */
export function faultsApartMs({ weather, failoverTimesMs }: FleetSettings): number {
  return weather === 'showers' ? Math.min(...failoverTimesMs) * 0.6 : 0;
}

/** In one seed of four, three of four of these by key. */
function drawSingleRecords(chance: Chance): SingleRecordSettings | undefined {
  if (!chance.happens(1 / 4)) return undefined;
  if (!chance.happens(3 / 4)) return { concurrency: undefined, quarantinesKeys: false };
  const maxInFlight = chance.wholeBetween(1, 8);
  const maxAhead = maxInFlight + chance.wholeBetween(0, 20);
  return { concurrency: { by: 'partitionKey', maxInFlight, maxAhead }, quarantinesKeys: chance.happens(0.5) };
}

/** In one seed of three so little that one read waits for another; in one of twenty so little that each first one waits until nothing is held. */
function drawMemory(chance: Chance): number {
  const drawn = chance.next();
  if (drawn < 1 / 20) return tinyMemoryBytes;
  return drawn < 1 / 3 ? chance.wholeBetween(leastForAnyRead, 3 * leastForAnyRead) : 256_000_000;
}

/** One of the first of its key: it takes a while until it is found. */
function drawDeadlyRecord(chance: Chance): DeadlyRecord {
  const key = `k${chance.wholeBetween(1, keyCount)}`;
  return { key, number: chance.wholeBetween(0, 4), maxCrashes: chance.wholeBetween(1, 3) };
}

/** Off in one seed of eight, and of these in some only for a part of the fleet. */
function drawRegistry(chance: Chance): readonly boolean[] {
  if (!chance.happens(1 / 8)) return [true];
  return chance.happens(0.75) ? [false] : [true, true, false];
}

/** One fleet of three that may have a limit has one, for every other worker. */
function drawMaxLeases(chance: Chance, mayHaveLimit: boolean): readonly number[] {
  if (!chance.happens(1 / 3) || !mayHaveLimit) return [Infinity];
  const limit = chance.wholeBetween(2, 3);
  return chance.happens(0.5) ? [Infinity, limit] : [limit, Infinity];
}

/** Most seeds have none of the second version; in the others it comes with joins and deploys, here and there or in turn. */
function drawPlans(chance: Chance): readonly boolean[] {
  if (chance.happens(0.6)) return [false];
  return (
    chance.oneOf([[true], [false, true], [false, false, true], [false, false, false, false, true, true]]) ?? [true]
  );
}

/** Seldom as often as by default: that looks are most of what happens then. */
function drawMailInterval(chance: Chance, failoverTimeMs: number): number {
  if (chance.happens(1 / 50)) return 250;
  return chance.happens(1 / 20) ? 1_000 : failoverTimeMs / 4;
}

/**
 * How long a fleet whose workers have all started may take until every lease has an owner and the load is even: an
 * expiry, a hand-over that takes as long as it may, and what follows from it. Who waits longer for a hand-over than
 * others is evicted by them after two failover times more, and the lease expires then. Without the registry each worker
 * comes to be known only by the leases that it gets.
 */
export function balanceLimitMs(settings: FleetSettings): number {
  const { failoverTimesMs, handoverTimeoutsMs, registry, stubbornMs } = settings;
  const failoverMs = Math.max(...failoverTimesMs) * 1.05;
  const handoverMs = Math.min(stubbornMs, Math.max(...handoverTimeoutsMs));
  const failovers = 3 + (handoverTimeoutsMs.length > 1 ? 2 : 0) + (registry.includes(false) ? 2 : 0);
  return handoverMs + failovers * failoverMs + barredMs(settings);
}

/** After three lease times without a reason no lease moves any more; the user's code may hold up what has begun. */
export function restAfter(settings: FleetSettings): { readonly restsAfterMs: number; readonly heldUpMs: number } {
  const { isCalm, failoverTimesMs, stubbornMs } = settings;
  const heldUpMs = isCalm ? 0 : stubbornMs + barredMs(settings);
  return { restsAfterMs: 3 * Math.max(...failoverTimesMs), heldUpMs };
}

/**
 * What a worker has given up it does not take again for so long: a failover time, and each time after twice as long, until it
 * could read the shard. Four times in a row in two denials of 60 s that overlap.
 */
function barredMs({ givesUpEarly, failoverTimesMs }: FleetSettings): number {
  return givesUpEarly ? 8 * Math.max(...failoverTimesMs) : 0;
}

/** What the new worker gets of a list that is gone through in turn. */
export function inTurn<T>(list: readonly T[], index: number, otherwise: T): T {
  return list[index % list.length] ?? otherwise;
}

function drawFaults(
  chance: Chance,
  {
    kinds,
    fromMs,
    untilMs,
    merges,
  }: {
    readonly kinds: readonly FaultKind[];
    readonly fromMs: number;
    readonly untilMs: number;
    /** So many of them are among the faults in any case. */
    readonly merges: number;
  },
): readonly PlannedFault[] {
  const drawn: PlannedFault[] = [{ kind: 'split', atMs: chance.between(fromMs, untilMs) }];
  for (let left = merges; left > 0; left--) drawn.push({ kind: 'merge', atMs: chance.between(fromMs, untilMs) });
  let atMs = 0;
  for (let left = chance.wholeBetween(6, 16); left > 0; left--) {
    const isSoonAfter = atMs > 0 && chance.happens(0.4);
    atMs = isSoonAfter ? Math.min(untilMs, atMs + chance.between(0, clusterMs)) : chance.between(fromMs, untilMs);
    drawn.push({ kind: chance.oneOf(kinds) ?? 'join', atMs });
  }
  return drawn.sort((a, b) => a.atMs - b.atMs);
}
