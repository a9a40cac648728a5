import type { Lease } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import type { WorkerRow } from '../src';
import { LeaseObserver } from '../src/lease-observer';
import { type FleetView, isHandedOverTo, isToBePassedOn, viewFleet, type ViewRequest } from '../src/lease-views';
import { shard } from './lease-view-builder';
import { aWorkerRow } from './worker-rows';

const failoverTimeMs = 10_000;

/** What `me` sees of `leases` and `registered` after it has read the same rows for `durationMs`. */
function view(
  leases: readonly Lease[],
  {
    registered = [],
    durationMs = 0,
    ...changes
  }: Partial<ViewRequest> & { readonly registered?: readonly WorkerRow[]; readonly durationMs?: number } = {},
): FleetView {
  const observer = new LeaseObserver({ failoverTimeMs });
  // They were seen to move.
  observer.observe(
    leases,
    registered.map((row) => ({ ...row, heartbeat: row.heartbeat - 1 })),
    0,
  );
  for (let nowMs = 0; nowMs < durationMs; nowMs += 1_000) observer.observe(leases, registered, nowMs);
  observer.observe(leases, registered, durationMs);
  return viewFleet({
    ...{ leases, registered, observer, nowMs: durationMs, unclaimedAfterMs: 5_000 },
    me: { workerId: 'me', maxLeases: 7 },
    wasRegistered: () => false,
    isNew: () => false,
    isHeld: () => false,
    isMoving: () => false,
    isBarred: () => false,
    ...changes,
  });
}

function lease(changes: Partial<Lease>): Lease {
  return aLease({ leaseKey: shard(0), leaseCounter: 5, ...changes });
}

function stateOf(row: Lease, ...rest: [Parameters<typeof view>[1]?]): object {
  const [first] = view([row], ...rest).leases;
  return { owner: first?.owner, state: first?.state };
}

function workersOf(...args: Parameters<typeof view>): readonly string[] {
  return view(...args).workers.map(({ workerId }) => workerId);
}

