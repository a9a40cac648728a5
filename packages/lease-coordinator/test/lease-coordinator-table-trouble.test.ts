import { aLease } from '@millrace/core/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { throttledAdvice } from '../src/lease-reporter';
import { failoverTimeMs, key, scanIntervalMs, settleMs, TestFleet } from './coordinator-harness';
import { throttle } from './held-lease-harness';

let fleet = new TestFleet(0);

function aFleet(leases: number): TestFleet {
  fleet = new TestFleet(leases);
  return fleet;
}

afterEach(() => fleet.end());

describe('LeaseCoordinator, when the table is in trouble', () => {
  it.each([
    { before: 'it has acquired together', stall: false },
    { before: 'it has renewed together after a stall', stall: true },
  ])(
    'keeps all leases that $before though the table answers half of the writes that it wants to make',
    async ({ stall }) => {
      const leases = 300;
      aFleet(leases);
      const a = fleet.join('a');
      await fleet.passUntilLoads(leases);
      if (stall) {
        await fleet.pass(20_000);
        const untilMs = fleet.clock.now() + failoverTimeMs / 2;
        a.store.fault = () => ({ kind: 'delay', beforeMs: Math.max(0, untilMs - fleet.clock.now()), afterMs: 0 });
        await fleet.pass(20_000);
      }
      // It wants 90 a second. What was cut off has been worked on all the same, as at a real server.
      let busyUntilMs = 0;
      a.store.fault = () => {
        const nowMs = fleet.clock.now();
        busyUntilMs = Math.max(nowMs, busyUntilMs) + 1_000 / 45;
        return { kind: 'delay', beforeMs: busyUntilMs - nowMs, afterMs: 0 };
      };
      await fleet.pass(60_000);
      expect(a.count('lost')).toBe(0);
      expect(a.deliverable).toHaveLength(leases);
    },
  );

  it('warns of throttling once, and takes its leases when it can', async () => {
    aFleet(3);
    const a = fleet.join('a');
    a.store.fault = ({ operation }) => (operation === 'take' ? { kind: 'error', error: throttle() } : undefined);
    await fleet.pass(2_000);
    a.store.fault = () => ({ kind: 'error', error: throttle() });
    await fleet.pass(18_000);
    a.store.fault = () => undefined;
    await fleet.passUntil(() => a.deliverable.length === 3, failoverTimeMs);
    const warnings = a.logger.lines
      .filter(({ level }) => level === 'warn')
      .map(({ message, fields }) => [message, fields['operation']]);
    expect(warnings).toEqual([
      [throttledAdvice, 'take'],
      [throttledAdvice, 'list'],
    ]);
    expect(a.eventNames().filter((name) => name === 'tableThrottled').length).toBeGreaterThan(2);
  });

  it('says loudly that a permission is missing, and goes on', async () => {
    aFleet(1);
    const a = fleet.join('a');
    const error = Object.assign(new Error('no'), { code: 'PERMISSION_MISSING' });
    a.store.fault = ({ operation }) => (operation === 'list' ? undefined : { kind: 'error', error });
    await fleet.pass(1_000);
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
    await fleet.clock.advance(settleMs + 100);
    expect(a.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(
      expect.arrayContaining(['lease observer threw', 'lease could not be used']),
    );
    expect(a.coordinator.heldLeases()).toEqual([]);
  });
});
