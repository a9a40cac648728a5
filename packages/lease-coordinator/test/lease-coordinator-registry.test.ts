import { aLease, settle } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type AssignmentPlan, evenPlan } from '../src';
import { failoverTimeMs, key, mailIntervalMs, scanIntervalMs, settleMs, TestFleet } from './coordinator-harness';
import { accessDenied, throttle } from './held-lease-harness';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

const withoutRegistry = { options: { registry: false } };

describe('a fleet without a registry', () => {
  it('writes no row of a worker, and sends no mail', async () => {
    aFleet(6);
    fleet.joinAll(['a', 'b'], withoutRegistry);
    await fleet.pass(20_000);
    expect(fleet.table.workers()).toEqual([]);
    expect(fleet.loads()).toEqual([3, 3]);
  });

  it('takes what is free in its first tick', async () => {
    aFleet(3);
    const a = fleet.join('a', withoutRegistry);
    await fleet.clock.advance(0);
    expect(a.deliverable).toHaveLength(3);
  });

  it('shares with a newcomer, learns of it from the table, and gives its leases on when it stops', async () => {
    aFleet(6);
    const a = fleet.join('a', withoutRegistry);
    await fleet.pass(5_000);
    fleet.join('b', withoutRegistry);
    await fleet.passUntilLoads(3, 3);
    expect(a.count('lost')).toBe(0);
    a.stop();
    await fleet.passUntil(() => fleet.loads()[1] === 6, 2 * scanIntervalMs);
    await a.done;
  });

  it('takes the leases of a worker that crashed', async () => {
    aFleet(6);
    const [a, b] = fleet.joinAll(['a', 'b'], withoutRegistry);
    await fleet.pass(20_000);
    a?.kill();
    await fleet.passUntil(() => b?.deliverable.length === 6, failoverTimeMs + 3_000);
  });
});

describe('a fleet of which only some stand in the registry', () => {
  it('shares evenly, whoever joins', async () => {
    aFleet(9);
    fleet.join('a');
    await fleet.pass(5_000);
    fleet.join('b', withoutRegistry);
    await fleet.passUntil(() => fleet.loads().join() === '5,4' || fleet.loads().join() === '4,5');
    fleet.join('c');
    await fleet.passUntilLoads(3, 3, 3);
    await fleet.pass(60_000);
    expect(fleet.loads()).toEqual([3, 3, 3]);
    expect(fleet.workers.reduce((sum, worker) => sum + worker.count('lost'), 0)).toBe(0);
  });

  it('moves nothing for an hour, once it is even', async () => {
    aFleet(4);
    fleet.join('a');
    fleet.join('b', withoutRegistry);
    await fleet.pass(30_000);
    const before = new Map(fleet.moves);
    await fleet.clock.advance(3_600_000);
    expect(new Map(fleet.moves)).toEqual(before);
  });

  it('shares with KCL workers that hold leases, and takes theirs when they expire', async () => {
    aFleet(0);
    for (let index = 0; index < 4; index++) {
      fleet.table.put(aLease({ leaseKey: key(index), leaseOwner: 'kcl', leaseCounter: 9, typed: false }));
    }
    const a = fleet.join('a');
    await fleet.pass(1_000);
    expect(a.count('handoverRequested')).toBe(2);
    await fleet.passUntil(() => a.deliverable.length === 4, 2 * failoverTimeMs);
  });
});

describe('mail', () => {
  it('tells an owner that it was asked, and a receiver that it has the lease, without a reading of the table', async () => {
    aFleet(2);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.count('handoverRequested') === 1);
    for (const { store } of fleet.workers) {
      store.fault = ({ operation }) => (operation === 'list' ? { kind: 'error', error: throttle() } : undefined);
    }
    await fleet.passUntil(() => a.count('handedOver') === 1, mailIntervalMs + 200);
    await fleet.passUntil(() => b.count('adopted') === 1, mailIntervalMs + 100);
  });

  it('that is lost costs time until the next reading, and nothing else', async () => {
    aFleet(2);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.pass(100);
    const fault = (): Error => throttle();
    a.registryFault = fault;
    b.registryFault = fault;
    await fleet.passUntilLoads(1, 1);
    expect(a.count('lost') + b.count('lost')).toBe(0);
  });

  it('for a lease that no reading has shown makes the worker read the table at once', async () => {
    aFleet(0);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    const handedOver = { leaseOwner: 'a', handedOver: true };
    fleet.table.put(aLease({ leaseKey: key(7), parentShardIds: [key(6)], ...handedOver }));
    await fleet.table.registry().sendMail('a', [key(7)]);
    await fleet.passUntil(() => a.deliverable.length === 1, mailIntervalMs + 50);
  });

  it('about another lease makes the worker try again to adopt what it could not', async () => {
    aFleet(1);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    const operations: string[] = [];
    a.store.fault = ({ operation }) => {
      if (operation === 'adopt' || operation === 'release') operations.push(operation);
      return operations.length === 1 && operation === 'adopt' ? { kind: 'error', error: accessDenied() } : undefined;
    };
    fleet.table.put(aLease({ leaseKey: key(7), root: true, leaseOwner: 'a', handedOver: true }));
    await fleet.table.registry().sendMail('a', [key(7)]);
    await fleet.passUntil(() => operations.length === 1, mailIntervalMs + 50);
    await fleet.table.registry().sendMail('a', [key(0)]);
    await fleet.passUntil(() => operations.length === 2, mailIntervalMs + 50);
    expect(operations).toEqual(['adopt', 'adopt']);
  });

  it('whose rows cannot be read makes the worker read the table', async () => {
    aFleet(2);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    let listings = 0;
    a.store.fault = ({ operation }) => {
      if (operation === 'list') listings++;
      return operation === 'getMany' ? { kind: 'error', error: throttle() } : undefined;
    };
    await fleet.table.registry().sendMail('a', [key(0)]);
    await fleet.pass(mailIntervalMs + 50);
    expect(listings).toBe(1);
    expect(a.count('tableThrottled')).toBe(1);
  });
});

