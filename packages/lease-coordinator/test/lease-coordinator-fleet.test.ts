import { afterEach, describe, expect, it } from '@jest/globals';
import {
  expiryMarginMs,
  failoverTimeMs,
  key,
  mailIntervalMs,
  scanIntervalMs,
  settleMs,
  TestFleet,
  type TestWorker,
} from './coordinator-harness';
import { aWorker } from './worker-rows';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

/** How often leases have moved since the fleet was steady. */
function movesSince(before: ReadonlyMap<string, number>): readonly number[] {
  return [...fleet.moves].map(([leaseKey, moves]) => moves - (before.get(leaseKey) ?? 0)).filter((moves) => moves > 0);
}

function lostOrTaken(workers: readonly TestWorker[]): number {
  return workers.reduce((sum, worker) => sum + worker.count('lost') + worker.count('taken'), 0);
}

describe('a worker that joins', () => {
  it('has its share within a second and a reading of the table, and nobody loses a lease over it', async () => {
    aFleet(10);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const before = new Map(fleet.moves);
    const b = fleet.join('b');
    expect(await fleet.passUntilLoads(5, 5)).toBeLessThanOrEqual(1_000);
    expect(a.count('lost')).toBe(0);
    expect(b.count('taken')).toBe(0);
    expect(b.count('adopted')).toBe(5);
    await fleet.pass(30_000);
    expect(movesSince(before)).toEqual([1, 1, 1, 1, 1]);
  });

  it('neither takes nor asks for anything in the moment in which it appears', async () => {
    aFleet(4);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.clock.advance(settleMs - 1);
    expect(fleet.table.rows().every(({ leaseOwner }) => leaseOwner === 'a')).toBe(true);
    await fleet.clock.advance(1);
    expect(b.count('handoverRequested')).toBe(2);
    expect(a.count('lost')).toBe(0);
  });

  it('is not given more by those who were there before than the fleet of then needed', async () => {
    aFleet(9);
    fleet.joinAll(['a', 'b']);
    await fleet.pass(5_000);
    const before = new Map(fleet.moves);
    fleet.join('c');
    await fleet.pass(30_000);
    expect(fleet.loads().slice().sort()).toEqual([3, 3, 3]);
    expect(movesSince(before)).toEqual([1, 1, 1]);
  });

  it('gets its leases also when it joins with eight others at once: each lease moves at most once, none asked for by two', async () => {
    aFleet(100);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const before = new Map(fleet.moves);
    const newcomers = fleet.joinAll(['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']);
    const asked: string[] = [];
    for (const { store } of newcomers) {
      store.fault = ({ operation, leaseKey }) => {
        if (operation === 'requestHandover') asked.push(leaseKey ?? '');
        return undefined;
      };
    }
    expect(await fleet.passUntilLoads(...Array.from({ length: 10 }, () => 10))).toBeLessThanOrEqual(2_000);
    await fleet.pass(30_000);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(90);
    expect(movesSince(before)).toEqual(Array.from({ length: 90 }, () => 1));
    expect(a.count('lost')).toBe(0);
  });

  it('settles in the end although another appears before every reading of the table', async () => {
    aFleet(6);
    const a = fleet.join('a');
    const loads: number[] = [];
    for (let index = 0; index < 12; index++) {
      await fleet.pass(100);
      const passerBy = aWorker(`passer-by-${String(index)}`, { maxLeases: 1 });
      await fleet.table
        .registry()
        .heartbeat(passerBy, { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
      await fleet.pass(settleMs - 100);
      loads.push(a.deliverable.length);
    }
    expect(loads.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(loads.at(-1)).toBeGreaterThan(0);
  });
});

describe('a fleet that starts together', () => {
  it('takes each lease once, and none moves afterwards', async () => {
    aFleet(60);
    const workers = fleet.joinAll(['a', 'b', 'c', 'd', 'e', 'f']);
    let takes = 0;
    for (const { store } of workers) {
      store.fault = ({ operation }) => {
        if (operation === 'take') takes++;
        return undefined;
      };
    }
    await fleet.passUntilLoads(10, 10, 10, 10, 10, 10);
    await fleet.pass(30_000);
    expect(takes).toBe(60);
    expect([...fleet.moves.values()]).toEqual(Array.from({ length: 60 }, () => 1));
  });
});

describe('a worker that leaves', () => {
  it('gives each lease to the successor that the plan names, who has it within two looks into the mailbox', async () => {
    aFleet(40);
    const [a, ...others] = fleet.joinAll(['a', 'b', 'c', 'd']);
    await fleet.pass(20_000);
    const before = new Map(fleet.moves);
    const taken = lostOrTaken(others);
    a?.stop();
    const waitedMs = await fleet.passUntil(
      () => fleet.loads().reduce((sum, load) => sum + load, 0) === 40 && a?.deliverable.length === 0,
    );
    expect(waitedMs).toBeLessThanOrEqual(100 + 50 + 2 * mailIntervalMs);
    await a?.done;
    await fleet.pass(30_000);
    expect(fleet.loads().slice(1).sort()).toEqual([13, 13, 14]);
    expect(movesSince(before)).toEqual(Array.from({ length: 10 }, () => 1));
    expect(lostOrTaken(others)).toBe(taken);
    expect(fleet.table.workers().map(({ workerId }) => workerId)).toEqual(['b', 'c', 'd']);
  });

  it('gives nothing to one that is about to leave too: of four that stop at once the fifth gets all', async () => {
    aFleet(20);
    const workers = fleet.joinAll(['a', 'b', 'c', 'd', 'e']);
    await fleet.pass(20_000);
    const before = new Map(fleet.moves);
    for (const worker of workers.slice(0, 4)) worker.stop();
    await fleet.passUntil(() => workers[4]?.deliverable.length === 20, failoverTimeMs);
    for (const worker of workers.slice(0, 4)) await worker.done;
    // They did not know of each other's stopping when they named their successors; nobody waited for an expiry.
    expect(Math.max(...movesSince(before))).toBeLessThanOrEqual(4);
    expect(workers.reduce((sum, worker) => sum + worker.count('lost'), 0)).toBe(0);
  });

  it('gives nothing to one whose stopping it has seen', async () => {
    aFleet(6);
    const [a, b, c] = fleet.joinAll(['a', 'b', 'c'], { drainMs: 3_000 });
    await fleet.pass(20_000);
    a?.stop();
    await fleet.pass(scanIntervalMs - 500);
    const before = new Map(fleet.moves);
    b?.stop();
    // The first sees that before its own handlers have settled.
    await fleet.passUntil(() => c?.deliverable.length === 6, failoverTimeMs);
    expect(movesSince(before).every((moves) => moves === 1)).toBe(true);
  });

  it('comes back under another name, and gets its own leases back: two moves each in a rolling restart', async () => {
    aFleet(12);
    const ids = ['a', 'b', 'c', 'd'];
    let workers = fleet.joinAll(ids);
    await fleet.pass(20_000);
    const before = new Map(fleet.moves);
    for (const [index, id] of ids.entries()) {
      const worker = workers[index];
      worker?.stop();
      await fleet.pass(1_000);
      await worker?.done;
      const next = fleet.join(`${id}-2`);
      workers = workers.with(index, next);
      await fleet.pass(5_000);
      expect(workers.map(({ deliverable }) => deliverable.length)).toEqual([3, 3, 3, 3]);
    }
    const moves = movesSince(before);
    expect(Math.max(...moves)).toBeLessThanOrEqual(3);
    expect(moves.reduce((sum, count) => sum + count, 0) / 12).toBeLessThanOrEqual(2.1);
  });
});

describe('a worker that crashes', () => {
  it('has each of its leases taken when the first look can tell that it has expired, evenly', async () => {
    aFleet(40);
    const [a, ...others] = fleet.joinAll(['a', 'b', 'c', 'd']);
    await fleet.pass(20_000);
    const orphans = a?.deliverable ?? [];
    const renewedAtMs = new Map<string, number>();
    const unreadForMs: number[] = [];
    fleet.table.onChange(({ leaseKey, before, after }) => {
      const nowMs = fleet.clock.now();
      if (after?.leaseOwner === 'a') renewedAtMs.set(leaseKey, nowMs);
      else if (before?.leaseOwner === 'a' && orphans.includes(leaseKey)) {
        unreadForMs.push(nowMs - (renewedAtMs.get(leaseKey) ?? 0));
      }
    });
    await fleet.pass(failoverTimeMs);
    a?.kill();
    const waitedMs = await fleet.passUntil(
      () => others.reduce((sum, worker) => sum + worker.deliverable.length, 0) === 40,
    );
    expect(waitedMs).toBeLessThanOrEqual(failoverTimeMs + 3_000);
    expect(Math.min(...unreadForMs)).toBeGreaterThanOrEqual(failoverTimeMs + expiryMarginMs);
    expect(Math.max(...unreadForMs)).toBeLessThanOrEqual(failoverTimeMs + expiryMarginMs + scanIntervalMs);
    expect(others.map(({ deliverable }) => deliverable.length).sort()).toEqual([13, 13, 14]);
    expect(unreadForMs).toHaveLength(10);
    await fleet.pass(30_000);
    expect(others.reduce((sum, worker) => sum + worker.count('handedOver'), 0)).toBe(0);
  });

  it('is no longer counted on: its row is removed after five failover times', async () => {
    aFleet(2);
    const [a] = fleet.joinAll(['a', 'b']);
    await fleet.pass(5_000);
    a?.kill();
    await fleet.pass(5 * failoverTimeMs - 1_000);
    expect(fleet.table.workers().map(({ workerId }) => workerId)).toEqual(['a', 'b']);
    await fleet.pass(10_000);
    expect(fleet.table.workers().map(({ workerId }) => workerId)).toEqual(['b']);
  });

  it('counts for a newcomer until that has seen its row stand still, and then no more', async () => {
    aFleet(4);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(5_000);
    a?.kill();
    await fleet.passUntil(() => b?.deliverable.length === 4, 2 * failoverTimeMs);
    const c = fleet.join('c');
    await fleet.pass(5_000);
    expect(c.deliverable).toHaveLength(1);
    await fleet.pass(failoverTimeMs);
    expect([b?.deliverable.length, c.deliverable.length]).toEqual([2, 2]);
  });
});

describe('what a worker shows of itself in the registry', () => {
  it('is how many leases it holds, and that it stops', async () => {
    aFleet(3);
    const a = fleet.join('a', { drainMs: 5_000, options: { maxLeases: 8 } });
    await fleet.pass(5_000);
    expect(fleet.table.workers()).toMatchObject([
      { workerId: 'a', host: 'host-1', version: '1.2.3', planVersion: 1, maxLeases: 8, leasesHeld: 3, stopping: false },
    ]);
    a.stop();
    await fleet.clock.advance(0);
    expect(fleet.table.workers()).toMatchObject([{ leasesHeld: 3, stopping: true }]);
    await fleet.pass(6_000);
    await a.done;
    expect(fleet.table.workers()).toEqual([]);
  });

  it('stays when a lease was abandoned, so that others do not count on it before that expires', async () => {
    aFleet(1);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    a.acquired[0]?.abandon();
    a.stop();
    await fleet.pass(1_000);
    await a.done;
    expect(fleet.table.workers()).toMatchObject([{ workerId: 'a', stopping: true }]);
    expect(fleet.row(0)).toMatchObject({ leaseKey: key(0), leaseOwner: 'a' });
  });
});
