import { effectiveOwner, isHandoverPending, type Lease } from '@millrace/core';
import type { LeaseView, WorkerView } from './assignment-plan';
import type { LeaseObserver } from './lease-observer';
import type { WorkerRow } from './worker-row';

export interface ViewRequest {
  /** Those that may be read now. */
  readonly leases: readonly Lease[];
  /** All rows of the registry. */
  readonly registered: readonly WorkerRow[];
  /** Whether the worker had a row in the registry once, as far as this one has seen. */
  readonly wasRegistered: (workerId: string) => boolean;
  /** Whether the worker came so recently that leases expire later for it than for others. */
  readonly isNew: (workerId: string) => boolean;
  readonly me: WorkerView;
  readonly observer: LeaseObserver;
  readonly nowMs: number;
  /** What this worker knows better than the reading of the table: it holds these leases. */
  readonly isHeld: (leaseKey: string) => boolean;
  /** It is about to acquire, or has just asked for, these. */
  readonly isMoving: (leaseKey: string) => boolean;
  /** It must not have these now. They count all the same: what the plan says must not depend on who asks. */
  readonly isBarred: (leaseKey: string) => boolean;
  /** A free lease that nobody has taken for so long may be taken by anybody. */
  readonly unclaimedAfterMs: number;
}

/** With the row itself. */
export interface ViewedLease extends LeaseView {
  readonly lease: Lease;
  /** Its owner has let it expire. */
  readonly hasExpired: boolean;
  /** This worker must not have it now. */
  readonly isBarred: boolean;
  /** Handed over to this worker, which has not begun to adopt it. */
  readonly isOffered: boolean;
}

export interface FleetView {
  readonly leases: readonly ViewedLease[];
  /** Who takes part: lives, and is not about to stop. In the order of their ids. */
  readonly workers: readonly WorkerView[];
  /** Those of them that have not been there for as long as it takes a lease to expire, as far as this one has seen. */
  readonly newcomers: ReadonlySet<string>;
  /** Those of them that are filling an empty table. */
  readonly fillers: ReadonlySet<string>;
}

/** Lays what this worker knows by itself over what it has read. */
export function viewFleet(request: ViewRequest): FleetView {
  const workers = participants(request);
  const isTakingPart = (workerId: string | undefined): boolean => workerId !== undefined && workers.has(workerId);
  return {
    leases: request.leases.map((lease) => {
      const { leaseKey, acquiredAtMs } = lease;
      const hasExpired = lease.leaseOwner !== undefined && request.observer.isExpired(lease, request.nowMs);
      const isBarred = request.isBarred(leaseKey);
      const view = stateOf(lease, request, isTakingPart);
      // The row may be from before its adoption.
      const isOthers = view.state === 'fixed' && !request.isMoving(leaseKey) && !request.isHeld(leaseKey);
      const isOffered = isOthers && isHandedOverTo(request.me.workerId, lease);
      return { leaseKey, acquiredAtMs, lease, hasExpired, isBarred, isOffered, ...view };
    }),
    workers: [...workers.values()].sort((a, b) => (a.workerId < b.workerId ? -1 : 1)),
    newcomers: new Set([...workers.keys()].filter(request.isNew)),
    fillers: new Set(
      request.registered.filter(({ filling, workerId }) => filling && workers.has(workerId)).map((row) => row.workerId),
    ),
  };
}

/**
 * A worker with a row in the registry takes part as long as that moves; one without, a KCL worker say, as long as it is
 * named in a lease that has not expired.
 */
