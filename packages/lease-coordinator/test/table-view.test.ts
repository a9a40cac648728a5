import type { Lease } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { type LeaseOptions, resolveLeaseOptions, type WorkerRow } from '../src';
import { TableView } from '../src/table-view';
import { shard } from './lease-view-builder';
import { aWorkerRow } from './worker-rows';

const knowsNothing = {
  isHeld: () => false,
  isMoving: () => false,
  isBarred: () => false,
  selectReadable: (leases: readonly Lease[]) => leases,
};

/** A view of `me`, with readings of the table. */
class Subject {
  readonly view: TableView;

  constructor(options: LeaseOptions = {}) {
    this.view = new TableView('me', resolveLeaseOptions({ handoverTimeoutMs: 5_000, ...options }, []));
  }

  read(nowMs: number, leases: readonly Lease[], workers: readonly WorkerRow[] = []): void {
    this.view.takeInPage(leases, workers, nowMs);
    this.view.takeIn({ leases, workers, corrupt: [] }, nowMs);
  }

  readEverySecond(fromMs: number, toMs: number, leases: readonly Lease[], workers: readonly WorkerRow[] = []): void {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) this.read(nowMs, leases, workers);
  }
}

const held = aLease({ leaseKey: shard(0), leaseOwner: 'a', leaseCounter: 5 });
const asked = aLease({ ...held, leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' });

describe('TableView', () => {
  it('has the leases and the workers of the last reading', () => {
    const subject = new Subject();
    subject.read(0, [held], [aWorkerRow('a')]);
    subject.read(1_000, [], []);
    expect(subject.view.leases).toEqual([]);
  });

  it('knows of no registry when it is to do without', () => {
    const subject = new Subject({ registry: false });
    subject.read(0, [held], [aWorkerRow('x')]);
    expect(subject.view.fleet(knowsNothing, 0).workers.map(({ workerId }) => workerId)).toEqual(['a', 'me']);
  });

  it('shows the fleet of what may be read, with its own limit', () => {
    const subject = new Subject({ maxLeases: 4 });
    subject.read(0, [held, aLease({ leaseKey: shard(1) })]);
    const fleet = subject.view.fleet({ ...knowsNothing, selectReadable: (leases) => leases.slice(1) }, 0);
    expect(fleet.leases.map(({ leaseKey }) => leaseKey)).toEqual([shard(1)]);
    expect(fleet.workers).toEqual([{ workerId: 'me', maxLeases: 4 }]);
  });

  it('calls a free lease unclaimed after half a failover time', () => {
    const subject = new Subject();
    const free = aLease({ leaseKey: shard(0) });
    subject.readEverySecond(0, 4_000, [free]);
    expect(subject.view.fleet(knowsNothing, 4_999).leases).toMatchObject([{ state: 'free' }]);
    expect(subject.view.fleet(knowsNothing, 5_000).leases).toMatchObject([{ state: 'unclaimed' }]);
  });
});

describe('a lease that was handed over', () => {
  const given = aLease({ leaseKey: shard(0), leaseOwner: 'b', handedOver: true });

  it('is free at once when its receiver has left the registry since it was named', () => {
    const subject = new Subject();
    subject.read(0, [held], [aWorkerRow('b')]);
    subject.read(1_000, [given], [aWorkerRow('b')]);
    expect(subject.view.fleet(knowsNothing, 1_000).leases).toMatchObject([{ owner: 'b', state: 'fixed' }]);
    subject.read(2_000, [given], []);
    expect(subject.view.fleet(knowsNothing, 2_000).leases).toMatchObject([{ owner: undefined, state: 'free' }]);
  });

  it('is free at once when its receiver had left the registry before it was named, by one who had not seen that', () => {
    const subject = new Subject();
    subject.read(0, [held], [aWorkerRow('b')]);
    subject.readEverySecond(1_000, 50_000, [held]);
    subject.read(51_000, [given]);
    const { leases, workers } = subject.view.fleet(knowsNothing, 51_000);
    expect(leases).toMatchObject([{ owner: undefined, state: 'free' }]);
    expect(workers.map(({ workerId }) => workerId)).toEqual(['me']);
  });

  it('counts for its receiver when that has left the registry so long ago that nobody remembers it', () => {
    const subject = new Subject();
    subject.read(0, [held], [aWorkerRow('b')]);
    subject.readEverySecond(1_000, 51_000, [held]);
    subject.read(52_000, [given]);
    expect(subject.view.fleet(knowsNothing, 52_000).leases).toMatchObject([{ owner: 'b', state: 'fixed' }]);
  });
});

describe('rows that were read by themselves', () => {
  it('replace what the last reading has shown, unless they are older', () => {
    const subject = new Subject();
    subject.read(0, [held, aLease({ leaseKey: shard(1) })]);
    expect(subject.view.takeInRows([{ ...held, leaseCounter: 6, leaseOwner: 'b' }], 100)).toBe(true);
    expect(subject.view.leases).toMatchObject([{ leaseOwner: 'b' }, { leaseKey: shard(1) }]);
    subject.view.takeInRows([{ ...held, leaseCounter: 4 }], 200);
    expect(subject.view.leases).toMatchObject([{ leaseOwner: 'b' }, { leaseKey: shard(1) }]);
  });

  it('show a request, which leaves the counter', () => {
    const subject = new Subject();
    subject.read(0, [held]);
    subject.view.takeInRows([asked], 100);
    expect(subject.view.leases).toEqual([asked]);
  });

  it('are added when they are roots; of any other the parents must be seen first', () => {
    const subject = new Subject();
    subject.read(0, []);
    const root = aLease({ leaseKey: shard(1), root: true });
    const child = aLease({ leaseKey: shard(2), parentShardIds: [shard(0)] });
    expect(subject.view.takeInRows([root], 100)).toBe(true);
    expect(subject.view.takeInRows([child], 100)).toBe(false);
    expect(subject.view.leases).toEqual([root]);
  });

  it('count for expiry', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 8_000, [held]);
    const renewed = { ...held, leaseCounter: 6 };
    subject.view.takeInRows([renewed], 9_000);
    subject.readEverySecond(10_000, 19_000, [renewed]);
    expect(subject.view.fleet(knowsNothing, 19_499).leases).toMatchObject([{ state: 'movable' }]);
    expect(subject.view.fleet(knowsNothing, 19_500).leases).toMatchObject([{ state: 'free' }]);
  });
});

