import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { at, HeldLeaseHarness, leaseKey, options, throttle } from './held-lease-harness';

const { failoverTimeMs, abortMarginMs, callTimeoutMs } = options;

describe('the deadline of a held lease', () => {
  it('is what the log names when no write got through until then', async () => {
    const harness = new HeldLeaseHarness();
    harness.failAlways({ kind: 'lost-before' });
    await harness.clock.advance(failoverTimeMs);
    expect(
      harness.logger.lines.filter(({ message }) => message === 'lease lost').map(({ fields }) => fields['why']),
    ).toEqual(['its deadline has passed']);
  });

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
