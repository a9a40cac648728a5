import { SHARD_END } from '@millrace/core';
import { aLease, settle } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expiryMarginMs, failoverTimeMs, key, TestFleet, aLatestLease } from './coordinator-harness';
import { throttle } from './held-lease-harness';

const scanIntervalMs = 2_000;
let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator', () => {
  it('takes everything in its first tick when it is alone', async () => {
    const { clock } = aFleet(40);
    const worker = fleet.join('a');
    await clock.advance(0);
    expect(worker.deliverable).toHaveLength(40);
    expect(worker.coordinator.view()).toHaveLength(40);
    expect(new Set(worker.eventNames())).toEqual(new Set(['taken']));
  });

  it('shares a cold start between all', async () => {
    aFleet(12);
    for (const id of ['a', 'b', 'c', 'd']) fleet.join(id);
    await fleet.passUntil(() => fleet.loads().every((load) => load === 3), 20_000);
  });

  it('keeps what it has for an hour without a warning', async () => {
    aFleet(5);
    const a = fleet.join('a');
    const b = fleet.join('b');
    await fleet.pass(20_000);
    const before = [a.deliverable, b.deliverable];
    await fleet.clock.advance(3_600_000);
    expect([a.deliverable, b.deliverable]).toEqual(before);
    expect([...a.logger.lines, ...b.logger.lines].filter(({ level }) => level === 'warn' || level === 'error')).toEqual(
      [],
    );
  });

  it('gives a newcomer its share, without two at a time and without losing any', async () => {
    aFleet(9);
    const a = fleet.join('a');
    await fleet.pass(5_000);
    const b = fleet.join('b');
    const c = fleet.join('c');
    await fleet.passUntil(() => fleet.loads().every((load) => load === 3), 20_000);
    expect(a.eventNames()).not.toContain('lost');
    expect(b.eventNames().filter((name) => name === 'adopted').length).toBeGreaterThanOrEqual(3);
    expect(c.eventNames().filter((name) => name === 'lost')).toEqual([]);
    await fleet.pass(30_000);
    expect(fleet.loads()).toEqual([3, 3, 3]);
  });

  it('fixes what LATEST means in a row of the KCL', async () => {
    aFleet(0).table.put(aLatestLease());
    fleet.join('a');
    await fleet.clock.advance(0);
    expect(fleet.row(0)).toMatchObject({ initialTimestampMs: 77, streamArn: 'arn:flights' });
  });

  it('takes no more than it may, and leaves the rest', async () => {
    aFleet(5);
    const worker = fleet.join('a', { options: { maxLeases: 2 } });
    await fleet.pass(60_000);
    expect(worker.deliverable).toHaveLength(2);
  });

  it('takes what another may not take', async () => {
    aFleet(6);
    fleet.join('a', { options: { maxLeases: 1 } });
    const b = fleet.join('b');
    await fleet.pass(30_000);
    expect(b.deliverable).toHaveLength(5);
  });

  it('takes only what may be read', async () => {
    aFleet(2);
    const worker = fleet.join('a', { selectReadable: (leases) => leases.slice(1) });
    await fleet.pass(5_000);
    expect(worker.deliverable).toEqual([key(1)]);
  });

  it('counts the life of a lease from the start of the take, not from its answer', async () => {
    aFleet(1);
    const a = fleet.join('a');
    a.store.fault = ({ operation }) =>
      operation === 'take' ? { kind: 'delay', beforeMs: 0, afterMs: 2_400 } : { kind: 'lost-before' };
    await fleet.clock.advance(2_400);
    expect(a.acquired).toHaveLength(1);
    await fleet.clock.advance(failoverTimeMs - 2_401);
    expect(a.acquired[0]?.closed).toBe(false);
    await fleet.clock.advance(1);
    expect(a.acquired[0]?.ending).toBe('lost');
  });

  it('knows its take by its id when the answer was lost', async () => {
    aFleet(1);
    const a = fleet.join('a');
    a.store.fault = ({ operation }) => {
      if (operation === 'take') a.store.fault = () => undefined;
      return operation === 'take' ? { kind: 'lost-after' } : undefined;
    };
    await fleet.pass(3_000);
    expect(a.deliverable).toEqual([key(0)]);
    expect(fleet.row(0).failoverTimeMs).toBe(failoverTimeMs);
  });

  it('takes new rows at once when it is woken', async () => {
    aFleet(1);
    const worker = fleet.join('a');
    await fleet.clock.advance(10);
    fleet.table.put(aLease({ leaseKey: key(1) }));
    worker.coordinator.wake();
    await settle();
    expect(worker.deliverable).toHaveLength(2);
  });
});

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
    const a = fleet.join('a', { settleMs: 60_000 });
    await fleet.pass(5_000);
    const b = fleet.join('b');
    await fleet.passUntil(() => b.eventNames().includes('handoverRequested'));
    a.kill();
    await fleet.passUntil(() => b.deliverable.length === 2, failoverTimeMs + expiryMarginMs + 2 * scanIntervalMs + 200);
  });

  it('does not lose a shard whose receiver dies before it adopts it', async () => {
    aFleet(2);
    const a = fleet.join('a', { settleMs: 3_000 });
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

  it('does not take everything after an outage of the table', async () => {
    aFleet(4);
    const a = fleet.join('a');
    const b = fleet.join('b');
    await fleet.pass(20_000);
    const events = [a.events.length, b.events.length] as const;
    const outage = () => ({ kind: 'error', error: throttle() }) as const;
    a.store.fault = outage;
    b.store.fault = outage;
    await fleet.pass(5_400);
    a.store.fault = () => undefined;
    b.store.fault = () => undefined;
    await fleet.pass(9_000);
    const since = [...a.eventNames().slice(events[0]), ...b.eventNames().slice(events[1])];
    expect(new Set(since)).toEqual(new Set(['tableThrottled']));
    expect(fleet.loads()).toEqual([2, 2]);
  });
});

