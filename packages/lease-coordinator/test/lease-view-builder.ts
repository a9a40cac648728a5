import { aLease } from '@millrace/core/testing';
import type { Lease } from '@millrace/core';
import type { LeaseView, WorkerView } from '../src';
import type { ViewedLease } from '../src/lease-views';

export function shard(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

/** `owners[i]` has lease i, which can be asked of it; null: it is free. */
export function viewsOf(owners: readonly (string | null)[]): readonly LeaseView[] {
  return owners.map((owner, index) => ({
    leaseKey: shard(index),
    acquiredAtMs: undefined,
    owner: owner ?? undefined,
    state: owner === null ? 'free' : 'movable',
  }));
}

/** A view with a row behind it. */
export function viewed(
  index: number,
  view: Partial<LeaseView & Pick<ViewedLease, 'hasExpired' | 'isBarred' | 'isOffered'>> = {},
  row: Partial<Lease> = {},
): ViewedLease {
  const leaseKey = shard(index);
  const lease = aLease({ leaseKey, leaseOwner: view.owner, leaseCounter: 1, ...row });
  return {
    leaseKey,
    acquiredAtMs: undefined,
    owner: undefined,
    state: 'free',
    hasExpired: false,
    isBarred: false,
    isOffered: false,
    ...view,
    lease,
  };
}

export function unlimited(...workerIds: readonly string[]): readonly WorkerView[] {
  return workerIds.map((workerId) => ({ workerId, maxLeases: Infinity }));
}

export function loadsOf(
  leases: readonly Pick<LeaseView, 'owner'>[],
  workers: readonly Pick<WorkerView, 'workerId'>[],
): readonly number[] {
  return workers.map(({ workerId }) => leases.filter(({ owner }) => owner === workerId).length);
}

/** Everybody has carried out its part: what was given is held, as of `nowMs`. */
export function carriedOut(
  leases: readonly LeaseView[],
  assigned: ReadonlyMap<string, string>,
  nowMs: number,
): readonly LeaseView[] {
  return leases.map((view) => {
    const owner = assigned.get(view.leaseKey);
    return owner === undefined ? view : { ...view, owner, state: 'movable', acquiredAtMs: nowMs };
  });
}
