import type { LeaseSeed } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { failoverTimeMs, key, scanIntervalMs, settleMs, TestFleet, type TestWorker } from './coordinator-harness';
import { throttle, timeout } from './held-lease-harness';
import { aSeed } from './lease-store-subject';

const { signal } = new AbortController();
let fleet = new TestFleet(0);

afterEach(() => fleet.end());

function seedOf(index: number): LeaseSeed {
  return { ...aSeed, leaseKey: key(index), root: true, streamArn: 'arn:flights', streamCreatedAtMs: 1 };
}

const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** What shard discovery does with an empty table, but for the first row; `isDying`: its process dies before it has created any. */
async function fill(
  worker: TestWorker,
  leases: number,
  { isDying }: { readonly isDying?: boolean } = {},
): Promise<void> {
  const keys = indices(leases).map(key);
  const { firstStart } = worker.coordinator;
  await firstStart.begin();
  for (;;) {
    const share = await firstStart.nextShare(keys, keys, signal);
    if (isDying === true) worker.kill();
    if (share === undefined) break;
    for (const [leaseKey, ownership] of share) {
      await firstStart.create({ ...seedOf(0), leaseKey }, ownership);
    }
  }
  await firstStart.end();
}

async function isUnderWay({ coordinator: { firstStart } }: TestWorker): Promise<boolean> {
  const answer = firstStart.isUnderWay(signal);
  await fleet.pass(failoverTimeMs);
  return answer;
}

function calls(workers: readonly TestWorker[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { store } of workers) {
    store.fault = ({ operation }) => {
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      return undefined;
    };
  }
  return counts;
}

