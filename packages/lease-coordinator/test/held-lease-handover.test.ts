import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { accessDenied, at, HeldLeaseHarness, options, throttle } from './held-lease-harness';

const { renewIntervalMs, callTimeoutMs } = options;

describe('a release', () => {
  it('stops delivery before it is sent, and leaves the lease to nobody', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'delay', beforeMs: 100, afterMs: 100 });
    const released = harness.held.release();
    expect(harness.held.mayDeliver()).toBe(false);
    await harness.clock.advance(200);
    await released;
    await harness.done;
    expect(harness.row()).toMatchObject({ leaseOwner: undefined, leaseCounter: 2 });
    expect(harness.held.ending).toBe('released');
    expect(harness.held.lost.aborted).toBe(false);
  });

  it('is done once', async () => {
    const harness = new HeldLeaseHarness();
    await Promise.all([harness.held.release(), harness.held.release()]);
    await harness.held.release();
    expect(harness.operations()).toEqual(['release']);
  });

  it('waits for the checkpoint before it', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'delay', beforeMs: 100, afterMs: 100 });
    const stored = harness.held.checkpoint(at(5));
    const released = harness.held.release();
    await harness.clock.advance(200);
    expect(await stored).toEqual({ kind: 'stored' });
    await released;
    expect(harness.row()).toMatchObject({ leaseOwner: undefined, checkpoint: at(5) });
  });

  it('takes the place of a renewal that waits for its turn', async () => {
    const harness = new HeldLeaseHarness();
    const places = await Promise.all(Array.from({ length: harness.window.size }, () => harness.window.enter(0)));
    await harness.clock.advance(renewIntervalMs + 1);
    const released = harness.held.release();
    for (const leave of places) leave('answered');
    await released;
    expect(harness.operations()).toEqual(['release']);
    expect(harness.held.ending).toBe('released');
  });

  it('takes the place of a renewal that is about to be made again', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'error', error: throttle() });
    await harness.clock.advance(renewIntervalMs + 1);
    const released = harness.held.release();
    await harness.clock.advance(renewIntervalMs);
    await released;
    expect(harness.operations()).toEqual(['renew', 'release']);
  });

  it.each(['lost-before', 'lost-after'] as const)(
    'goes on from a renewal that nobody answered and that is not made again (%s)',
    async (kind) => {
      const harness = new HeldLeaseHarness();
      harness.failNext({ kind });
      await harness.clock.advance(renewIntervalMs + callTimeoutMs + 1);
      const released = harness.held.release();
      await harness.clock.advance(renewIntervalMs);
      await released;
      const again = kind === 'lost-after' ? ['release'] : [];
      expect(harness.operations()).toEqual(['renew', 'release', ...again]);
      expect(harness.row()).toMatchObject({ leaseOwner: undefined });
      expect(harness.held.ending).toBe('released');
    },
  );

  it.each([{ kind: 'lost-before' } as const, { kind: 'lost-after' } as const])(
    'does not deliver again while its outcome is unknown, and finds out (%j)',
    async (fault) => {
      const harness = new HeldLeaseHarness();
      harness.failNext(fault);
      const released = harness.held.release();
      await harness.clock.advance(callTimeoutMs - 1);
      expect(harness.held.mayDeliver()).toBe(false);
      await harness.clock.advance(500);
      await released;
      expect(harness.held.ending).toBe('released');
      expect(harness.row()).toMatchObject({ leaseOwner: undefined, leaseCounter: 2 });
      expect(harness.held.mayDeliver()).toBe(false);
    },
  );

  it('counts as done when another has the lease by the time of its answer', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' });
    const released = harness.held.release();
    await settle();
    await harness.stolenBy('b');
    await harness.clock.advance(callTimeoutMs + 500);
    await released;
    expect(harness.held.ending).toBe('released');
    expect(harness.row().leaseOwner).toBe('b');
  });

  it('completes the hand-over that was asked for', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', checkpointOwner: undefined, handedOver: true });
    expect(harness.held.ending).toBe('handed-over');
  });

  it('completes a hand-over that it learns of only by being refused', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    const released = harness.held.release();
    await harness.clock.advance(500);
    await released;
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true, leaseCounter: 2 });
  });

  it('takes nothing from a worker that has the lease already', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    await harness.held.release();
    expect(harness.row().leaseOwner).toBe('b');
    expect(harness.held.ending).toBe('lost');
  });

  it('leaves the lease to expire when it fails for good', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'error', error: accessDenied() });
    await harness.held.release();
    expect(harness.held.ending).toBe('abandoned');
    expect(harness.row().leaseOwner).toBe('me');
  });
});

describe('a requested hand-over', () => {
  it('is seen by the next renewal', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    await harness.clock.advance(renewIntervalMs);
    expect(harness.held.handoverRequested.aborted).toBe(true);
    expect(harness.held.receiver).toBe('b');
    expect(harness.held.mayDeliver()).toBe(true);
    harness.held.abandon();
  });

  it('is seen at once when a reading of the table shows it, and costs no write but its completion', async () => {
    const harness = new HeldLeaseHarness();
    await harness.clock.advance(100);
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    expect(harness.held.handoverRequested.aborted).toBe(true);
    await settle();
    await harness.held.release();
    expect(harness.operations()).toEqual(['completeHandover']);
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true });
  });

  it('is not seen in a stale row of an earlier life of the lease', () => {
    const harness = new HeldLeaseHarness({ leaseCounter: 7 });
    harness.held.notice({ ...harness.row(), leaseCounter: 6, leaseOwner: 'b', checkpointOwner: 'me', receiver: 'b' });
    expect(harness.held.handoverRequested.aborted).toBe(false);
    harness.held.abandon();
  });

  it('that takes too long aborts the handler and ends the renewals, but the handler may still settle', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.clock.advance(options.handoverTimeoutMs - 1);
    expect(harness.held.expiring.aborted).toBe(false);
    await harness.clock.advance(1);
    expect(harness.held.expiring.aborted).toBe(true);
    expect(harness.held.mayDeliver()).toBe(false);
    const renewals = harness.calls.length;
    await harness.clock.advance(3_000);
    expect(harness.calls).toHaveLength(renewals);
    expect(await harness.held.checkpoint(at(5))).toEqual({ kind: 'stored' });
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true, checkpoint: at(5) });
  });

  it('cannot be put off for ever by a handler that goes on checkpointing', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.clock.advance(options.handoverTimeoutMs);
    let stored = 0;
    while (!harness.held.closed) {
      await harness.clock.advance(500);
      if ((await harness.held.checkpoint(at(++stored))).kind !== 'stored') break;
      expect(stored).toBeLessThan(30);
    }
    expect(harness.held.ending).toBe('lost');
    expect(harness.row().handedOver).toBe(false);
  });

  it('ends in a lost lease when a KCL worker steals it meanwhile', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    const row = harness.row();
    harness.table.put({ ...row, leaseOwner: 'kcl', leaseCounter: row.leaseCounter + 1 });
    await harness.held.release();
    expect(harness.held.ending).toBe('lost');
    expect(harness.row().leaseOwner).toBe('kcl');
  });
});
