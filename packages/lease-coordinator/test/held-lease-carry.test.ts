import { type Checkpoint, compareCheckpoints } from '@millrace/core';
import { describe, expect, it } from '@jest/globals';
import { accessDenied, at, HeldLeaseHarness, options } from './held-lease-harness';

const { renewIntervalMs, callTimeoutMs } = options;

/** What a consumer has acknowledged, and what it knows to be stored. */
class Acknowledged {
  position: Checkpoint | undefined;
  readonly stored: Checkpoint[] = [];

  constructor(harness: HeldLeaseHarness) {
    harness.held.carry({
      unstored: () => {
        const last = this.stored.at(-1);
        if (this.position === undefined) return undefined;
        return last !== undefined && compareCheckpoints(this.position, last) <= 0 ? undefined : this.position;
      },
      stored: (checkpoint) => void this.stored.push(checkpoint),
    });
  }
}

describe('a renewal', () => {
  it('stores what is acknowledged by the time it is sent', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    acknowledged.position = at(4);
    await harness.clock.advance(renewIntervalMs - 1);
    acknowledged.position = at(5);
    await harness.clock.advance(1);
    expect(harness.operations()).toEqual(['checkpoint']);
    expect(harness.row()).toMatchObject({ checkpoint: at(5), leaseCounter: 2 });
    expect(acknowledged.stored).toEqual([at(5)]);
    harness.held.abandon();
  });

  it('is a plain one when nothing new is acknowledged', async () => {
    const harness = new HeldLeaseHarness({ checkpoint: at(5) });
    const acknowledged = new Acknowledged(harness);
    await harness.clock.advance(renewIntervalMs);
    acknowledged.position = at(5);
    await harness.clock.advance(renewIntervalMs);
    acknowledged.position = at(6);
    await harness.clock.advance(2 * renewIntervalMs);
    expect(harness.operations()).toEqual(['renew', 'renew', 'checkpoint', 'renew']);
    expect(acknowledged.stored).toEqual([at(6)]);
    harness.held.abandon();
  });

  it('says that it has stored nothing when it failed, and stores it with the next', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    acknowledged.position = at(5);
    harness.failNext({ kind: 'error', error: accessDenied() });
    await harness.clock.advance(renewIntervalMs);
    expect(acknowledged.stored).toEqual([]);
    await harness.clock.advance(renewIntervalMs);
    expect(acknowledged.stored).toEqual([at(5)]);
    harness.held.abandon();
  });

  it('says that it has stored nothing when the lease is another’s', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    acknowledged.position = at(5);
    await harness.stolenBy('b');
    await harness.clock.advance(renewIntervalMs);
    expect(harness.held.ending).toBe('lost');
    expect(acknowledged.stored).toEqual([]);
    expect(harness.row().checkpoint).toEqual({ kind: 'trim-horizon' });
  });

  it('is never undone by an older checkpoint that waited while it was sent', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    await harness.clock.advance(renewIntervalMs - 1);
    harness.failNext({ kind: 'delay', beforeMs: 100, afterMs: 100 });
    acknowledged.position = at(9);
    await harness.clock.advance(1);
    const older = harness.held.checkpoint(at(7));
    await harness.clock.advance(200);
    expect(await older).toEqual({ kind: 'stored' });
    expect(harness.operations()).toEqual(['checkpoint']);
    expect(harness.row().checkpoint).toEqual(at(9));
    harness.held.abandon();
  });

  it('is never undone by an older checkpoint, though its own answer was lost and the lease is still held', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    acknowledged.position = at(9);
    // It gets through, but its second attempt fails for good, so that nobody knows.
    harness.failNext({ kind: 'lost-after' }, { kind: 'error', error: accessDenied() });
    await harness.clock.advance(renewIntervalMs);
    const older = harness.held.checkpoint(at(7));
    await harness.clock.advance(callTimeoutMs + 1_000);
    expect(await older).toEqual({ kind: 'stored' });
    expect(harness.row().checkpoint).toEqual(at(9));
    harness.held.abandon();
  });

  it('has stored what a checkpoint that waited for it asked for, though the lease was abandoned meanwhile', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    await harness.clock.advance(renewIntervalMs - 1);
    harness.failNext({ kind: 'delay', beforeMs: 100, afterMs: 100 });
    acknowledged.position = at(4);
    await harness.clock.advance(1);
    const later = harness.held.checkpoint(at(5), at(4));
    harness.held.abandon();
    await harness.clock.advance(200);
    expect(await later).toEqual({ kind: 'lost', stored: 'yes' });
    expect(harness.row().checkpoint).toEqual(at(4));
  });

  it('is not sent while the lease winds down, whatever is acknowledged', async () => {
    const harness = new HeldLeaseHarness();
    const acknowledged = new Acknowledged(harness);
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.clock.advance(options.handoverTimeoutMs);
    const sent = harness.calls.length;
    acknowledged.position = at(5);
    await harness.clock.advance(3_000);
    expect(harness.calls).toHaveLength(sent);
    harness.held.abandon();
  });
});

describe('a checkpoint at or before the one that the row has', () => {
  it('is stored already, and needs no write', async () => {
    const harness = new HeldLeaseHarness({ checkpoint: at(5) });
    expect(await harness.held.checkpoint(at(5))).toEqual({ kind: 'stored' });
    expect(await harness.held.checkpoint(at(3))).toEqual({ kind: 'stored' });
    expect(harness.calls).toEqual([]);
    expect(await harness.held.checkpoint(at(6))).toEqual({ kind: 'stored' });
    expect(harness.row().checkpoint).toEqual(at(6));
    harness.held.abandon();
  });
});
