import { isHandoverPending, type Lease } from '@millrace/core';
import type { LeaseView } from './assignment-plan';
import type { LeaseObserver } from './lease-observer';

export interface ViewRequest {
  readonly leases: readonly Lease[];
  readonly me: string;
  readonly observer: LeaseObserver;
  readonly nowMs: number;
  /** What this worker knows better than the reading of the table: it holds these leases. */
  readonly isHeld: (leaseKey: string) => boolean;
  /** It is about to acquire, or has just asked for, these. */
  readonly isMoving: (leaseKey: string) => boolean;
  /** A free lease that nobody has taken for so long may be taken by anybody. */
  readonly unclaimedAfterMs: number;
}

/** Lays what this worker knows by itself over what it has read. */
export function viewLeases(request: ViewRequest): readonly LeaseView[] {
  return request.leases.map((lease) => viewLease(lease, request));
}

function viewLease(lease: Lease, { me, observer, nowMs, isHeld, isMoving, unclaimedAfterMs }: ViewRequest): LeaseView {
  if (isHeld(lease.leaseKey)) {
    // Asked for: it counts for the receiver already. A reading from before the take still names somebody else.
    const isLeaving = isHandoverPending(lease) && lease.checkpointOwner === me;
    return { lease: isLeaving ? lease : ownedBy(me, lease), state: 'owned', held: true };
  }
  if (isMoving(lease.leaseKey)) return { lease: ownedBy(me, lease), state: 'owned', held: true };
  if (!observer.isFree(lease, nowMs)) return { lease, state: 'owned', held: false };
  if (observer.freeForMs(lease, nowMs) >= unclaimedAfterMs) return { lease, state: 'unclaimed', held: false };
  // It expired because its owner did not settle: whoever has asked for it is first, or that owner would take it back.
  const isPromised = isHandoverPending(lease) && lease.leaseOwner !== me;
  return { lease, state: isPromised ? 'owned' : 'free', held: false };
}

function ownedBy(me: string, lease: Lease): Lease {
  return { ...lease, leaseOwner: me, checkpointOwner: undefined, receiver: undefined, handedOver: false };
}

/** The old owner has stopped and named me, in a row that I do not hold. */
export function isHandedOverTo(me: string, lease: Lease): boolean {
  return lease.handedOver && lease.leaseOwner === me && !isHandoverPending(lease);
}

/** It was handed over to me, and another asked for it before I adopted it. */
export function isToBePassedOn(me: string, lease: Lease): boolean {
  return lease.handedOver && lease.checkpointOwner === me && isHandoverPending(lease);
}
