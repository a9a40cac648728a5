import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expiryMarginMs, failoverTimeMs, key, scanIntervalMs, TestFleet } from './coordinator-harness';
import { throttle } from './held-lease-harness';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator, when a worker dies', () => {
  it('lets its leases go after the failover time and the margin, and not before', async () => {
    aFleet(4);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    a.kill();
    await fleet.pass(50);
    const counters = [0, 1, 2, 3].map((index) => fleet.row(index).leaseCounter);
    const b = fleet.join('b');
    const waitedMs = await fleet.passUntil(() =>
      [0, 1, 2, 3].some((index) => fleet.row(index).leaseCounter !== counters[index]),
    );
    expect(waitedMs).toBeGreaterThanOrEqual(failoverTimeMs + expiryMarginMs);
    expect(waitedMs).toBeLessThanOrEqual(failoverTimeMs + expiryMarginMs + scanIntervalMs + 100);
    await fleet.pass(200);
    expect(b.deliverable).toHaveLength(4);
    expect(a.deliverable).toEqual([]);
  });

  it('does not lose a shard whose owner dies half-way through a hand-over', async () => {
    aFleet(2);
    const a = fleet.join('a', { drainMs: 60_000 });
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.eventNames().includes('handoverRequested'));
    a.kill();
    await fleet.passUntil(() => b.deliverable.length === 2, failoverTimeMs + expiryMarginMs + 2 * scanIntervalMs + 200);
  });

  it('does not lose a shard whose receiver dies before it adopts it', async () => {
    aFleet(2);
    const a = fleet.join('a', { drainMs: 3_000 });
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.eventNames().includes('handoverRequested'));
    b.kill();
    await fleet.passUntil(() => fleet.table.rows().some(({ handedOver }) => handedOver));
    await fleet.passUntil(() => a.deliverable.length === 2, failoverTimeMs + expiryMarginMs + 2 * scanIntervalMs + 200);
  });

  it('does not adopt at once what names it without having been handed over', async () => {
    aFleet(0).table.put(aLease({ leaseKey: key(0), leaseOwner: 'a', leaseCounter: 5 }));
    const a = fleet.join('a');
    await fleet.pass(failoverTimeMs + expiryMarginMs - 100);
    expect(a.deliverable).toEqual([]);
    await fleet.pass(scanIntervalMs + 200);
    expect(a.deliverable).toHaveLength(1);
  });

  it('lets a healed row alone for a failover time', async () => {
    aFleet(0).table.put(aLease({ leaseKey: key(0), leaseCounter: 1_700_000_000_000, healed: true }));
    const a = fleet.join('a');
    await fleet.pass(failoverTimeMs + expiryMarginMs - 100);
    expect(a.deliverable).toEqual([]);
    await fleet.pass(scanIntervalMs + 200);
    expect(a.deliverable).toHaveLength(1);
    expect(fleet.row(0).healed).toBe(false);
  });

  it('loses nothing when the table throttles everybody for a while', async () => {
    aFleet(4);
    const workers = [fleet.join('a'), fleet.join('b')];
    await fleet.pass(20_000);
    const before = workers.map(({ events }) => events.length);
    for (const { store } of workers) store.fault = () => ({ kind: 'error', error: throttle() });
    await fleet.pass(4_000);
    for (const { store } of workers) store.fault = () => undefined;
    await fleet.pass(15_000);
    const since = workers.flatMap((worker, index) => worker.eventNames().slice(before[index]));
    expect(new Set(since)).toEqual(new Set(['tableThrottled']));
    expect(fleet.loads()).toEqual([2, 2]);
  });

  it('does not take everything at the end of an outage of the table: what nobody could renew counts anew', async () => {
    aFleet(4);
    const workers = [fleet.join('a'), fleet.join('b')];
    await fleet.pass(20_000);
    for (const { store } of workers) store.fault = () => ({ kind: 'error', error: throttle() });
    await fleet.pass(14_000);
    expect(fleet.loads()).toEqual([0, 0]);
    const taken = workers.map((worker) => worker.count('taken'));
    for (const { store } of workers) store.fault = () => undefined;
    await fleet.pass(failoverTimeMs);
    expect(workers.map((worker) => worker.count('taken'))).toEqual(taken);
    await fleet.passUntil(() => fleet.loads().every((load) => load === 2), 2 * failoverTimeMs);
  });
});
