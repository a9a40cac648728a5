import type { Chance } from './chance';
import type { CallFaultKind, FaultKind } from './fault-kinds';
import { callFaultKinds, calmKinds, faultKinds } from './fault-kinds';
import { goodHabits, habits, type Habit } from './user-code';

/** How a fleet is set up, and what it will go through: all of it follows from the seed. */
export interface FleetSettings {
  /** Only what may not cause one duplicate. */
  readonly isCalm: boolean;
  readonly workers: number;
  readonly shards: number;
  /** One for each new worker, in turn: fleets change their settings. */
  readonly failoverTimesMs: readonly number[];
  readonly handoverTimeoutMs: number;
  readonly checkpointing: 'manual' | 'automatic';
  readonly initialPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly habits: readonly Habit[];
  readonly slowMs: number;
  /** When the last fault is over. */
  readonly chaosEndsAtMs: number;
  readonly faults: readonly PlannedFault[];
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

const chaosBeginsAtMs = 12_000;

/** Faults that come together do so within this time. */
const clusterMs = 8_000;

/** One seed of so many is calm. */
const calmShare = 6;

export function isCallFault(kind: FaultKind): kind is CallFaultKind {
  return (callFaultKinds as readonly FaultKind[]).includes(kind);
}

export function drawSettings(
  chance: Chance,
  { workers, shards }: { readonly workers?: number | undefined; readonly shards?: number | undefined },
): FleetSettings {
  const isCalm = chance.wholeBetween(1, calmShare) === 1;
  const failoverTimeMs = chance.oneOf([6_000, 10_000, 15_000]) ?? 10_000;
  const handoverTimeoutMs = chance.oneOf([4_000, 8_000, 15_000]) ?? 6_000;
  const chaosEndsAtMs = chance.between(200_000, 250_000);
  return {
    isCalm,
    workers: workers ?? chance.wholeBetween(minWorkers, minWorkers + 1),
    shards: shards ?? chance.wholeBetween(minShards, minShards + 3),
    failoverTimesMs: chance.happens(0.2) ? [failoverTimeMs, failoverTimeMs * 2] : [failoverTimeMs],
    handoverTimeoutMs,
    checkpointing: chance.happens(0.3) ? 'automatic' : 'manual',
    initialPosition: chance.happens(0.25) ? 'LATEST' : 'TRIM_HORIZON',
    habits: isCalm ? goodHabits : habits,
    slowMs: handoverTimeoutMs / 3,
    chaosEndsAtMs,
    faults: drawFaults(chance, isCalm ? calmKinds : faultKinds, chaosEndsAtMs),
  };
}

function drawFaults(chance: Chance, kinds: readonly FaultKind[], untilMs: number): readonly PlannedFault[] {
  const drawn: PlannedFault[] = [{ kind: 'split', atMs: chance.between(chaosBeginsAtMs, untilMs) }];
  let atMs = 0;
  for (let left = chance.wholeBetween(6, 16); left > 0; left--) {
    const isSoonAfter = atMs > 0 && chance.happens(0.4);
    atMs = isSoonAfter
      ? Math.min(untilMs, atMs + chance.between(0, clusterMs))
      : chance.between(chaosBeginsAtMs, untilMs);
    drawn.push({ kind: chance.oneOf(kinds) ?? 'join', atMs });
  }
  return drawn.sort((a, b) => a.atMs - b.atMs);
}