function participants(request: ViewRequest): ReadonlyMap<string, WorkerView> {
  const { leases, registered, me, observer, nowMs } = request;
  const known = new Set(registered.map(({ workerId }) => workerId));
  const losers = new Set<string>();
  const workers = new Map<string, WorkerView>([[me.workerId, me]]);
  for (const lease of leases) {
    if (observer.isFree(lease, nowMs)) {
      if (lease.leaseOwner !== undefined && !isHandoverPending(lease)) losers.add(lease.leaseOwner);
      continue;
    }
    for (const workerId of [lease.leaseOwner, isHandoverPending(lease) ? lease.checkpointOwner : undefined]) {
      if (workerId === undefined || known.has(workerId) || workers.has(workerId)) continue;
      if (isProofOfLife(lease, workerId, request)) workers.set(workerId, { workerId, maxLeases: Infinity });
    }
  }
  for (const row of registered) {
    const { workerId, maxLeases, stopping } = row;
    if (workers.has(workerId) || stopping || !observer.isAlive(row, nowMs, losers.has(workerId))) continue;
    workers.set(workerId, { workerId, maxLeases });
  }
  return workers;
}

/**
 * Whoever may write to a lease that has not expired is alive. That a lease was handed over to a worker, or asked for by it, proves
 * nothing if it has left the registry. If it never stood there, a request does, and a hand-over for as long as it would take to see
 * the lease by reading the table.
 */
function isProofOfLife(
  lease: Lease,
  workerId: string,
  { wasRegistered, observer, nowMs, unclaimedAfterMs }: ViewRequest,
): boolean {
  if (mayWrite(workerId, lease)) return true;
  const isPending = isHandoverPending(lease);
  return !wasRegistered(workerId) && (isPending || observer.leaseStillForMs(lease, nowMs) < unclaimedAfterMs);
}

/** It may be reading under the lease: nobody has given it up, or asked for it and got it. */
export function mayWrite(workerId: string, lease: Lease): boolean {
  return effectiveOwner(lease) === workerId && !lease.handedOver;
}

function stateOf(
  lease: Lease,
  { me: { workerId: me }, observer, nowMs, isHeld, isMoving, unclaimedAfterMs }: ViewRequest,
  isTakingPart: (workerId: string | undefined) => boolean,
): Pick<LeaseView, 'owner' | 'state'> {
  const { leaseOwner, checkpointOwner } = lease;
  const isPending = isHandoverPending(lease);
  // A receiver that is gone does not get it: its owner keeps it, or it expires.
  const isPromised = isPending && isTakingPart(leaseOwner);
  if (isHeld(lease.leaseKey)) {
    // A reading from before the take still names somebody else.
    const isLeaving = isPromised && checkpointOwner === me;
    return isLeaving ? { owner: leaseOwner, state: 'fixed' } : { owner: me, state: 'movable' };
  }
  if (isMoving(lease.leaseKey)) return { owner: me, state: 'fixed' };
  if (!observer.isFree(lease, nowMs)) {
    // Nobody reads under it, and whoever it was given to is gone without an answer.
    if (lease.handedOver && !isPending && !isTakingPart(leaseOwner)) return { owner: undefined, state: 'free' };
    if (isPending) return { owner: isPromised ? leaseOwner : checkpointOwner, state: 'fixed' };
    const canBeAsked = leaseOwner !== me && !lease.handedOver && isTakingPart(leaseOwner);
    return { owner: leaseOwner, state: canBeAsked ? 'movable' : 'fixed' };
  }
  if (observer.freeForMs(lease, nowMs) >= unclaimedAfterMs) return { owner: undefined, state: 'unclaimed' };
  // It expired because its owner did not settle: whoever has asked for it is first, or that owner would take it back.
  if (isPromised && leaseOwner !== me) return { owner: leaseOwner, state: 'fixed' };
  return { owner: undefined, state: 'free' };
}

/** The old owner has stopped and named me, in a row that I do not hold. */
export function isHandedOverTo(me: string, lease: Lease): boolean {
  return lease.handedOver && lease.leaseOwner === me && !isHandoverPending(lease);
}

/** It was handed over to me, and another asked for it before I adopted it. */
export function isToBePassedOn(me: string, lease: Lease): boolean {
  return lease.handedOver && lease.checkpointOwner === me && isHandoverPending(lease);
}
