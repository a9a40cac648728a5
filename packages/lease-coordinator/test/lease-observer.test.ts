import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { LeaseObserver } from '../src/lease-observer';
import { aWorkerRow } from './worker-rows';

const owned = aLease({ leaseOwner: 'a', leaseCounter: 5 });

/** Reads the table every two seconds, from `fromMs` to `toMs`. */
function watch(observer: LeaseObserver, lease: typeof owned, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 2_000) observer.observe([lease], [], nowMs);
}

function anObserver(): LeaseObserver {
  return new LeaseObserver({ failoverTimeMs: 10_000 });
}

describe('LeaseObserver', () => {
  it('lets a lease expire when its counter has stood still for the failover time and the margin', () => {
    const observer = anObserver();
    watch(observer, owned, 1_000, 11_000);
    expect(observer.isExpired(owned, 11_499)).toBe(false);
    expect(observer.isExpired(owned, 11_500)).toBe(true);
    expect(observer.isFree(owned, 11_500)).toBe(true);
  });

  it('counts anew from every move of the counter', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 8_000);
    const renewed = { ...owned, leaseCounter: 6 };
    watch(observer, renewed, 10_000, 20_000);
    expect(observer.isExpired(renewed, 20_499)).toBe(false);
    expect(observer.isExpired(renewed, 20_500)).toBe(true);
  });

  it('counts anew when a stale reading shows an older counter', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 8_000);
    observer.observe([{ ...owned, leaseCounter: 4 }], [], 9_000);
    watch(observer, owned, 9_500, 19_000);
    expect(observer.isExpired(owned, 19_999)).toBe(false);
    expect(observer.isExpired(owned, 20_000)).toBe(true);
  });

  it('does not judge a counter that it has not seen', () => {
    const observer = anObserver();
    expect(observer.isExpired(owned, 99_000)).toBe(false);
    watch(observer, owned, 0, 20_000);
    expect(observer.isExpired({ ...owned, leaseCounter: 6 }, 20_000)).toBe(false);
  });

  it('waits for the longer of its own failover time and the row’s, with the margin of that', () => {
    const patient = { ...owned, failoverTimeMs: 60_000 };
    const observer = anObserver();
    watch(observer, patient, 0, 62_000);
    expect(observer.isExpired(patient, 62_999)).toBe(false);
    expect(observer.isExpired(patient, 63_000)).toBe(true);
    const hasty = { ...owned, failoverTimeMs: 1_000 };
    const another = anObserver();
    watch(another, hasty, 0, 10_000);
    expect(another.isExpired(hasty, 10_499)).toBe(false);
  });

  it('starts all timers anew after half a failover time without a reading', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 6_000);
    observer.observe([owned], [], 11_001);
    expect(observer.isExpired(owned, 12_000)).toBe(false);
    watch(observer, owned, 13_000, 21_000);
    expect(observer.isExpired(owned, 21_500)).toBe(false);
    expect(observer.isExpired(owned, 21_501)).toBe(true);
  });

  it('goes on counting after a shorter gap', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 6_000);
    observer.observe([owned], [], 11_000);
    expect(observer.isExpired(owned, 11_000)).toBe(true);
  });

  it('forgets a row that was deleted and put back', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 6_000);
    observer.observe([], [], 8_000);
    observer.keepOnly([], []);
    observer.observe([owned], [], 10_000);
    expect(observer.isExpired(owned, 12_000)).toBe(false);
  });

  it('calls an unowned row free at once, but not a healed or evicted one, or one with half of a hand-over', () => {
    const observer = anObserver();
    const free = aLease();
    const healed = aLease({ healed: true });
    const evicted = aLease({ evicted: true });
    const half = aLease({ checkpointOwner: 'a' });
    for (const lease of [free, healed, evicted, half]) {
      watch(observer, lease, 0, 10_000);
      expect(observer.isFree(lease, 10_499)).toBe(lease === free);
      expect(observer.isFree(lease, 10_500)).toBe(true);
    }
  });

  it('knows how long a lease has been free', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 12_000);
    expect(observer.freeForMs(owned, 10_000)).toBe(0);
    expect(observer.freeForMs(owned, 12_000)).toBe(1_500);
    const free = aLease();
    watch(observer, free, 14_000, 16_000);
    expect(observer.freeForMs(free, 17_000)).toBe(3_000);
  });
});

