import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { at, HeldLeaseHarness, leaseKey, options, throttle, timeout } from './held-lease-harness';

const { failoverTimeMs, renewIntervalMs, abortMarginMs, callTimeoutMs } = options;
const accessDenied = (): Error => Object.assign(new Error('no'), { name: 'AccessDeniedException' });

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

describe('the deadline of a held lease', () => {
  it('runs from the start of the first attempt of the last write that got through', async () => {
    const harness = new HeldLeaseHarness();
    await harness.clock.advance(1_000);
    // Two attempts are lost, the third is answered late: none of that counts. Afterwards nothing gets through.
    harness.failAlways({ kind: 'lost-before' });
    harness.failFirst(
      { kind: 'lost-before' },
      { kind: 'lost-before' },
      { kind: 'delay', beforeMs: 1_000, afterMs: 1_000 },
    );
    const stored = harness.held.checkpoint(at(1));
    await harness.clock.advanceUntil(() => harness.row().checkpoint.kind === 'sequence-number');
    await harness.clock.advance(1_000);
    expect(await stored).toEqual({ kind: 'stored' });
    await harness.clock.advance(1_000 + failoverTimeMs - harness.clock.now() - 1);
    expect(harness.held.lost.aborted).toBe(false);
    await harness.clock.advance(1);
    expect(harness.held.lost.aborted).toBe(true);
    await harness.done;
  });

  it('tells the handler to stop before it, and lets nothing start', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    await harness.clock.advance(failoverTimeMs - abortMarginMs - 1);
    expect(harness.held.expiring.aborted).toBe(false);
    expect(harness.held.mayDeliver()).toBe(true);
    await harness.clock.advance(1);
    expect(harness.held.expiring.aborted).toBe(true);
    expect(harness.held.expiring.reason).toMatchObject({ code: 'LEASE_LOST' });
    expect(harness.held.mayDeliver()).toBe(false);
    expect(harness.held.closed).toBe(false);
    await harness.clock.advance(abortMarginMs);
    expect(harness.held.closed).toBe(true);
    expect(harness.held.lost.reason).toMatchObject({ code: 'LEASE_LOST', leaseKey });
    await harness.done;
  });

  it('is checked without any timer: a process that was blocked past it delivers nothing', async () => {
    const harness = new HeldLeaseHarness();
    const now = harness.clock.now.bind(harness.clock);
    harness.clock.now = () => now() + failoverTimeMs;
    harness.clock.driftMs = failoverTimeMs;
    expect(harness.held.closed).toBe(false);
    expect(harness.held.mayDeliver()).toBe(false);
    expect(await harness.held.checkpoint(at(1))).toMatchObject({ kind: 'lost', stored: 'no' });
    expect(harness.calls).toEqual([]);
    await harness.done;
  });

  it('ends all writing, a hung one’s next attempts and the release included', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'error', error: throttle() });
    await harness.clock.advance(failoverTimeMs);
    expect(harness.held.ending).toBe('lost');
    harness.heal();
    const sent = harness.calls.length;
    expect(await harness.held.checkpoint(at(1))).toMatchObject({ kind: 'lost', stored: 'no' });
    await harness.held.release();
    await harness.clock.advance(60_000);
    expect(harness.calls).toHaveLength(sent);
    expect(harness.row().leaseOwner).toBe('me');
  });

  it('is not moved by what is written while the lease winds down', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    await harness.clock.advance(failoverTimeMs - abortMarginMs);
    harness.heal();
    const stored = harness.held.checkpoint(at(7));
    await harness.clock.advance(abortMarginMs - 1);
    void stored;
    expect(harness.held.closed).toBe(false);
    await harness.clock.advance(1);
    expect(harness.held.ending).toBe('lost');
  });

  it('leaves each attempt less than a third of the failover time', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    await harness.clock.advance(failoverTimeMs);
    const times = harness.calls.map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThanOrEqual(3);
    times.slice(1).forEach((time, index) => {
      expect(time - times[index]!).toBeGreaterThanOrEqual(callTimeoutMs);
      expect(time - times[index]!).toBeLessThan(failoverTimeMs / 3);
    });
  });

  it('asks for a write first when the machine was suspended', async () => {
    const harness = new HeldLeaseHarness();
    harness.clock.driftMs = 60_000;
    expect(harness.held.mayDeliver()).toBe(false);
    await settle();
    await harness.clock.advance(0);
    expect(harness.operations()).toEqual(['renew']);
    expect(harness.held.mayDeliver()).toBe(true);
    harness.held.abandon();
  });

  it('is lost to a suspended machine whose lease another has taken', async () => {
    const harness = new HeldLeaseHarness();
    harness.clock.driftMs = 60_000;
    await harness.stolenBy('b');
    expect(harness.held.mayDeliver()).toBe(false);
    await harness.clock.advance(0);
    expect(harness.held.ending).toBe('lost');
    expect(harness.held.mayDeliver()).toBe(false);
  });
});

