import { effectiveOwner, SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expiryMarginMs, failoverTimeMs, key, scanIntervalMs, TestFleet } from './coordinator-harness';
import { aWorker } from './worker-rows';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator, during hand-overs', () => {
  it('lets a lease expire whose handler does not settle in time', async () => {
    aFleet(2);
    const a = fleet.join('a', { drainMs: 100_000 });
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.deliverable.length === 1, 5_000 + 2 * failoverTimeMs + 3 * scanIntervalMs);
    expect(a.deliverable).toHaveLength(1);
    expect(a.eventNames()).toContain('lost');
  });

  it('passes on what was handed over to it and asked for by another since', async () => {
    aFleet(0);
    const c = fleet.join('c');
    fleet.table.put(
      aLease({
        leaseKey: key(0),
        leaseCounter: 5,
        leaseOwner: 'c',
        checkpointOwner: 'b',
        receiver: 'c',
        handedOver: true,
      }),
    );
    fleet.join('b');
    await fleet.passUntil(() => c.deliverable.length === 1, 2 * scanIntervalMs + 200);
  });

  it('gives back what was handed over to it when it has no room', async () => {
    aFleet(1);
    const a = fleet.join('a', { options: { maxLeases: 1 } });
    await fleet.pass(1_000);
    fleet.table.put(aLease({ leaseKey: key(1), leaseCounter: 5, leaseOwner: 'a', handedOver: true }));
    await fleet.pass(scanIntervalMs + 100);
    expect(fleet.row(1)).toMatchObject({ leaseOwner: undefined, handedOver: false });
    expect(a.deliverable).toHaveLength(1);
  });

  it('does not ask for finished shards', async () => {
    aFleet(0);
    for (let index = 0; index < 4; index++) {
      fleet.table.put(aLease({ leaseKey: key(index), leaseOwner: 'x', checkpoint: SHARD_END, leaseCounter: 9 }));
    }
    fleet.join('a');
    await fleet.pass(30_000);
    expect(fleet.table.rows().every(({ leaseCounter, leaseOwner }) => leaseCounter === 9 && leaseOwner === 'x')).toBe(
      true,
    );
  });
});

describe('LeaseCoordinator, with an owner that goes on renewing and does not answer', () => {
  /** A worker of another make: writes its rows every three seconds, whatever they say. */
  async function passWithDeaf(durationMs: number, until: () => boolean = () => false): Promise<number> {
    const fromMs = fleet.clock.now();
    while (fleet.clock.now() - fromMs < durationMs && !until()) {
      for (const row of fleet.table.rows()) {
        const isTime = fleet.clock.now() % 3_000 < 50;
        if (isTime && effectiveOwner(row) === 'deaf') fleet.table.put({ ...row, leaseCounter: row.leaseCounter + 1 });
      }
      const state = { leasesHeld: 1, stopping: false, filling: false, wallTimeMs: 0 };
      await fleet.table.registry().heartbeat(aWorker('deaf', { handoverTimeoutMs: 5_000 }), state);
      await fleet.pass(50);
    }
    return fleet.clock.now() - fromMs;
  }

  it('evicts it in the end, and takes the lease only once it has expired after that', async () => {
    aFleet(0);
    for (const index of [0, 1]) fleet.table.put(aLease({ leaseKey: key(index), leaseOwner: 'deaf', leaseCounter: 1 }));
    const b = fleet.join('b');
    await passWithDeaf(1_000);
    const [asked] = fleet.table.rows().filter(({ receiver }) => receiver === 'b');
    const waitedMs = await passWithDeaf(60_000, () => b.count('evicted') === 1);
    expect(waitedMs).toBeGreaterThanOrEqual(5_000 + 2 * failoverTimeMs - 1_000);
    expect(waitedMs).toBeLessThanOrEqual(5_000 + 2 * failoverTimeMs + 2 * scanIntervalMs);
    expect(fleet.table.get(asked?.leaseKey ?? '')).toMatchObject({ leaseOwner: undefined, evicted: true });
    expect(b.logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: 'lease evicted, its owner did not hand it over', fields: { owner: 'deaf' } },
    ]);
    const untilTakenMs = await passWithDeaf(60_000, () => b.deliverable.length === 1);
    expect(untilTakenMs).toBeGreaterThanOrEqual(failoverTimeMs + expiryMarginMs - 100);
    expect(untilTakenMs).toBeLessThanOrEqual(failoverTimeMs + expiryMarginMs + scanIntervalMs + 300);
    expect(fleet.table.get(asked?.leaseKey ?? '')).toMatchObject({ leaseOwner: 'b', evicted: false });
  });

  it('is evicted by one of several, whoever has asked', async () => {
    aFleet(0);
    for (const index of [0, 1, 2]) {
      fleet.table.put(aLease({ leaseKey: key(index), leaseOwner: 'deaf', leaseCounter: 1 }));
    }
    const workers = fleet.joinAll(['b', 'c']);
    await passWithDeaf(60_000, () => workers.reduce((sum, { deliverable }) => sum + deliverable.length, 0) === 2);
    expect(workers.reduce((sum, worker) => sum + worker.count('evicted'), 0)).toBe(2);
    expect(workers.map(({ deliverable }) => deliverable.length)).toEqual([1, 1]);
  });
});

describe('LeaseCoordinator, with a receiver that is gone', () => {
  it('keeps the lease that was asked for, and gives it to the next that asks', async () => {
    aFleet(2);
    const a = fleet.join('a', { drainMs: 4_500 });
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.count('handoverRequested') === 1);
    // Its row has been seen; then it stops, and is gone before the handler has settled.
    await fleet.pass(scanIntervalMs);
    b.stop();
    await b.done;
    // The handler had begun to drain: the lease goes on in a new life.
    await fleet.passUntil(() => a.count('released') === 1, 4_500);
    await fleet.passUntil(() => a.deliverable.length === 2, scanIntervalMs + 200);
    const c = fleet.join('c');
    await fleet.passUntil(() => c.deliverable.length === 1, 6_000);
    expect(a.count('lost')).toBe(0);
  });

  it('cancels at once a request that comes in after the receiver has died', async () => {
    aFleet(2);
    const a = fleet.join('a');
    const b = fleet.join('b');
    await fleet.passUntilLoads(1, 1);
    b.kill();
    await fleet.pass(5_000);
    // Until now b counts as alive; a late request of its arrives when it does not any more.
    await fleet.pass(failoverTimeMs - 4_000);
    const row = fleet.table.rows().find(({ leaseOwner }) => leaseOwner === 'a') ?? fleet.row(0);
    fleet.table.put({ ...row, leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' });
    await fleet.pass(scanIntervalMs + 200);
    expect(fleet.table.get(row.leaseKey)).toMatchObject({ leaseOwner: 'a', checkpointOwner: undefined });
    expect(a.count('handedOver')).toBe(0);
    expect(a.count('lost')).toBe(0);
    expect(a.deliverable).toContain(row.leaseKey);
  });
});