describe('the plan versions of a fleet', () => {
  const plan = { version: 4, assign: () => new Map<string, string>() };

  it('are my newest, and those of the others that take part', () => {
    const subject = new Subject({ plans: [plan] });
    const workers = [
      aWorkerRow('a', { planVersion: 2 }),
      aWorkerRow('me', { planVersion: 9 }),
      aWorkerRow('b', { planVersion: 1, stopping: true }),
    ];
    subject.read(0, [], workers);
    const fleet = subject.view.fleet(knowsNothing, 0);
    expect(subject.view.planVersions(fleet)).toEqual([4, 2]);
  });

  it('are mine alone without a registry', () => {
    const subject = new Subject({ plans: [plan], registry: false });
    subject.read(0, [held], [aWorkerRow('a')]);
    expect(subject.view.planVersions(subject.view.fleet(knowsNothing, 0))).toEqual([4]);
  });
});

describe('a worker', () => {
  it('is gone when it has said so, or does not move any more', () => {
    const subject = new Subject();
    const workers = [aWorkerRow('a'), aWorkerRow('b', { stopping: true })];
    subject.read(0, [], [aWorkerRow('a', { heartbeat: 0 })]);
    subject.readEverySecond(0, 10_000, [], workers);
    expect(subject.view.isGone('b', 0)).toBe(true);
    expect(subject.view.isGone('a', 10_499)).toBe(false);
    expect(subject.view.isGone('a', 10_500)).toBe(true);
  });

  it('that was never seen to move is gone after half the time: its row may have been left behind', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 5_000, [], [aWorkerRow('a')]);
    expect(subject.view.isGone('a', 5_249)).toBe(false);
    expect(subject.view.isGone('a', 5_250)).toBe(true);
  });

  it('is gone when its row has been removed since it was seen, as long as a lease names it', () => {
    const subject = new Subject();
    subject.read(0, [held], [aWorkerRow('b')]);
    subject.read(1_000, [asked], [aWorkerRow('b')]);
    expect(subject.view.isGone('b', 1_000)).toBe(false);
    subject.read(2_000, [asked], []);
    expect(subject.view.isGone('b', 2_000)).toBe(true);
  });

  it('is not gone while it has a lease, though its row has been removed: it was suspended, say', () => {
    const subject = new Subject();
    const back = aLease({ leaseKey: shard(1), leaseOwner: 'b', leaseCounter: 7 });
    subject.read(0, [held], [aWorkerRow('b')]);
    subject.readEverySecond(1_000, 11_499, [held, back]);
    expect(subject.view.isGone('b', 11_499)).toBe(false);
    expect(subject.view.isGone('b', 11_500)).toBe(true);
  });

  it('of which the registry knows nothing may be a KCL worker, and is never said to be gone', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 20_000, [held]);
    expect(subject.view.isGone('a', 20_000)).toBe(false);
  });

  it('is forgotten after five failover times, its own or mine, whichever are longer; I am not', () => {
    const subject = new Subject();
    const workers = [aWorkerRow('a'), aWorkerRow('slow', { failoverTimeMs: 20_000 }), aWorkerRow('me')];
    subject.readEverySecond(0, 101_000, [], workers);
    const forgotten = (nowMs: number): string[] =>
      subject.view.forgotten(subject.view.fleet(knowsNothing, nowMs), nowMs).map(({ workerId }) => workerId);
    expect(forgotten(50_000)).toEqual([]);
    expect(forgotten(50_001)).toEqual(['a']);
    expect(forgotten(100_001)).toEqual(['a', 'slow']);
  });
});

