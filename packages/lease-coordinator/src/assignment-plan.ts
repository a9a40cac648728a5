import { affinity } from './affinity';

/** A readable lease as one worker sees it. */
export interface LeaseView {
  readonly leaseKey: string;
  /** When its owner acquired it, by that worker's wall clock, in milliseconds since the epoch. */
  readonly acquiredAtMs: number | undefined;
  /** Who has it, or is about to: a lease that was asked for, or handed over, counts for its receiver. */
  readonly owner: string | undefined;
  /**
   * `free`: anybody may take it, at once or, if its owner is gone, as soon as it has expired. `unclaimed`: it has been free
   * for so long that whoever was to take it does not. `movable`: its owner can be asked for it. `fixed`: it is on its way, or
   * its owner is about to lose it: nobody may have it now.
   */
  readonly state: 'free' | 'unclaimed' | 'movable' | 'fixed';
}

/** A worker that takes part: it lives, and is not about to stop. */
export interface WorkerView {
  readonly workerId: string;
  /** The most that it takes or asks for. */
  readonly maxLeases: number;
}

export interface AssignmentRequest {
  readonly leases: readonly LeaseView[];
  readonly workers: readonly WorkerView[];
}

/**
 * Says who should have which lease. Must be pure: every worker computes it from what it sees, without talking to the others,
 * and carries out its own part. A lease without an entry stays as it is.
 */
export interface AssignmentPlan {
  /** 1 or more; another plan needs another version. The lowest among the live workers' newest is the one that counts. */
  readonly version: number;
  /** Lease key to worker id. */
  assign(request: AssignmentRequest): ReadonlyMap<string, string>;
}

/**
 * Even shares: no worker has more than one lease more than any other, as far as their limits allow.
 *
 * Sticky: what a worker has within its share it keeps, and the shares that are one greater stay where they are.
 * What is free goes to those below their share; what is missing then comes from those above it. Of the leases of one worker
 * those move that it acquired last: in a rolling restart they are the guests that it got from the one that has just
 * stopped, so that each lease comes back rather than that others leave.
 */
export const evenPlan: AssignmentPlan = {
  version: 1,
  assign({ leases, workers }) {
    const loads = new Map(workers.map(({ workerId }) => [workerId, 0]));
    for (const { owner } of leases) {
      const load = owner === undefined ? undefined : loads.get(owner);
      if (owner !== undefined && load !== undefined) loads.set(owner, load + 1);
    }
    const targets = evenTargets(workers, loads, leases.length);
    const needs = new Map([...targets].map(([worker, target]) => [worker, target - (loads.get(worker) ?? 0)]));
    const assigned = new Map<string, string>();
    const free = leases.filter(({ state }) => state === 'free' || state === 'unclaimed').sort(byKey);
    for (const { leaseKey } of free) give(assigned, needs, leaseKey, byAffinity(needs, leaseKey));
    const missing = [...needs.values()].reduce((sum, need) => sum + Math.max(0, need), 0);
    // In the order of their keys, that it may not matter who has asked for what already.
    const surplus = [...needs]
      .filter(([, need]) => need < 0)
      .sort(([a, needA], [b, needB]) => needA - needB || compareText(a, b))
      .flatMap(([worker, need]) =>
        leases
          .filter(({ owner, state }) => owner === worker && state === 'movable')
          .sort(byRecency)
          .slice(0, -need),
      )
      .slice(0, missing)
      .sort(byKey);
    for (const { leaseKey } of surplus) give(assigned, needs, leaseKey, byAffinity(needs, leaseKey));
    return assigned;
  },
};

/**
 * How many leases each worker should have: the same for all but one, filled up from below where some have a limit. The
 * leases that are left over stay with those that have one more, so that nothing moves once it is even. Otherwise it must
 * not matter who has how many: each take would change whose turn the next is.
 */
function evenTargets(
  workers: readonly WorkerView[],
  loads: ReadonlyMap<string, number>,
  total: number,
): ReadonlyMap<string, number> {
  const targets = new Map<string, number>();
  let left = total;
  let open = [...workers];
  for (;;) {
    const share = open.length === 0 ? 0 : Math.floor(left / open.length);
    const full = open.filter(({ maxLeases }) => maxLeases <= share);
    if (full.length === 0) break;
    for (const { workerId, maxLeases } of full) targets.set(workerId, maxLeases);
    left -= full.reduce((sum, { maxLeases }) => sum + maxLeases, 0);
    open = open.filter((worker) => !full.includes(worker));
  }
  const least = open.length === 0 ? 0 : Math.floor(left / open.length);
  const withOneMore = open.length === 0 ? 0 : left % open.length;
  const hasMore = ({ workerId }: WorkerView): number => ((loads.get(workerId) ?? 0) > least ? 1 : 0);
  open.sort((a, b) => hasMore(b) - hasMore(a) || compareText(a.workerId, b.workerId));
  for (const [index, { workerId }] of open.entries()) targets.set(workerId, index < withOneMore ? least + 1 : least);
  return targets;
}

function give(
  assigned: Map<string, string>,
  needs: Map<string, number>,
  leaseKey: string,
  worker: string | undefined,
): void {
  if (worker === undefined) return;
  assigned.set(leaseKey, worker);
  needs.set(worker, (needs.get(worker) ?? 0) - 1);
}

/** Of those that need one, the one to whom the lease belongs most. */
function byAffinity(needs: ReadonlyMap<string, number>, leaseKey: string): string | undefined {
  let best: { readonly worker: string; readonly rank: number } | undefined;
  for (const [worker, need] of needs) {
    if (need <= 0) continue;
    const rank = affinity(leaseKey, worker);
    const isBetter = best === undefined || rank > best.rank || (rank === best.rank && worker < best.worker);
    if (isBetter) best = { worker, rank };
  }
  return best?.worker;
}

/** Whoever holds a lease longest keeps it. */
function byRecency(a: LeaseView, b: LeaseView): number {
  return (b.acquiredAtMs ?? 0) - (a.acquiredAtMs ?? 0) || byKey(a, b);
}

function byKey(a: LeaseView, b: LeaseView): number {
  return compareText(a.leaseKey, b.leaseKey);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
