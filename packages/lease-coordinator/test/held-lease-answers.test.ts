import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { accessDenied, at, HeldLeaseHarness, leaseKey, options, throttle, timeout } from './held-lease-harness';

const { failoverTimeMs, renewIntervalMs, callTimeoutMs } = options;

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
    expect(await outcome).toEqual({ kind: 'lost', stored: 'yes', error: undefined });
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
    await harness.others.checkpoint({ leaseKey, counter: 2, owner: 'b' }, at(9), 'b/2', { passesAttempted: false });
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

  it('may or may not have been stored when an earlier call for it was left in doubt, and the lease is lost since', async () => {
    const harness = new HeldLeaseHarness();
    // Got through, but its second attempt failed for good.
    harness.failNext({ kind: 'lost-after' }, { kind: 'error', error: accessDenied() });
    const first = harness.held.checkpoint(at(5));
    await harness.clock.advance(callTimeoutMs + 500);
    expect(await first).toMatchObject({ kind: 'failed' });
    expect(harness.row().checkpoint).toEqual(at(5));
    harness.failAlways({ kind: 'error', error: throttle() });
    await harness.clock.advance(failoverTimeMs);
    expect(harness.held.ending).toBe('lost');
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'unknown' });
    expect(await harness.held.checkpoint(at(6))).toMatchObject({ kind: 'lost', stored: 'no' });
  });

  it('may or may not have been stored when less was asked for than the write carries, and that much is in doubt', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    const first = harness.held.checkpoint(at(5));
    // Another call for less than the first, which by now carries more.
    const second = harness.held.checkpoint(at(9), at(4));
    const third = harness.held.checkpoint(at(9), at(9));
    await harness.clock.advance(failoverTimeMs);
    expect(await first).toMatchObject({ kind: 'lost', stored: 'unknown' });
    expect(await second).toMatchObject({ kind: 'lost', stored: 'unknown' });
    expect(await third).toMatchObject({ kind: 'lost', stored: 'no' });
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
