import { type Clock, type Lease, SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { failoverTimeMs, key, scanIntervalMs, settleMs, TestFleet } from './coordinator-harness';
import { at, HeldLeaseHarness, options } from './held-lease-harness';

// What other consumers of Kinesis got wrong about leases. The numbers are those of our list of their traps.

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('the traps that others fell into', () => {
  it('trap 1: a checkpoint that is not fenced. A zombie stores nothing, though it is its own former lease', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    await harness.others.checkpoint({ leaseKey: harness.held.leaseKey, counter: 2, owner: 'b' }, at(9), 'b/2', {
      passesAttempted: false,
    });
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'no' });
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', checkpoint: at(9) });
    // A new life of the lease in the same worker does not give the old one its writes back.
    await harness.stolenBy('me');
    expect(await harness.held.checkpoint(at(7))).toMatchObject({ kind: 'lost' });
    expect(harness.row().checkpoint).toEqual(at(9));
  });

  it('trap 2: closed parents that nobody claims. A lease is taken as long as its shard is not read to its end', async () => {
    const { table } = aFleet(0);
    const children = [1, 2].map((index) => aLease({ leaseKey: key(index), parentShardIds: [key(0)] }));
    for (const row of [aLease({ leaseKey: key(0) }), ...children]) table.put(row);
    const worker = fleet.join('a', { selectReadable: readableAfterParents });
    await fleet.pass(settleMs + 50);
    expect(worker.deliverable).toEqual([key(0)]);
    const [parent] = worker.acquired;
    expect(await parent?.checkpoint(SHARD_END)).toEqual({ kind: 'stored' });
    await parent?.release();
    await fleet.pass(scanIntervalMs + 50);
    expect(worker.deliverable).toEqual([key(1), key(2)]);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: undefined, checkpoint: SHARD_END });
  });

  it('trap 3: renewal behind a full pipeline. A handler that blocks for minutes costs no lease, and is not given its lease twice', async () => {
    aFleet(2);
    const worker = fleet.join('a', { drainMs: 300_000 });
    await fleet.pass(300_000);
    expect(worker.deliverable).toHaveLength(2);
    expect(worker.eventNames()).toEqual(['taken', 'taken']);
    expect(worker.acquired.map(({ fencingToken }) => fencingToken)).toEqual([1, 1]);
  });

  it('trap 3: a worker never takes over a lease that it holds, however late its renewals are seen', async () => {
    aFleet(1);
    const worker = fleet.join('a');
    await fleet.pass(1_000);
    const stale = fleet.row(0);
    const list = worker.store.list.bind(worker.store);
    worker.store.list = async (request) => {
      const listing = { ...(await list()), leases: [stale] };
      request?.onPage?.(listing.leases, listing.workers);
      return listing;
    };
    await fleet.pass(3 * failoverTimeMs);
    expect(worker.eventNames()).toEqual(['taken']);
    expect(worker.deliverable).toEqual([key(0)]);
  });

  it('trap 4: a leader whose death stops the fleet. Whoever dies, first or last, the others share its leases in the same time', async () => {
    for (const victim of [0, 1, 2]) {
      aFleet(9);
      const workers = fleet.joinAll(['a', 'b', 'c']);
      await fleet.pass(10_000);
      workers[victim]?.kill();
      const others = workers.filter((_, index) => index !== victim);
      const waitedMs = await fleet.passUntil(
        () => others.reduce((sum, { deliverable }) => sum + deliverable.length, 0) === 9,
      );
      expect(waitedMs).toBeLessThanOrEqual(failoverTimeMs + 3_000);
      // And the fleet goes on taking in newcomers.
      const newcomer = fleet.join('d');
      await fleet.passUntil(() => newcomer.deliverable.length === 3, failoverTimeMs + 5_000);
      await fleet.end();
    }
  });

  it('trap 6: a table read to its first page only. A lease on the last page is neither unknown nor expired', async () => {
    aFleet(6);
    const [a, b] = fleet.joinAll(['a', 'b']);
    for (const worker of [a, b]) {
      if (worker === undefined) continue;
      const list = worker.store.list.bind(worker.store);
      // Three pages, each a moment after the one before.
      worker.store.list = async (request) => {
        const listing = await list();
        for (let page = 0; page < 3; page++) {
          if (page > 0) await fleet.clock.sleep(300);
          request?.onPage?.(listing.leases.slice(page * 2, page * 2 + 2), page === 0 ? listing.workers : []);
        }
        return listing;
      };
    }
    await fleet.pass(120_000);
    expect(fleet.loads()).toEqual([3, 3]);
    expect([...fleet.moves.values()]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('trap 9: a lost lease that the handler is not told of. Its signal aborts before another can have the lease', async () => {
    aFleet(1);
    const a = fleet.join('a', { drainMs: 60_000 });
    await fleet.pass(1_000);
    const [held] = a.acquired;
    let abortedAtMs = Infinity;
    held?.expiring.addEventListener('abort', () => (abortedAtMs = fleet.clock.now()));
    a.kill();
    const b = fleet.join('b');
    await fleet.passUntil(() => b.deliverable.length === 1);
    expect(abortedAtMs).toBeLessThan(fleet.clock.now());
    expect(held?.lost.aborted).toBe(true);
    expect(held?.lost.reason).toMatchObject({ code: 'LEASE_LOST', leaseKey: key(0) });
    expect(a.count('lost')).toBe(1);
  });

  it('trap 11: one shard per tick. All that is free is taken in one round, and so is all that a dead worker leaves', async () => {
    aFleet(200);
    const a = fleet.join('a');
    await fleet.clock.advance(settleMs);
    expect(a.deliverable).toHaveLength(200);
    a.kill();
    const b = fleet.join('b');
    let firstAtMs = Infinity;
    const waitedMs = await fleet.passUntil(() => {
      if (b.deliverable.length > 0) firstAtMs = Math.min(firstAtMs, fleet.clock.now());
      return b.deliverable.length === 200;
    });
    expect(waitedMs).toBeLessThanOrEqual(failoverTimeMs + 3_000);
    expect(fleet.clock.now() - firstAtMs).toBeLessThanOrEqual(scanIntervalMs);
  });

  it('trap 12: wall-clock expiry under skew. Workers whose clocks are hours apart take nothing from each other', async () => {
    aFleet(6);
    const hour = 3_600_000;
    const skewed = (byMs: number): Clock => ({
      now: () => fleet.clock.now(),
      wallTime: () => fleet.clock.wallTime() + byMs,
      after: (delayMs, fire) => fleet.clock.after(delayMs, fire),
      sleep: (delayMs, signal) => fleet.clock.sleep(delayMs, signal),
    });
    const [fast, slow, right] = [
      fleet.join('fast', { clock: skewed(5 * hour) }),
      fleet.join('slow', { clock: skewed(-5 * hour) }),
      fleet.join('right'),
    ];
    await fleet.pass(120_000);
    expect(fleet.loads()).toEqual([2, 2, 2]);
    expect([...fleet.moves.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    // And a crash is noticed neither sooner nor later.
    right.kill();
    const waitedMs = await fleet.passUntil(() => fast.deliverable.length + slow.deliverable.length === 6);
    expect(waitedMs).toBeGreaterThan(failoverTimeMs - options.renewIntervalMs);
    expect(waitedMs).toBeLessThanOrEqual(failoverTimeMs + 3_000);
  });

  it('trap 15: a release without the owner in its condition. A late one takes nothing from the next owner', async () => {
    const harness = new HeldLeaseHarness();
    // The release hangs until another has taken the lease, which has expired.
    harness.failNext({ kind: 'delay', beforeMs: 60_000, afterMs: 0 });
    const released = harness.held.release();
    await harness.clock.advance(11_000);
    await harness.stolenBy('b');
    const before = harness.row();
    await harness.clock.advance(60_000);
    await released;
    expect(before.leaseOwner).toBe('b');
    expect(harness.row()).toEqual(before);
  });

  it('trap 19: maxLeases that finished parents use up. They count for nobody: all that can be read is', async () => {
    const { table } = aFleet(0);
    for (const index of [0, 1, 2, 3]) {
      table.put(aLease({ leaseKey: key(index), leaseOwner: 'a', leaseCounter: 9, checkpoint: SHARD_END }));
    }
    for (const index of [4, 5, 6, 7]) table.put(aLease({ leaseKey: key(index), parentShardIds: [key(index - 4)] }));
    const workers = ['a', 'b'].map((id) =>
      fleet.join(id, { options: { maxLeases: 2 }, selectReadable: readableAfterParents }),
    );
    await fleet.pass(2 * settleMs + 50);
    expect(workers.flatMap(({ deliverable }) => deliverable).sort()).toEqual([4, 5, 6, 7].map(key));
  });

  it('trap 20: two streams in one table. A worker whose rows are another stream’s ends, and touches none of them', async () => {
    const { table } = aFleet(0);
    const foreign = aLease({ leaseKey: key(0), streamArn: 'arn:others', streamCreatedAtMs: 1, leaseCounter: 4 });
    table.put(foreign);
    const worker = fleet.join('a');
    const outcome = expect(worker.done).rejects.toMatchObject({ code: 'STREAM_RECREATED' });
    await fleet.clock.advance(0);
    await outcome;
    expect(fleet.row(0)).toEqual(foreign);
  });
});

/** As shard discovery has it: finished shards are not read, and a child is when its parents are finished. */
function readableAfterParents(leases: readonly Lease[]): readonly Lease[] {
  const finished = new Set(
    leases.filter(({ checkpoint }) => checkpoint.kind === 'shard-end').map(({ leaseKey }) => leaseKey),
  );
  return leases.filter(
    ({ leaseKey, parentShardIds }) =>
      !finished.has(leaseKey) && parentShardIds.every((parentShardId) => finished.has(parentShardId)),
  );
}