const asked = lease({ leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' });

describe('the workers that take part', () => {
  it('are me and those in the registry, in the order of their ids, with their limits', () => {
    const registered = [aWorkerRow('z', { maxLeases: 3 }), aWorkerRow('me', { maxLeases: 99 }), aWorkerRow('a')];
    expect(view([], { registered }).workers).toEqual([
      { workerId: 'a', maxLeases: Infinity },
      { workerId: 'me', maxLeases: 7 },
      { workerId: 'z', maxLeases: 3 },
    ]);
  });

  it('are not those about to stop, though they hold leases', () => {
    const registered = [aWorkerRow('a', { stopping: true })];
    expect(workersOf([lease({ leaseOwner: 'a' })], { registered })).toEqual(['me']);
  });

  it('are not those whose row stands still, though they are named in leases', () => {
    const registered = [aWorkerRow('a')];
    const held = lease({ leaseOwner: 'a', failoverTimeMs: 60_000 });
    expect(workersOf([held], { registered, durationMs: 10_000 })).toEqual(['a', 'me']);
    expect(workersOf([held], { registered, durationMs: 10_500 })).toEqual(['me']);
  });

  it('are not those one of whose leases has expired and whose row stands still for half the time', () => {
    const registered = [aWorkerRow('a', { failoverTimeMs: 20_000 })];
    const held = lease({ leaseOwner: 'a' });
    expect(workersOf([held], { registered, durationMs: 10_000 })).toEqual(['a', 'me']);
    expect(workersOf([held], { registered, durationMs: 10_500 })).toEqual(['me']);
  });

  it('are those without a row that hold a lease, or are asked for one, as long as it has not expired', () => {
    expect(workersOf([lease({ leaseOwner: 'kcl' })])).toEqual(['kcl', 'me']);
    expect(view([lease({ leaseOwner: 'kcl' })]).workers[0]).toEqual({ workerId: 'kcl', maxLeases: Infinity });
    expect(workersOf([asked])).toEqual(['a', 'b', 'me']);
    expect(workersOf([lease({ leaseOwner: 'kcl' })], { durationMs: 10_500 })).toEqual(['me']);
  });

  it('are not those that have left the registry and to whom a lease was only handed over: they may have died since', () => {
    const given = lease({ leaseOwner: 'b', handedOver: true });
    expect(workersOf([given], { wasRegistered: () => true })).toEqual(['me']);
  });

  it('are not those that have left the registry and had asked for a lease: its owner renews it, not they', () => {
    const hasLeft = (workerId: string): boolean => workerId === 'b';
    expect(workersOf([asked], { wasRegistered: hasLeft })).toEqual(['a', 'me']);
    expect(stateOf(asked, { wasRegistered: hasLeft })).toEqual({ owner: 'a', state: 'fixed' });
  });

  it('are not those that have left the registry and to whom a lease was handed over that another has asked for since', () => {
    const hasLeft = (workerId: string): boolean => workerId === 'a';
    const askedOfNobody = lease({ leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b', handedOver: true });
    expect(workersOf([askedOfNobody], { wasRegistered: hasLeft })).toEqual(['b', 'me']);
  });

  it('are those that never stood there to whom a lease was handed over, as long as it takes to see that in the table', () => {
    const given = lease({ leaseOwner: 'b', handedOver: true });
    expect(workersOf([given], { durationMs: 4_999 })).toEqual(['b', 'me']);
    expect(workersOf([given], { durationMs: 5_000 })).toEqual(['me']);
  });
});

describe('a lease as I see it', () => {
  it('is free when nobody has it, and unclaimed when nobody has taken it for long', () => {
    expect(stateOf(lease({}))).toEqual({ owner: undefined, state: 'free' });
    expect(stateOf(lease({}), { durationMs: 4_999 })).toEqual({ owner: undefined, state: 'free' });
    expect(stateOf(lease({}), { durationMs: 5_000 })).toEqual({ owner: undefined, state: 'unclaimed' });
  });

  it('is free when it has expired, whoever it names', () => {
    const held = lease({ leaseOwner: 'a' });
    expect(stateOf(held, { durationMs: 10_499 })).toEqual({ owner: 'a', state: 'movable' });
    expect(stateOf(held, { durationMs: 10_500 })).toEqual({ owner: undefined, state: 'free' });
    expect(stateOf(held, { durationMs: 15_500 })).toEqual({ owner: undefined, state: 'unclaimed' });
  });

  it.each([
    ['evicted', lease({ evicted: true })],
    ['healed', lease({ healed: true })],
  ])('is fixed when it was %s, until it expires', (_, row) => {
    expect(stateOf(row, { durationMs: 10_499 })).toEqual({ owner: undefined, state: 'fixed' });
    expect(stateOf(row, { durationMs: 10_500 })).toEqual({ owner: undefined, state: 'free' });
  });

  it('can be asked of an owner that takes part', () => {
    const registered = [aWorkerRow('a')];
    expect(stateOf(lease({ leaseOwner: 'a' }), { registered })).toEqual({ owner: 'a', state: 'movable' });
  });

  it('cannot be asked of an owner that stops or is gone', () => {
    const registered = [aWorkerRow('a', { stopping: true })];
    expect(stateOf(lease({ leaseOwner: 'a' }), { registered })).toEqual({ owner: 'a', state: 'fixed' });
  });

  it('cannot be asked of me as long as I do not hold it, nor before its receiver has adopted it', () => {
    expect(stateOf(lease({ leaseOwner: 'me' }))).toEqual({ owner: 'me', state: 'fixed' });
    const registered = [aWorkerRow('b')];
    expect(stateOf(lease({ leaseOwner: 'b', handedOver: true }), { registered })).toEqual({
      owner: 'b',
      state: 'fixed',
    });
  });

  it('is free at once when it was handed over to a worker that is gone', () => {
    const given = lease({ leaseOwner: 'b', handedOver: true });
    const stopping = [aWorkerRow('b', { stopping: true })];
    expect(stateOf(given, { registered: stopping })).toEqual({ owner: undefined, state: 'free' });
    expect(stateOf(given, { wasRegistered: () => true })).toEqual({ owner: undefined, state: 'free' });
    expect(stateOf(given)).toEqual({ owner: 'b', state: 'fixed' });
    expect(stateOf(given, { durationMs: 5_000 })).toEqual({ owner: undefined, state: 'free' });
  });

  it('counts for its receiver while it is on its way', () => {
    expect(stateOf(asked)).toEqual({ owner: 'b', state: 'fixed' });
    const registered = [aWorkerRow('a'), aWorkerRow('b')];
    expect(stateOf(asked, { registered })).toEqual({ owner: 'b', state: 'fixed' });
  });

  it('counts for its owner when the receiver is gone', () => {
    const registered = [aWorkerRow('a'), aWorkerRow('b', { stopping: true })];
    expect(stateOf(asked, { registered })).toEqual({ owner: 'a', state: 'fixed' });
  });

  it('is left to whoever has asked for it when its owner let it expire', () => {
    const registered = [aWorkerRow('b', { failoverTimeMs: 30_000 })];
    expect(stateOf(asked, { registered, durationMs: 10_500 })).toEqual({ owner: 'b', state: 'fixed' });
    expect(stateOf(asked, { registered, durationMs: 15_500 })).toEqual({ owner: undefined, state: 'unclaimed' });
    const mine = { ...asked, leaseOwner: 'me', receiver: 'me' };
    expect(stateOf(mine, { durationMs: 10_500 })).toEqual({ owner: undefined, state: 'free' });
  });

  it('is mine when I hold it, whatever an older reading says', () => {
    const isHeld = (): boolean => true;
    for (const row of [lease({}), lease({ leaseOwner: 'a' }), lease({ leaseOwner: 'me' })]) {
      expect(stateOf(row, { isHeld, durationMs: 20_000 })).toEqual({ owner: 'me', state: 'movable' });
    }
  });

  it('is its receiver’s when I hold it and was asked for it, unless the receiver is gone', () => {
    const isHeld = (): boolean => true;
    const mine = { ...asked, checkpointOwner: 'me' };
    expect(stateOf(mine, { isHeld })).toEqual({ owner: 'b', state: 'fixed' });
    const registered = [aWorkerRow('b', { stopping: true })];
    expect(stateOf(mine, { isHeld, registered })).toEqual({ owner: 'me', state: 'movable' });
  });

  it('is mine, and fixed, while I acquire it or have just asked for it', () => {
    const isMoving = (): boolean => true;
    expect(stateOf(lease({ leaseOwner: 'a' }), { isMoving })).toEqual({ owner: 'me', state: 'fixed' });
    expect(stateOf(lease({}), { isMoving })).toEqual({ owner: 'me', state: 'fixed' });
  });

  it('ignores the residue of a hand-over that a KCL worker has left', () => {
    const residue = { ...asked, leaseOwner: 'kcl' };
    expect(stateOf(residue)).toEqual({ owner: 'kcl', state: 'movable' });
    expect(workersOf([residue])).toEqual(['kcl', 'me']);
  });

  it('carries its row and when it was acquired', () => {
    const row = lease({ leaseOwner: 'a', acquiredAtMs: 12 });
    expect(view([row]).leases).toMatchObject([{ leaseKey: shard(0), acquiredAtMs: 12, lease: row }]);
  });
});

describe('what names me without my holding it', () => {
  it('was handed over to me once its old owner says so, and nobody has asked for it since', () => {
    const given = lease({ leaseOwner: 'me', handedOver: true });
    expect(isHandedOverTo('me', given)).toBe(true);
    expect(isHandedOverTo('b', given)).toBe(false);
    expect(isHandedOverTo('me', { ...given, handedOver: false })).toBe(false);
    expect(isHandedOverTo('me', { ...given, checkpointOwner: 'a', receiver: 'me' })).toBe(false);
  });

  it('is to be passed on when another has asked for it before I adopted it', () => {
    const passed = lease({ leaseOwner: 'c', checkpointOwner: 'me', receiver: 'c', handedOver: true });
    expect(isToBePassedOn('me', passed)).toBe(true);
    expect(isToBePassedOn('c', passed)).toBe(false);
    expect(isToBePassedOn('me', { ...passed, handedOver: false })).toBe(false);
    expect(isToBePassedOn('me', { ...passed, receiver: 'x' })).toBe(false);
  });
});

describe('a lease that is offered to me', () => {
  const row = lease({ leaseOwner: 'me', handedOver: true });
  const isOffered = (changes: Partial<ViewRequest>): unknown => view([row], changes).leases[0]?.isOffered;

  it('is one that was handed over to me', () => {
    expect(isOffered({})).toBe(true);
    expect(view([lease({ leaseOwner: 'me' })]).leases[0]?.isOffered).toBe(false);
    expect(view([lease({ leaseOwner: 'b', handedOver: true })]).leases[0]?.isOffered).toBe(false);
  });

  it('is so no more once I adopt it, whatever the row said when it was read', () => {
    expect(isOffered({ isMoving: () => true })).toBe(false);
    expect(isOffered({ isHeld: () => true })).toBe(false);
  });
});
