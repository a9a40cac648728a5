import { aLease, settle } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { aLatestLease, failoverTimeMs, key, settleMs, TestFleet } from './coordinator-harness';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator', () => {
  it('takes everything when it is alone, once it has seen that nobody comes up with it', async () => {
    const { clock } = aFleet(40);
    const worker = fleet.join('a');
    await clock.advance(settleMs - 1);
    expect(worker.deliverable).toEqual([]);
    await clock.advance(1);
    expect(worker.deliverable).toHaveLength(40);
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
    await fleet.clock.advance(settleMs);
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
    await fleet.clock.advance(1);
    a.store.fault = ({ operation }) => {
      if (operation === 'list') return undefined;
      return operation === 'take' ? { kind: 'delay', beforeMs: 0, afterMs: 2_400 } : { kind: 'lost-before' };
    };
    await fleet.clock.advance(settleMs - 1 + 2_400);
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
    await fleet.clock.advance(settleMs + 10);
    fleet.table.put(aLease({ leaseKey: key(1) }));
    worker.coordinator.wake();
    await settle();
    expect(worker.deliverable).toHaveLength(2);
  });
});
