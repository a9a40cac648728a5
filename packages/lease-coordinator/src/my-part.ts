import type { Lease } from '@millrace/core';
import { affinity } from './affinity';
import { type AssignmentPlan, evenPlan, type LeaseView, type WorkerView } from './assignment-plan';
import type { FleetView, ViewedLease } from './lease-views';

/** What one worker is to do now. */
export interface MyPart {
  readonly take: readonly Lease[];
  readonly request: readonly Lease[];
  /** Free leases that the plan gives to nobody: everybody is at its limit. */
  readonly leftOver: number;
}

/** Of what the plan says, the part that is mine to carry out; and what is left lying. */
export function planMyPart(
  plan: AssignmentPlan,
  { leases, workers, newcomers, fillers }: FleetView,
  me: WorkerView,
): MyPart {
  // For a worker that has just come a lease expires later than for those who have watched it longer: it is theirs to take.
  const veterans = workers.filter(({ workerId }) => !newcomers.has(workerId));
  const isForVeterans = veterans.length > 0 && leases.some((view) => isFree(view) && view.hasExpired);
  const assigned = plan.assign({ leases: withOrphans(leases, workers), workers: isForVeterans ? veterans : workers });
  const isMine = ({ leaseKey, isBarred }: ViewedLease): boolean => !isBarred && assigned.get(leaseKey) === me.workerId;
  const owned = leases.filter(({ owner }) => owner === me.workerId).length;
  const unclaimed = leases.filter(({ state }) => state === 'unclaimed');
  const left = unclaimed.filter((view) => !isMine(view) && !view.isBarred);
  const beyondShare = inMyOrder(left, me.workerId).slice(0, Math.ceil(left.length / workers.length));
  const mayTake = [...leases.filter((view) => isFree(view) && isMine(view)), ...beyondShare];
  // While a table is filled all have something else than their share.
  const mayAsk =
    isForVeterans || fillers.size > 0
      ? []
      : leases.filter((view) => view.state === 'movable' && view.owner !== me.workerId && isMine(view));
  // A plan of the user's own may not know the limit.
  const room = Math.max(0, me.maxLeases - owned);
  const take = mayTake.slice(0, room);
  return {
    take: take.map(({ lease }) => lease),
    request: mayAsk.slice(0, room - take.length).map(({ lease }) => lease),
    leftOver: leases.filter((view) => isFree(view) && !assigned.has(view.leaseKey)).length,
  };
}

/**
 * The plan that counts: that of the lowest version among the newest ones of the live workers, or, if this worker does
 * not know it, the newest of its own that is older.
 */
export function planInForce(plans: readonly AssignmentPlan[], versions: readonly number[]): AssignmentPlan {
  const lowest = Math.min(...versions);
  const known = plans.filter(({ version }) => version <= lowest);
  return known.reduce((newest, plan) => (plan.version > newest.version ? plan : newest), evenPlan);
}

/**
 * A crashed worker's leases expire one after another, and for each worker at another time. They are planned all at once, so
 * that it does not depend on the time of looking who is to get which.
 */
function withOrphans(leases: readonly ViewedLease[], workers: readonly WorkerView[]): readonly LeaseView[] {
  const participants = new Set(workers.map(({ workerId }) => workerId));
  return leases.map((view) => {
    const isOrphan = view.state === 'fixed' && !participants.has(view.owner ?? '');
    return isOrphan ? { ...view, owner: undefined, state: 'free' } : view;
  });
}

function isFree({ state }: ViewedLease): boolean {
  return state === 'free' || state === 'unclaimed';
}

/** What others handed over to me. Beyond the limit, leases that I no longer have room for are left out. */
export function adoptable(leases: readonly ViewedLease[], { workerId, maxLeases }: WorkerView): readonly Lease[] {
  const offered = leases.filter(({ isOffered, isBarred }) => isOffered && !isBarred);
  const others = leases.filter(({ owner, isOffered }) => owner === workerId && !isOffered).length;
  return offered.slice(0, Math.max(0, maxLeases - others)).map(({ lease }) => lease);
}

/** An order that differs between workers, so that they seldom meet. */
function inMyOrder(views: readonly ViewedLease[], workerId: string): readonly ViewedLease[] {
  return views
    .map((view) => ({ view, rank: affinity(view.leaseKey, workerId) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ view }) => view);
}