describe('LeaseObserver, of a table in pages', () => {
  it('counts from the arrival of each page', () => {
    const observer = anObserver();
    const other = { ...owned, leaseKey: 'other' };
    observer.observe([owned], [], 0);
    observer.observe([other], [], 3_000);
    for (let nowMs = 3_000; nowMs <= 11_000; nowMs += 1_000) observer.observe([], [], nowMs);
    expect(observer.isExpired(owned, 10_500)).toBe(true);
    expect(observer.isExpired(other, 13_499)).toBe(false);
    expect(observer.isExpired(other, 13_500)).toBe(true);
  });

  it('takes a slow reading for no outage, as long as pages arrive', () => {
    const observer = anObserver();
    const other = { ...owned, leaseKey: 'other' };
    for (let nowMs = 0; nowMs <= 12_000; nowMs += 4_000) {
      observer.observe([owned], [], nowMs);
      observer.observe([other], [], nowMs + 2_000);
    }
    expect(observer.isExpired(owned, 12_000)).toBe(true);
  });

  it('starts anew what an earlier page of the same reading has shown, after a gap before the next page', () => {
    const observer = anObserver();
    watch(observer, owned, 0, 8_000);
    observer.observe([], [], 13_001);
    expect(observer.isExpired(owned, 13_001)).toBe(false);
    expect(observer.expiresAtMs(owned)).toBeUndefined();
  });
});

describe('LeaseObserver, of workers', () => {
  const worker = aWorkerRow('w');

  function watchWorker(observer: LeaseObserver, toMs: number): void {
    observer.observe([], [{ ...worker, heartbeat: worker.heartbeat - 1 }], 0);
    for (let nowMs = 0; nowMs <= toMs; nowMs += 2_000) observer.observe([], [worker], nowMs);
  }

  it('takes one for gone whose row has stood still for the failover time and the margin', () => {
    const observer = anObserver();
    watchWorker(observer, 10_000);
    expect(observer.isAlive(worker, 10_499, false)).toBe(true);
    expect(observer.isAlive(worker, 10_500, false)).toBe(false);
    expect(observer.stillForMs(worker, 10_500)).toBe(10_500);
  });

  it('suspects one of whose leases has expired, after half the time', () => {
    const observer = anObserver();
    watchWorker(observer, 6_000);
    expect(observer.isAlive(worker, 5_249, true)).toBe(true);
    expect(observer.isAlive(worker, 5_250, true)).toBe(false);
  });

  it('suspects one that was never seen to move, after half the time: its row may have been left behind', () => {
    const observer = anObserver();
    for (let nowMs = 0; nowMs <= 6_000; nowMs += 2_000) observer.observe([], [worker], nowMs);
    expect(observer.isAlive(worker, 5_249, false)).toBe(true);
    expect(observer.isAlive(worker, 5_250, false)).toBe(false);
  });

  it('sees every sign of life', () => {
    const observer = anObserver();
    watchWorker(observer, 10_000);
    const beating = { ...worker, heartbeat: worker.heartbeat + 1 };
    observer.observe([], [beating], 10_400);
    expect(observer.isAlive(beating, 20_000, false)).toBe(true);
    expect(observer.stillForMs(beating, 20_000)).toBe(9_600);
  });

  it('waits for the longer of its own failover time and the worker’s', () => {
    const observer = anObserver();
    const patient = aWorkerRow('w', { failoverTimeMs: 60_000 });
    observer.observe([], [{ ...patient, heartbeat: 0 }], 0);
    for (let nowMs = 0; nowMs <= 62_000; nowMs += 2_000) observer.observe([], [patient], nowMs);
    expect(observer.isAlive(patient, 62_999, false)).toBe(true);
    expect(observer.isAlive(patient, 63_000, false)).toBe(false);
  });

  it('takes nobody for gone after an outage, nor one that it has not seen', () => {
    const observer = anObserver();
    watchWorker(observer, 8_000);
    observer.observe([], [worker], 13_001);
    expect(observer.isAlive(worker, 14_000, true)).toBe(true);
    expect(observer.isAlive(aWorkerRow('other'), 99_000, true)).toBe(true);
  });

  it('forgets one whose row was removed', () => {
    const observer = anObserver();
    watchWorker(observer, 4_000);
    observer.keepOnly([], []);
    observer.observe([], [worker], 6_000);
    expect(observer.stillForMs(worker, 8_000)).toBe(2_000);
  });
});