describe('LeaseCoordinator, when it is told to stop', () => {
  it('ends when all is given back, and others take it at their next tick', async () => {
    aFleet(6);
    const a = fleet.join('a');
    const b = fleet.join('b');
    await fleet.passUntil(() => fleet.loads().every((load) => load === 3));
    a.stop();
    await fleet.pass(150);
    await a.done;
    expect(a.coordinator.heldLeases()).toEqual([]);
    await fleet.passUntil(() => b.deliverable.length === 6, scanIntervalMs + 100);
    expect(a.eventNames().filter((name) => name === 'released')).toHaveLength(3);
  });

  it('keeps its leases until their handlers have settled', async () => {
    aFleet(2);
    const a = fleet.join('a', { settleMs: 60_000, options: { handoverTimeoutMs: 100_000 } });
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
    const a = fleet.join('a', { settleMs: 10_000 });
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
    await fleet.clock.advance(100);
    a.stop();
    await fleet.pass(600);
    expect(fleet.row(0).leaseOwner).toBe('a');
    await fleet.pass(1_000);
    await a.done;
    expect(a.acquired).toEqual([]);
    expect(fleet.row(0)).toMatchObject({ leaseOwner: undefined, leaseCounter: 2 });
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
    const a = fleet.join('a', { settleMs: 3_000, options: { maxLeases: 4 } });
    await fleet.pass(5_000);
    fleet.table.put(aLease({ leaseKey: key(9) }));
    const b = fleet.join('b', { settleMs: 20_000 });
    await fleet.passUntil(() => b.eventNames().includes('handoverRequested') && b.deliverable.length > 0);
    b.stop();
    const asked = fleet.table.rows().filter(({ receiver }) => receiver === 'b');
    expect(asked.length).toBeGreaterThan(0);
    await fleet.passUntil(() => asked.every(({ leaseKey }) => a.deliverable.includes(leaseKey)), 12_000);
  });
});

describe('LeaseCoordinator, during hand-overs', () => {
  it('lets a lease expire whose handler does not settle in time', async () => {
    aFleet(2);
    const a = fleet.join('a', { settleMs: 100_000 });
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

describe('LeaseCoordinator, when the table is in trouble', () => {
  it('warns of throttling once, and takes its leases when it can', async () => {
    aFleet(3);
    const a = fleet.join('a');
    a.store.fault = ({ operation }) =>
      operation === 'take' || operation === 'list' ? { kind: 'error', error: throttle() } : undefined;
    await fleet.pass(20_000);
    a.store.fault = () => undefined;
    await fleet.passUntil(() => a.deliverable.length === 3, failoverTimeMs);
    const warnings = a.logger.lines
      .filter(({ level }) => level === 'warn')
      .map(({ message, fields }) => [message, fields['operation']]);
    expect(warnings).toEqual([
      ['lease table throttled', 'take'],
      ['lease table throttled', 'list'],
    ]);
    expect(a.eventNames().filter((name) => name === 'tableThrottled').length).toBeGreaterThan(2);
  });

  it('says loudly that a permission is missing, and goes on', async () => {
    aFleet(1);
    const a = fleet.join('a');
    const error = Object.assign(new Error('no'), { code: 'PERMISSION_MISSING' });
    a.store.fault = () => ({ kind: 'error', error });
    await fleet.pass(5_000);
    expect(a.logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'lease table refuses these credentials', fields: { operation: 'take' } },
      { message: 'lease table refuses these credentials', fields: { operation: 'list' } },
    ]);
    a.store.fault = () => undefined;
    await fleet.passUntil(() => a.deliverable.length === 1, failoverTimeMs + 200);
  });

  it('never takes a row that it cannot understand, and says so once', async () => {
    aFleet(2);
    const a = fleet.join('a');
    a.store.corrupt(key(1), 'checkpoint "x" is no position');
    await fleet.pass(20_000);
    expect(a.deliverable).toEqual([key(0)]);
    expect(a.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(a.events.filter(({ name }) => name === 'corrupt')).toHaveLength(1);
  });

  it('ends when the table is deleted, and delivers nothing more', async () => {
    aFleet(2);
    const a = fleet.join('a');
    await fleet.pass(1_000);
    const gone = Object.assign(new Error('gone'), { code: 'LEASE_TABLE_MISSING' });
    a.store.fault = () => ({ kind: 'error', error: gone });
    const outcome = expect(a.done).rejects.toBe(gone);
    await fleet.pass(scanIntervalMs);
    await outcome;
    expect(a.deliverable).toEqual([]);
  });

  it('ends when the rows are another stream’s', async () => {
    aFleet(1).table.put(aLease({ leaseKey: key(1), streamArn: 'arn:flights', streamCreatedAtMs: 999 }));
    const a = fleet.join('a');
    const outcome = expect(a.done).rejects.toMatchObject({ code: 'STREAM_RECREATED' });
    await fleet.clock.advance(0);
    await outcome;
    expect(fleet.row(0).leaseOwner).toBeUndefined();
  });

  it('survives a listener that throws, and a user of a lease that does', async () => {
    aFleet(1);
    const a = fleet.join('a');
    a.acquired.push = () => {
      throw new Error('from onAcquired');
    };
    a.events.push = () => {
      throw new Error('from a listener');
    };
    await fleet.clock.advance(100);
    expect(a.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(
      expect.arrayContaining(['lease observer threw', 'lease could not be used']),
    );
    expect(a.coordinator.heldLeases()).toEqual([]);
  });
});
