import type { LeaseSeed } from '@millrace/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  failoverTimeMs,
  key,
  mailIntervalMs,
  scanIntervalMs,
  settleMs,
  TestFleet,
  type TestWorker,
} from './coordinator-harness';
import { throttle, timeout } from './held-lease-harness';
import { aSeed } from './lease-store-subject';

const { signal } = new AbortController();
let fleet = new TestFleet(0);

afterEach(() => fleet.end());

function seedOf(index: number): LeaseSeed {
  return { ...aSeed, leaseKey: key(index), root: true, streamArn: 'arn:flights', streamCreatedAtMs: 1 };
}

const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** What shard discovery does with an empty table, but for the first row. */
async function fill(worker: TestWorker, leases: number): Promise<void> {
  const owners = await worker.coordinator.planFirstOwners(indices(leases).map(key), signal);
  for (const index of indices(leases)) await worker.coordinator.create(seedOf(index), owners.get(key(index)));
}

describe('a first start', () => {
  it('of many workers: one creates each row in the name of its owner, and nobody takes any', async () => {
    fleet = new TestFleet(0);
    const workers = fleet.joinAll(['a', 'b', 'c', 'd']);
    const calls = new Map<string, number>();
    for (const { store } of workers) {
      store.fault = ({ operation }) => {
        calls.set(operation, (calls.get(operation) ?? 0) + 1);
        return undefined;
      };
    }
    await fleet.pass(50);
    const filling = fill(workers[0]!, 40);
    await fleet.passUntilLoads(10, 10, 10, 10);
    await filling;
    expect(calls.get('create')).toBe(40);
    expect(calls.get('take')).toBeUndefined();
    expect(calls.get('adopt')).toBe(30);
    await fleet.pass(30_000);
    expect([...fleet.moves.values()]).toEqual(indices(40).map(() => 1));
  });

  it('waits a moment for those that come up at the same time, and for those that come up meanwhile', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.clock.advance(0);
    const planning = a.coordinator.planFirstOwners(indices(6).map(key), signal);
    await fleet.clock.advance(settleMs - 10);
    fleet.join('b');
    await fleet.clock.advance(20);
    fleet.join('c');
    await fleet.clock.advance(2 * settleMs);
    expect(new Set((await planning).values())).toEqual(new Set(['a', 'b', 'c']));
  });

  it('does not wait for ever for workers that appear all the time', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.clock.advance(0);
    const planned: unknown[] = [];
    const planning = a.coordinator.planFirstOwners([key(0)], signal).then((owners) => planned.push(owners));
    while (planned.length === 0 && fleet.workers.length < 20) {
      fleet.join(`b-${String(fleet.workers.length)}`);
      await fleet.clock.advance(settleMs);
    }
    expect(planned).toHaveLength(1);
    expect(fleet.workers.length).toBeLessThan(15);
    await planning;
  });

  it('of a worker that has no registry gives all to whoever creates them', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a', { options: { registry: false } });
    await fleet.clock.advance(0);
    const owners = await a.coordinator.planFirstOwners([key(0), key(1)], signal);
    expect([...owners.values()]).toEqual(['a', 'a']);
  });

  it('ends with the signal', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.clock.advance(0);
    const stop = new AbortController();
    const outcome = expect(a.coordinator.planFirstOwners([key(0)], stop.signal)).rejects.toThrow('enough');
    await fleet.clock.advance(10);
    stop.abort(new Error('enough'));
    await outcome;
  });
});

describe('a row that is created', () => {
  it('in my name is held at once, without another write', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    expect(await a.coordinator.create(seedOf(0), 'a')).toBe(true);
    expect(a.deliverable).toEqual([key(0)]);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: 'a', leaseCounter: 0, handedOver: false, failoverTimeMs });
    expect(a.acquired[0]?.fencingToken).toBe(0);
    await fleet.pass(60_000);
    expect(a.deliverable).toEqual([key(0)]);
    expect(a.eventNames()).toEqual(['taken']);
  });

  it('in the name of another may be adopted at once, of which that one is told', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(5_000);
    expect(await a!.coordinator.create(seedOf(0), 'b')).toBe(true);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: 'b', handedOver: true });
    await fleet.passUntil(() => b!.deliverable.length === 1, mailIntervalMs + 50);
    expect(a!.coordinator.heldLeases()).toEqual([]);
  });

  it('in the name of a worker that is gone is free once that would have seen it', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    await a.coordinator.create(seedOf(0), 'gone');
    await fleet.passUntil(() => a.deliverable.length === 1, failoverTimeMs / 2 + 2 * scanIntervalMs);
  });

  it('in nobody’s name is free', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a', { options: { maxLeases: 1 } });
    await a.coordinator.create(seedOf(0), 'a');
    expect(await a.coordinator.create(seedOf(1), undefined)).toBe(true);
    expect(fleet.row(1)).toMatchObject({ leaseOwner: undefined, handedOver: false });
  });

  it('is nobody’s new row when there is one already', async () => {
    fleet = new TestFleet(1);
    const b = fleet.join('b');
    expect(await b.coordinator.create(seedOf(0), 'b')).toBe(false);
    expect(b.coordinator.heldLeases()).toEqual([]);
  });

  it('is mine though the answer was lost, and lives from the start of the first attempt', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    a.store.fault = ({ operation }) => {
      if (operation !== 'create') return undefined;
      a.store.fault = () => ({ kind: 'error', error: throttle() });
      return { kind: 'reset-after', error: timeout() };
    };
    const startedAtMs = fleet.clock.now();
    const creating = a.coordinator.create(seedOf(0), 'a');
    await fleet.clock.advance(3_000);
    a.store.fault = ({ operation }) => (operation === 'create' ? undefined : { kind: 'lost-before' });
    await fleet.clock.advance(1_000);
    expect(await creating).toBe(true);
    await fleet.clock.advance(startedAtMs + failoverTimeMs - fleet.clock.now() - 1);
    expect(a.acquired[0]?.closed).toBe(false);
    await fleet.clock.advance(1);
    expect(a.acquired[0]?.ending).toBe('lost');
  });

  it('rejects with what cannot be mended', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    a.store.fault = ({ operation }) => (operation === 'create' ? { kind: 'error', error: denied } : undefined);
    await expect(a.coordinator.create(seedOf(0), 'a')).rejects.toBe(denied);
  });
});
