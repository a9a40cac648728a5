import { isHandoverPending, type Lease } from '@millrace/core';

/** A readable lease as one worker sees it. */
export interface LeaseView {
  readonly lease: Lease;
  /** `free`: anybody may take it. `unclaimed`: it has been free for so long that whoever was to take it does not. */
  readonly state: 'owned' | 'free' | 'unclaimed';
  /** This worker holds it, or is about to: a move of its own is under way. */
  readonly held: boolean;
}

/** What one worker is to do now. */
export interface AssignmentPlan {
  readonly take: readonly Lease[];
  readonly adopt: readonly Lease[];
  readonly request: readonly Lease[];
}

export interface AssignmentRequest {
  readonly leases: readonly LeaseView[];
  readonly me: string;
  readonly maxLeases: number;
}

/**
 * Every worker computes the same shares from the same view and carries out its own part: takes what is free, asks the
 * overloaded for the rest. A lease counts for its future owner, so that nothing is asked for twice.
 *
 * A worker that owns nothing yet is unknown to all others. Two such newcomers plan the same moves, on purpose: of each
 * lease that both ask for one of them gets it, and no owner is asked for more than one newcomer would have been. What
 * is free, on the other hand, each worker goes through in an order of its own, so that they seldom meet.
 */
export function planAssignment({ leases, me, maxLeases }: AssignmentRequest): AssignmentPlan {
  const owned = leases.filter(({ state }) => state === 'owned');
  const free = leases.filter(({ state }) => state !== 'owned');
  const loads = countLoads(owned, me);
  const mine = loads.get(me) ?? 0;
  const targets = fairTargets(loads, free.length);

  const room = Math.max(0, Math.min(targets.get(me) ?? 0, maxLeases) - mine);
  const inMyOrder = orderFor(me, free);
  const share = inMyOrder.slice(0, room);
  const unclaimed = inMyOrder.slice(room).filter(({ state }) => state === 'unclaimed');
  const beyondShare = Math.min(Math.ceil(unclaimed.length / loads.size), Math.max(0, maxLeases - mine - share.length));
  const take = [...share, ...unclaimed.slice(0, beyondShare)].map(({ lease }) => lease);

  const request = planRequests({ owned, loads, targets, me, satisfied: free.length }).slice(
    0,
    Math.max(0, room - take.length),
  );
  return { take, adopt: adoptable(owned, me, maxLeases), request };
}

/** How many leases each worker has or is about to get; with every worker that is known to live. */
function countLoads(owned: readonly LeaseView[], me: string): ReadonlyMap<string, number> {
  const loads = new Map<string, number>([[me, 0]]);
  for (const { lease } of owned) {
    if (lease.leaseOwner !== undefined) loads.set(lease.leaseOwner, (loads.get(lease.leaseOwner) ?? 0) + 1);
    if (isHandoverPending(lease) && lease.checkpointOwner !== undefined) {
      loads.set(lease.checkpointOwner, loads.get(lease.checkpointOwner) ?? 0);
    }
  }
  return loads;
}

/** Even shares; the leases that are left over stay with those who have most, so that nothing moves once it is even. */
function fairTargets(loads: ReadonlyMap<string, number>, freeCount: number): ReadonlyMap<string, number> {
  const total = [...loads.values()].reduce((sum, load) => sum + load, freeCount);
  const least = Math.floor(total / loads.size);
  const withOneMore = total % loads.size;
  const workers = [...loads].sort(([a, loadA], [b, loadB]) => loadB - loadA || compareText(a, b));
  return new Map(workers.map(([worker], index) => [worker, index < withOneMore ? least + 1 : least]));
}

/** The leases that are mine to ask for: surplus and need of all workers are lined up, and I look for my places. */
function planRequests({
  owned,
  loads,
  targets,
  me,
  satisfied,
}: {
  readonly owned: readonly LeaseView[];
  readonly loads: ReadonlyMap<string, number>;
  readonly targets: ReadonlyMap<string, number>;
  readonly me: string;
  /** How many of the places are served by free leases. */
  readonly satisfied: number;
}): readonly Lease[] {
  const excess = [...loads]
    .map(([worker, load]) => ({ worker, excess: load - (targets.get(worker) ?? 0) }))
    .sort((a, b) => b.excess - a.excess || compareText(a.worker, b.worker));
  const surplus = excess
    .filter(({ worker, excess }) => excess > 0 && worker !== me)
    .flatMap(({ worker, excess }) =>
      owned
        .filter((view) => isMovableFrom(worker, view))
        .sort(byKey)
        .slice(0, excess),
    );
  const needs = excess.filter(({ excess }) => excess < 0).map(({ worker, excess }) => ({ worker, need: -excess }));
  const places = roundRobin(needs).slice(satisfied);
  return surplus.filter((_, index) => places[index] === me).map(({ lease }) => lease);
}

/** Not while it is on its way to somebody: asked for, or handed over and not adopted yet. */
function isMovableFrom(worker: string, { lease, held }: LeaseView): boolean {
  return lease.leaseOwner === worker && !held && !isHandoverPending(lease) && !lease.handedOver;
}

/** What others handed over to me. Beyond the limit, leases that I no longer have room for are left out. */
function adoptable(owned: readonly LeaseView[], me: string, maxLeases: number): readonly Lease[] {
  const named = owned.filter(({ lease }) => lease.leaseOwner === me);
  const room = Math.max(0, maxLeases - named.filter(({ held }) => held).length);
  return named
    .filter(({ lease, held }) => !held && lease.handedOver && !isHandoverPending(lease))
    .sort(byKey)
    .slice(0, room)
    .map(({ lease }) => lease);
}

function roundRobin(needs: readonly { readonly worker: string; readonly need: number }[]): readonly string[] {
  const places: string[] = [];
  const rounds = Math.max(0, ...needs.map(({ need }) => need));
  for (let round = 0; round < rounds; round++) {
    for (const { worker, need } of needs) if (need > round) places.push(worker);
  }
  return places;
}

/** A shuffle that differs between workers and is the same each time. */
function orderFor(worker: string, views: readonly LeaseView[]): readonly LeaseView[] {
  return views
    .map((view) => ({ view, rank: hash(`${worker}/${view.lease.leaseKey}`) }))
    .sort((a, b) => a.rank - b.rank || byKey(a.view, b.view))
    .map(({ view }) => view);
}

/** FNV-1a with a final mix: spreads names that differ in one digit. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function byKey(a: LeaseView, b: LeaseView): number {
  return compareText(a.lease.leaseKey, b.lease.leaseKey);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
