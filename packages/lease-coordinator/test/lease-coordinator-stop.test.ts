import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { key, mailIntervalMs, settleMs, TestFleet } from './coordinator-harness';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator, when it is told to stop', () => {
  it('ends when all is given to the successors, who adopt it at once', async () => {
    aFleet(6);
    const a = fleet.join('a');
    const b = fleet.join('b');
    await fleet.passUntil(() => fleet.loads().every((load) => load === 3));
    a.stop();
    await fleet.pass(150);
    await a.done;
    expect(a.coordinator.heldLeases()).toEqual([]);
    await fleet.passUntil(() => b.deliverable.length === 6, mailIntervalMs + 100);
    expect(a.count('handedOver')).toBe(3);
    expect(a.count('released')).toBe(0);
    expect(b.count('adopted')).toBe(3);
    expect(fleet.table.workers().map(({ workerId }) => workerId)).toEqual(['b']);
  });

  it('keeps its leases until their handlers have settled', async () => {
    aFleet(2);
    const a = fleet.join('a', { drainMs: 60_000, options: { handoverTimeoutMs: 100_000 } });
    await fleet.pass(1_000);
    a.stop();
    const b = fleet.join('b');
    await fleet.pass(30_000);
    expect(b.deliverable).toEqual([]);
    expect(a.coordinator.heldLeases()).toHaveLength(2);
    await fleet.passUntil(() => b.deliverable.length === 2, 40_000);
    await a.done;
  });

  it('takes nothing more', async () => {
    aFleet(1);
    const a = fleet.join('a', { drainMs: 10_000 });
    await fleet.pass(1_000);
    a.stop();
    fleet.table.put(aLease({ leaseKey: key(1) }));
    a.coordinator.wake();
    await fleet.pass(5_000);
    expect(fleet.row(1).leaseOwner).toBeUndefined();
  });

  it('gives back what it was taking when it was told', async () => {
    aFleet(1);
    const a = fleet.join('a');
    a.store.fault = ({ operation }) =>
      operation === 'take' ? { kind: 'delay', beforeMs: 500, afterMs: 500 } : undefined;
    await fleet.clock.advance(settleMs + 100);
    a.stop();
    await fleet.pass(600);
    expect(fleet.row(0).leaseOwner).toBe('a');
    await fleet.pass(1_000);
    await a.done;
    expect(a.acquired).toEqual([]);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: undefined, leaseCounter: 2 });
  });

  it('ends with its last lease, and does not rest after a slow reading before that', async () => {
    aFleet(1);
    const a = fleet.join('a', { drainMs: 100 });
    await fleet.passUntil(() => a.deliverable.length === 1);
    a.store.fault = ({ operation }) =>
      operation === 'list' ? { kind: 'delay', beforeMs: 300, afterMs: 300 } : undefined;
    a.stop();
    await fleet.pass(50);
    let hasEnded = false;
    void a.done.then(() => (hasEnded = true));
    // The reading that it makes to see what is handed over to it, and nothing more.
    await fleet.pass(650);
    expect(hasEnded).toBe(true);
  });

  it('ends at once when it holds nothing, even while a reading hangs', async () => {
    aFleet(0);
    const a = fleet.join('a');
    a.store.fault = () => ({ kind: 'lost-before' });
    await fleet.clock.advance(3_000);
    a.stop();
    await a.done;
  });

  it('gives back what is handed over to it too late', async () => {
    aFleet(4);
    const a = fleet.join('a', { drainMs: 3_000, options: { maxLeases: 4 } });
    await fleet.pass(5_000);
    fleet.table.put(aLease({ leaseKey: key(9) }));
    const b = fleet.join('b', { drainMs: 20_000 });
    await fleet.passUntil(() => b.eventNames().includes('handoverRequested') && b.deliverable.length > 0);
    b.stop();
    const asked = fleet.table.rows().filter(({ receiver }) => receiver === 'b');
    expect(asked.length).toBeGreaterThan(0);
    await fleet.passUntil(() => asked.every(({ leaseKey }) => a.deliverable.includes(leaseKey)), 12_000);
  });
});