describe('a write without an answer', () => {
  it.each([
    ['never comes', { kind: 'lost-after' } as const],
    ['is a reset', { kind: 'reset-after', error: timeout() } as const],
  ])('does not lose the lease when it got through and the answer %s', async (_, fault) => {
    const harness = new HeldLeaseHarness();
    harness.failNext(fault);
    await harness.clock.advance(2 * renewIntervalMs - 10);
    expect(harness.row().leaseCounter).toBe(2);
    expect(harness.held.mayDeliver()).toBe(true);
    await harness.clock.advance(renewIntervalMs);
    expect(harness.row().leaseCounter).toBeGreaterThanOrEqual(3);
    expect(harness.held.closed).toBe(false);
    harness.held.abandon();
  });

  it('keeps its id through its attempts', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'error', error: throttle() }, { kind: 'error', error: timeout() });
    await harness.clock.advance(renewIntervalMs + 1_000);
    expect(harness.operations()).toEqual(['renew', 'renew', 'renew']);
    expect(harness.row()).toMatchObject({ leaseCounter: 2, writeId: 'me/1' });
    harness.held.abandon();
  });

  it('was stored when the row says so, though its answer was lost', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' });
    const outcome = harness.held.checkpoint(at(5));
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await outcome).toEqual({ kind: 'stored' });
    expect(harness.row().leaseCounter).toBe(2);
    harness.held.abandon();
  });

  it('was stored when another has taken the lease right after it', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' });
    const outcome = harness.held.checkpoint(at(5));
    await settle();
    await harness.stolenBy('b');
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await outcome).toEqual({ kind: 'stored' });
    expect(harness.held.ending).toBe('lost');
  });

  it('was not stored when another took the lease and the row is behind it', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-before' });
    const outcome = harness.held.checkpoint(at(5));
    await settle();
    await harness.stolenBy('b');
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await outcome).toMatchObject({ kind: 'lost', stored: 'no' });
  });

  it('may or may not have been stored when another has gone on beyond it', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-before' });
    const outcome = harness.held.checkpoint(at(5));
    await settle();
    await harness.stolenBy('b');
    await harness.others.checkpoint({ leaseKey, counter: 2, owner: 'b' }, at(9), 'b/2');
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await outcome).toMatchObject({ kind: 'lost', stored: 'unknown' });
  });

  it('may or may not have been stored when nobody answers until the deadline', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    const outcome = harness.held.checkpoint(at(5));
    await harness.clock.advance(failoverTimeMs);
    expect(await outcome).toMatchObject({ kind: 'lost', stored: 'unknown' });
  });

  it('was not stored when every attempt was refused for lack of capacity', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'error', error: throttle() });
    const outcome = harness.held.checkpoint(at(5));
    await harness.clock.advance(failoverTimeMs);
    expect(await outcome).toMatchObject({ kind: 'lost', stored: 'no', error: expect.anything() });
  });

  it('only tells the counter when it was an earlier one: the deadline stays', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' }, { kind: 'error', error: accessDenied() });
    // Got through, but its second attempt failed for good, so that its outcome stays unknown.
    const first = harness.held.checkpoint(at(5));
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await first).toMatchObject({ kind: 'failed' });
    expect(harness.held.closed).toBe(false);
    // The next one finds the earlier one in the row, and hangs in its second attempt: no success of its own.
    harness.failNext({ kind: 'error', error: throttle() });
    expect(harness.row()).toMatchObject({ leaseCounter: 2, writeId: 'me/1' });
    const second = harness.held.checkpoint(at(6));
    await harness.clock.advance(500);
    expect(await second).toEqual({ kind: 'stored' });
    expect(harness.row()).toMatchObject({ leaseCounter: 3, writeId: 'me/2', checkpoint: at(6) });
    harness.held.abandon();
  });

  it('does not extend the deadline when all that is found is an earlier write', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' }, { kind: 'error', error: accessDenied() });
    const first = harness.held.checkpoint(at(5));
    await harness.clock.advance(callTimeoutMs + 500);
    await first;
    const calls = harness.calls.length;
    harness.store.fault = (call) => {
      harness.calls.push({ ...call, atMs: harness.clock.now() });
      // The look at the row succeeds, the write that follows it never does.
      return harness.calls.length === calls + 1 ? undefined : { kind: 'lost-before' };
    };
    await harness.clock.advance(failoverTimeMs - harness.clock.now() - 1);
    expect(harness.held.closed).toBe(false);
    await harness.clock.advance(1);
    expect(harness.held.ending).toBe('lost');
  });

  it('loses the lease when the counter is one more and the owner is me, but by another write', async () => {
    const harness = new HeldLeaseHarness();
    // This worker took it again, as a new life of the lease.
    await harness.stolenBy('me');
    await harness.clock.advance(renewIntervalMs);
    expect(harness.held.ending).toBe('lost');
    expect(harness.row().leaseCounter).toBe(2);
  });

  it('loses the lease to a KCL worker that stole it right after, though the row still bears its id', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' });
    await harness.clock.advance(renewIntervalMs);
    const row = harness.row();
    harness.table.put({ ...row, leaseOwner: 'kcl', leaseCounter: row.leaseCounter + 1 });
    await harness.clock.advance(callTimeoutMs + 500);
    expect(harness.held.ending).toBe('lost');
  });

  it('is recognised although a request has come in since', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'lost-after' });
    await harness.clock.advance(renewIntervalMs);
    await harness.askedBy('b');
    await harness.clock.advance(callTimeoutMs + 500);
    expect(harness.held.closed).toBe(false);
    expect(harness.held.handoverRequested.aborted).toBe(true);
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true });
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

  it('is answered with a renewal at once when a reading of the table shows it', async () => {
    const harness = new HeldLeaseHarness();
    await harness.clock.advance(100);
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await settle();
    expect(harness.operations()).toEqual(['renew']);
    harness.held.abandon();
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

describe('a lease that a reading of the table shows as another’s', () => {
  it('is proven lost at once', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    harness.held.notice(harness.row());
    await settle();
    expect(harness.held.ending).toBe('lost');
  });
});