describe('a first start', () => {
  it('of many workers: each creates its own share, and nobody takes or asks for any', async () => {
    fleet = new TestFleet(0);
    const workers = fleet.joinAll(['a', 'b', 'c', 'd']);
    const counts = calls(workers);
    await fleet.pass(50);
    const filling = workers.map((worker) => fill(worker, 40));
    await fleet.passUntilLoads(10, 10, 10, 10);
    await fleet.pass(5_000);
    await Promise.all(filling);
    expect(counts.get('create')).toBe(40);
    await fleet.pass(30_000);
    expect(counts.get('take')).toBeUndefined();
    expect(counts.get('request-handover')).toBeUndefined();
    expect([...fleet.moves.values()]).toEqual(indices(40).map(() => 1));
  });

  it('does not end before a lease is given back that it was creating when it was stopped', async () => {
    fleet = new TestFleet(0);
    const [a] = fleet.joinAll(['a']);
    await fleet.pass(50);
    const { store, coordinator } = a!;
    const [create, release] = [store.create.bind(store), store.release.bind(store)];
    store.create = (...args) => fleet.clock.sleep(10).then(() => create(...args));
    store.release = (...args) => fleet.clock.sleep(10).then(() => release(...args));
    const creating = coordinator.firstStart.create(seedOf(0), { unowned: false });
    a!.stop();
    const hasEnded = a!.done.then(() => fleet.table.get(key(0)));
    await fleet.pass(failoverTimeMs);
    expect(await creating).toBe(true);
    expect((await hasEnded)?.leaseOwner).toBeUndefined();
  });

  it('counts the oldest lease for its creator', async () => {
    fleet = new TestFleet(0);
    const workers = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    const [, b] = workers;
    const filling = workers.map((worker) => fill(worker, 9));
    await b!.coordinator.firstStart.create(seedOf(0), { unowned: false });
    await fleet.passUntil(() => fleet.loads().reduce((sum, load) => sum + load, 0) === 9);
    expect(fleet.loads().sort()).toEqual([4, 5]);
    await fleet.pass(5_000);
    await Promise.all(filling);
    expect([...fleet.moves.values()]).toEqual(indices(9).map(() => 1));
  });

  it('waits a moment for those that come up at the same time, and for those that come up meanwhile', async () => {
    fleet = new TestFleet(0);
    const filling = [fill(fleet.join('a'), 9)];
    await fleet.clock.advance(2 * settleMs - 10);
    filling.push(fill(fleet.join('b'), 9));
    await fleet.clock.advance(20);
    filling.push(fill(fleet.join('c'), 9));
    await fleet.pass(5_000);
    await Promise.all(filling);
    expect(fleet.loads()).toEqual([3, 3, 3]);
    expect([...fleet.moves.values()]).toEqual(indices(9).map(() => 1));
  });

  it('is joined at once by who finds its first row while the others wait for it', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    const filling = fill(a!, 10);
    await a!.coordinator.firstStart.create(seedOf(0), { unowned: false });
    await fleet.pass(4 * settleMs);
    const joining = b!.coordinator.firstStart.isUnderWay(signal).then(() => fill(b!, 10));
    await fleet.pass(5_000);
    await Promise.all([joining, filling]);
    expect(fleet.loads()).toEqual([5, 5]);
    expect([...fleet.moves.values()]).toEqual(indices(10).map(() => 1));
  });

  it('is brought to its end by who cannot show that it is alive, while others are waited for', async () => {
    fleet = new TestFleet(0);
    const [a] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    await a!.coordinator.firstStart.begin();
    let refused = 0;
    a!.registryFault = () => {
      refused++;
      return throttle();
    };
    const share = a!.coordinator.firstStart.nextShare([key(0)], [key(0)], signal);
    await fleet.pass(9 * settleMs);
    expect([...((await share)?.keys() ?? [])]).toEqual([key(0)]);
    expect(refused).toBeGreaterThanOrEqual(7);
  });

  it('does not count on workers that do not fill', async () => {
    fleet = new TestFleet(0);
    const [a] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    const filling = fill(a!, 6);
    await fleet.passUntilLoads(6, 0);
    await fleet.passUntilLoads(3, 3);
    await filling;
  });

  it('is seen to be under way though readings of the table fail', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    await a!.coordinator.firstStart.begin();
    let failures = 4;
    b!.store.fault = ({ operation }) =>
      operation === 'list' && failures-- > 0 ? { kind: 'error', error: throttle() } : undefined;
    expect(await isUnderWay(b!)).toBe(true);
    expect(failures).toBeLessThan(0);
  });

  it('asks for nothing while anybody fills', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    await a!.coordinator.firstStart.begin();
    for (const index of indices(6)) await a!.coordinator.firstStart.create(seedOf(index), { unowned: false });
    await fleet.pass(20_000);
    expect(b!.count('handoverRequested')).toBe(0);
    await a!.coordinator.firstStart.end();
    await fleet.passUntilLoads(3, 3);
  });

  it('does not wait for ever for workers that appear all the time', async () => {
    fleet = new TestFleet(0);
    const filling = fill(fleet.join('a'), 1);
    while (fleet.loads()[0] === 0 && fleet.workers.length < 20) {
      const next = fleet.join(`b-${String(fleet.workers.length)}`);
      await fleet.clock.advance(0);
      await next.coordinator.firstStart.begin();
      await fleet.clock.advance(settleMs);
    }
    expect(fleet.workers.length).toBeLessThan(15);
    await fleet.pass(10_000);
    await filling;
  });

  it('of which one worker dies: the others create its share when nobody gets on', async () => {
    fleet = new TestFleet(0);
    const [a, b, c] = fleet.joinAll(['a', 'b', 'c']);
    await fleet.pass(50);
    const filling = [fill(a!, 30), fill(b!, 30)];
    fill(c!, 30, { isDying: true }).catch(() => undefined);
    await fleet.passUntil(
      () => a!.deliverable.length + b!.deliverable.length === 30,
      2 * settleMs + 2 * scanIntervalMs,
    );
    await fleet.passUntilLoads(15, 15, 0);
    await Promise.all(filling);
  });

  it('is seen by whoever comes later, and its end too', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    expect(await isUnderWay(a!)).toBe(false);
    a!.coordinator.firstStart.willBeRead();
    await a!.coordinator.firstStart.begin();
    const seen = b!.coordinator.firstStart.isUnderWay(signal);
    await fleet.pass(settleMs / 2);
    await a!.coordinator.firstStart.create(seedOf(0), { unowned: false });
    await fleet.pass(settleMs);
    expect(await seen).toBe(true);
    expect(await isUnderWay(a!)).toBe(false);
    await a!.coordinator.firstStart.end();
    expect(await isUnderWay(b!)).toBe(false);
  });

  it('is seen of a worker that creates nothing at the moment, by its signs of life', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    await a!.coordinator.firstStart.begin();
    for (let round = 0; round < 5; round++) expect(await isUnderWay(b!)).toBe(true);
  });

  it('is not believed of a worker that has died over it: what is missing may have been deleted since', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    await a!.coordinator.firstStart.begin();
    await a!.coordinator.firstStart.create(seedOf(0), { unowned: false });
    a!.kill();
    expect(await isUnderWay(b!)).toBe(false);
  });

  it('outlasts readings of the table that fail', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.pass(50);
    let failures = 3;
    a.store.fault = ({ operation }) =>
      operation === 'list' && failures-- > 0 ? { kind: 'error', error: throttle() } : undefined;
    const filling = fill(a, 2);
    await fleet.passUntilLoads(2);
    await fleet.pass(5_000);
    await filling;
  });

  it('of a worker that has no registry creates all rows, each as its own', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a', { options: { registry: false } });
    const filling = fill(a, 2);
    await fleet.clock.advance(0);
    expect(fleet.loads()).toEqual([2]);
    expect(a.coordinator.firstStart.isShared).toBe(false);
    await filling;
  });

  it('creates the rows that nobody may have, too, each once', async () => {
    fleet = new TestFleet(0);
    const workers = fleet.joinAll(['a', 'b'], { options: { maxLeases: 1 } });
    const counts = calls(workers);
    await fleet.pass(50);
    const filling = workers.map((worker) => fill(worker, 8));
    await fleet.pass(5_000);
    await Promise.all(filling);
    expect(counts.get('create')).toBe(8);
    expect(fleet.loads()).toEqual([1, 1]);
    expect(fleet.table.rows().filter(({ leaseOwner }) => leaseOwner === undefined)).toHaveLength(6);
  });

  it('ends with the signal', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a');
    await fleet.clock.advance(0);
    const stop = new AbortController();
    const outcome = expect(a.coordinator.firstStart.nextShare([key(0)], [key(0)], stop.signal)).rejects.toThrow(
      'enough',
    );
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
    expect(await a.coordinator.firstStart.create(seedOf(0), { unowned: false })).toBe(true);
    expect(a.deliverable).toEqual([key(0)]);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: 'a', leaseCounter: 0, handedOver: false, failoverTimeMs });
    expect(a.acquired[0]?.fencingToken).toBe(0);
    await fleet.pass(60_000);
    expect(a.deliverable).toEqual([key(0)]);
    expect(a.eventNames()).toEqual(['taken']);
  });

  it('in nobody’s name is free', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a', { options: { maxLeases: 1 } });
    await a.coordinator.firstStart.create(seedOf(0), { unowned: false });
    expect(await a.coordinator.firstStart.create(seedOf(1), { unowned: true })).toBe(true);
    expect(fleet.row(1)).toMatchObject({ leaseOwner: undefined, handedOver: false });
  });

  it('is nobody’s when its creator has come to its limit since the shares were computed', async () => {
    fleet = new TestFleet(2);
    const a = fleet.join('a', { options: { maxLeases: 3 } });
    await fleet.pass(1_000);
    expect(a.deliverable).toHaveLength(2);
    const { firstStart } = a.coordinator;
    await Promise.all([5, 6].map((index) => firstStart.create(seedOf(index), { unowned: false })));
    expect(a.deliverable).toEqual([key(0), key(1), key(5)]);
    expect(fleet.row(6).leaseOwner).toBeUndefined();
  });

  it('counts for the limit before it is there: no other lease is taken in its place', async () => {
    fleet = new TestFleet(0);
    const a = fleet.join('a', { options: { maxLeases: 2 } });
    await fleet.pass(1_000);
    a.store.fault = ({ operation }) =>
      operation === 'create' ? { kind: 'delay', beforeMs: 100, afterMs: 100 } : undefined;
    const creating = [0, 1].map((index) => a.coordinator.firstStart.create(seedOf(index), { unowned: false }));
    fleet.table.put(aLease({ leaseKey: key(7) }));
    a.coordinator.wake();
    await fleet.pass(500);
    await Promise.all(creating);
    expect(a.deliverable).toEqual([key(0), key(1)]);
    expect(fleet.row(7).leaseOwner).toBeUndefined();
  });

  it('is nobody’s new row when there is one already', async () => {
    fleet = new TestFleet(1);
    const b = fleet.join('b');
    expect(await b.coordinator.firstStart.create(seedOf(0), { unowned: false })).toBe(false);
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
    const creating = a.coordinator.firstStart.create(seedOf(0), { unowned: false });
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
    await expect(a.coordinator.firstStart.create(seedOf(0), { unowned: false })).rejects.toBe(denied);
  });
});