describe('an owner that does not answer', () => {
  const owner = [aWorkerRow('a', { handoverTimeoutMs: 5_000 })];

  it('is deaf when the time-out of a hand-over and two failover times have passed', () => {
    const subject = new Subject();
    // It goes on renewing: the counter moves.
    for (let nowMs = 0; nowMs <= 25_000; nowMs += 1_000)
      subject.read(nowMs, [{ ...asked, leaseCounter: 5 + nowMs }], owner);
    const deaf = (nowMs: number): string[] => subject.view.deaf(nowMs).map(({ leaseKey }) => leaseKey);
    expect(deaf(24_999)).toEqual([]);
    expect(deaf(25_000)).toEqual([shard(0)]);
  });

  it('is given two of its own failover times, if they are longer', () => {
    const subject = new Subject();
    const patient = { ...asked, failoverTimeMs: 20_000 };
    subject.readEverySecond(0, 46_000, [patient], owner);
    expect(subject.view.deaf(44_999)).toEqual([]);
    expect(subject.view.deaf(45_000)).toEqual([patient]);
  });

  it('is given its own time-out, if that is longer, and five minutes if it names none', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 81_000, [asked], [aWorkerRow('a', { handoverTimeoutMs: 60_000 })]);
    expect(subject.view.deaf(79_999)).toEqual([]);
    expect(subject.view.deaf(80_000)).toEqual([asked]);
    const silent = new Subject();
    silent.readEverySecond(0, 321_000, [asked]);
    expect(silent.view.deaf(319_999)).toEqual([]);
    expect(silent.view.deaf(320_000)).toEqual([asked]);
  });

  it('is not me: I do not evict myself', () => {
    const subject = new Subject();
    const mine = { ...asked, checkpointOwner: 'me' };
    subject.readEverySecond(0, 60_000, [mine]);
    expect(subject.view.deaf(60_000)).toEqual([]);
  });

  it('has answered when it completes or cancels', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 24_000, [asked]);
    subject.read(25_000, [{ ...held, leaseCounter: 6 }]);
    expect(subject.view.deaf(60_000)).toEqual([]);
  });
});

describe('the time until the next expiry', () => {
  it('is that of the first lease of another, and not of one that is free, finished or mine', () => {
    const subject = new Subject();
    const leases = [
      aLease({ leaseKey: shard(1) }),
      aLease({ leaseKey: shard(2), leaseOwner: 'a', checkpoint: { kind: 'shard-end' } }),
      aLease({ leaseKey: shard(3), leaseOwner: 'me' }),
    ];
    subject.read(0, leases);
    const isHeld = (leaseKey: string): boolean => leaseKey === shard(3);
    expect(subject.view.nextExpiryAtMs(isHeld, 0)).toBe(Infinity);
    subject.read(3_000, [...leases, held]);
    subject.read(4_000, [...leases, held, aLease({ leaseKey: shard(5), leaseOwner: 'b' })]);
    expect(subject.view.nextExpiryAtMs(isHeld, 4_000)).toBe(13_500);
  });

  it.each([
    ['evicted', aLease({ leaseKey: shard(0), evicted: true })],
    ['healed', aLease({ leaseKey: shard(0), healed: true })],
  ])('counts a lease that was %s, though nobody has it', (_, lease) => {
    const subject = new Subject();
    subject.read(0, [lease]);
    expect(subject.view.nextExpiryAtMs(() => false, 1_000)).toBe(10_500);
  });

  it('does not count what has expired already', () => {
    const subject = new Subject();
    subject.readEverySecond(0, 11_000, [held]);
    expect(subject.view.nextExpiryAtMs(() => false, 11_000)).toBe(Infinity);
  });
});
