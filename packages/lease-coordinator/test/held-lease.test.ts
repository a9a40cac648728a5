import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { accessDenied, at, HeldLeaseHarness, leaseKey, options, throttle } from './held-lease-harness';

const { renewIntervalMs } = options;

describe('a held lease', () => {
  it('is renewed at its interval, each time with another id', async () => {
    const { clock, held, table } = new HeldLeaseHarness();
    const ids: (string | undefined)[] = [];
    table.onChange(({ after }) => ids.push(after?.writeId));
    await clock.advance(60_000);
    expect(ids).toHaveLength(Math.floor(60_000 / renewIntervalMs));
    expect(new Set(ids).size).toBe(ids.length);
    expect(held.mayDeliver()).toBe(true);
    expect(held.fencingToken).toBe(1);
    held.abandon();
  });

  it('is not renewed where a checkpoint has done so', async () => {
    const harness = new HeldLeaseHarness();
    for (let index = 1; index <= 10; index++) {
      await harness.clock.advance(renewIntervalMs - 1);
      expect(await harness.held.checkpoint(at(index))).toEqual({ kind: 'stored' });
    }
    expect(new Set(harness.operations())).toEqual(new Set(['checkpoint']));
    expect(harness.held.mayDeliver()).toBe(true);
    harness.held.abandon();
  });

  it('prints nothing in a healthy hour', async () => {
    const { clock, held, logger } = new HeldLeaseHarness();
    await clock.advance(3_600_000);
    expect(logger.lines).toEqual([]);
    held.abandon();
  });

  it('writes one thing at a time', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'delay', beforeMs: 500, afterMs: 500 });
    const first = harness.held.checkpoint(at(1));
    const second = harness.held.checkpoint(at(2));
    await harness.clock.advance(999);
    expect(harness.operations()).toEqual(['checkpoint']);
    await harness.clock.advance(1);
    expect(await Promise.all([first, second])).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
    expect(harness.row().checkpoint).toEqual(at(2));
    harness.held.abandon();
  });
});

describe('a checkpoint', () => {
  it('by a zombie stores nothing', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'no' });
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', checkpoint: { kind: 'trim-horizon' } });
    expect(harness.held.lost.aborted).toBe(true);
    expect(harness.held.expiring.aborted).toBe(true);
    await harness.done;
  });

  it('into a row that was deleted stores nothing and does not bring it back', async () => {
    const harness = new HeldLeaseHarness();
    harness.table.remove(leaseKey);
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'no' });
    expect(harness.table.rows()).toEqual([]);
  });

  it('is made again after a throttle', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'error', error: throttle() }, { kind: 'error', error: throttle() });
    const outcome = harness.held.checkpoint(at(5));
    await harness.clock.advance(1_000);
    expect(await outcome).toEqual({ kind: 'stored' });
    harness.held.abandon();
  });

  it('fails and leaves the lease held when another attempt would not help', async () => {
    const harness = new HeldLeaseHarness();
    const error = accessDenied();
    harness.failNext({ kind: 'error', error });
    expect(await harness.held.checkpoint(at(5))).toEqual({ kind: 'failed', error });
    expect(harness.held.mayDeliver()).toBe(true);
    expect(await harness.held.checkpoint(at(5))).toEqual({ kind: 'stored' });
    harness.held.abandon();
  });

  it('goes on while another has asked for the lease', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    expect(await harness.held.checkpoint(at(5))).toEqual({ kind: 'stored' });
    expect(harness.held.handoverRequested.aborted).toBe(true);
    harness.held.abandon();
  });
});

describe('a renewal that fails for good', () => {
  it('is tried again, not at once and not in haste', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'error', error: accessDenied() });
    harness.clock.driftMs = 60_000;
    for (let index = 0; index < 50; index++) {
      expect(harness.held.mayDeliver()).toBe(false);
      await harness.clock.advance(10);
    }
    expect(harness.calls).toHaveLength(1);
    harness.heal();
    await harness.clock.advance(1_000);
    expect(harness.held.mayDeliver()).toBe(true);
    harness.held.abandon();
  });
});

describe('an abandoned lease', () => {
  it('is never written again', async () => {
    const harness = new HeldLeaseHarness();
    harness.held.abandon();
    await harness.done;
    await harness.clock.advance(60_000);
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'no' });
    await harness.held.release();
    expect(harness.calls).toEqual([]);
    expect(harness.held.mayDeliver()).toBe(false);
    expect(harness.held.expiring.aborted).toBe(true);
  });

  it('is not written by the next attempt of a write that was under way', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-before' });
    const outcome = harness.held.checkpoint(at(5));
    await harness.clock.advance(1_000);
    harness.held.abandon();
    await harness.clock.advance(60_000);
    expect(await outcome).toMatchObject({ kind: 'lost', stored: 'unknown' });
    expect(harness.calls).toHaveLength(1);
  });
});

describe('a lease that a reading of the table shows as another’s', () => {
  it('is proven lost at once', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    harness.held.notice(harness.row());
    await settle();
    expect(harness.held.ending).toBe('lost');
  });
});