describe('a registry that fails', () => {
  it('costs nobody a lease', async () => {
    aFleet(4);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(20_000);
    if (a !== undefined) a.registryFault = throttle;
    await fleet.pass(60_000);
    expect(a?.count('lost')).toBe(0);
    expect((a?.deliverable.length ?? 0) + (b?.deliverable.length ?? 0)).toBe(4);
    if (a !== undefined) a.registryFault = undefined;
    await fleet.pass(20_000);
    expect(fleet.loads()).toEqual([2, 2]);
  });

  it('rejects a registration, which may be made again', async () => {
    aFleet(0);
    const a = fleet.join('a');
    await settle();
    a.registryFault = throttle;
    await expect(a.coordinator.register()).rejects.toThrow('slow down');
    a.registryFault = undefined;
    await a.coordinator.register();
  });
});

describe('the limits of others', () => {
  it('are known from the registry: what one may not have the others take at once', async () => {
    aFleet(10);
    fleet.join('a', { options: { maxLeases: 1 } });
    fleet.join('b');
    fleet.join('c', { options: { maxLeases: 2 } });
    expect(await fleet.passUntilLoads(1, 7, 2)).toBeLessThanOrEqual(2 * settleMs + 50);
    expect([...fleet.moves.values()]).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it('leave leases unread when all are reached, which is said once a minute', async () => {
    aFleet(5);
    const a = fleet.join('a', { options: { maxLeases: 2 } });
    fleet.join('b', { options: { maxLeases: 2 } });
    await fleet.pass(50_000);
    expect(fleet.loads()).toEqual([2, 2]);
    expect(a.logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('maxLeases'), fields: { leases: 1 } },
    ]);
  });

  it('keep successors from getting more than they may have', async () => {
    aFleet(6);
    const a = fleet.join('a');
    const b = fleet.join('b', { options: { maxLeases: 3 } });
    await fleet.pass(10_000);
    a.stop();
    await fleet.pass(10_000);
    await a.done;
    expect(b.deliverable).toHaveLength(3);
    expect(fleet.table.rows().filter(({ leaseOwner }) => leaseOwner === undefined)).toHaveLength(3);
  });
});

describe('the plan of a fleet', () => {
  /** Everything to the first by name: easily told from the even one. */
  const allToTheFirst: AssignmentPlan = {
    version: 2,
    assign: ({ leases, workers }) => {
      const [first] = workers;
      const given = leases.filter(({ owner, state }) => state !== 'fixed' && owner !== first?.workerId);
      return new Map(given.map(({ leaseKey }) => [leaseKey, first?.workerId ?? '']));
    },
  };
  const withPlan = { options: { plans: [allToTheFirst] } };

  it('is the newest that all know', async () => {
    aFleet(4);
    fleet.joinAll(['b', 'a'], withPlan);
    await fleet.passUntilLoads(0, 4);
  });

  it('is the lowest version among the live, until the last old worker has left', async () => {
    aFleet(4);
    const old = fleet.join('old');
    fleet.joinAll(['b', 'a'], withPlan);
    await fleet.pass(20_000);
    expect(fleet.loads().slice().sort()).toEqual([1, 1, 2]);
    expect(fleet.table.workers().map(({ planVersion }) => planVersion)).toEqual([1, 2, 2]);
    old.stop();
    await fleet.passUntilLoads(0, 0, 4);
    await old.done;
  });

  it('is an old one again when an old worker comes back', async () => {
    aFleet(4);
    fleet.joinAll(['b', 'a'], withPlan);
    await fleet.passUntilLoads(0, 4);
    fleet.join('old');
    await fleet.passUntil(() => Math.max(...fleet.loads()) <= 2);
  });

  it('is the built-in one unless another is given', () => {
    expect(evenPlan.version).toBe(1);
  });
});
