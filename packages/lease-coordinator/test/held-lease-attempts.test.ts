import { describe, expect, it } from '@jest/globals';
import type { AttemptedRange } from '@millrace/core';
import { accessDenied, at, HeldLeaseHarness, options, timeout } from './held-lease-harness';

const range: AttemptedRange = {
  first: { sequenceNumber: '5', subSequenceNumber: 0 },
  last: { sequenceNumber: '8', subSequenceNumber: 0 },
  recordCount: 4,
  attempts: 1,
};

describe('what is about to be delivered', () => {
  it('is recorded in the row, as a sign of life', async () => {
    const harness = new HeldLeaseHarness();
    await harness.clock.advance(options.renewIntervalMs - 1);
    expect(await harness.held.attempt([range])).toBe(true);
    expect(harness.row()).toMatchObject({ attempted: [range], leaseCounter: 2 });
    await harness.clock.advance(options.renewIntervalMs - 1);
    expect(harness.operations()).toEqual(['attempt']);
    await harness.clock.advance(1);
    expect(harness.operations()).toEqual(['attempt', 'renew']);
    expect(harness.row().attempted).toEqual([range]);
    harness.held.abandon();
  });

  it('is forgotten with the checkpoint that passes it, and with no other', async () => {
    const harness = new HeldLeaseHarness();
    await harness.held.attempt([range]);
    await harness.held.checkpoint(at(7));
    expect(harness.row().attempted).toEqual([range]);
    await harness.held.checkpoint(at(8));
    expect(harness.row()).toMatchObject({ attempted: [], checkpoint: at(8) });
    harness.held.abandon();
  });

  it('is forgotten by a holder that has found it in the row', async () => {
    const harness = new HeldLeaseHarness({ attempted: [range] });
    await harness.held.checkpoint(at(9));
    expect(harness.row().attempted).toEqual([]);
    harness.held.abandon();
  });

  it('is forgotten with the checkpoint, though the answer that it was recorded was lost', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'reset-after', error: timeout() }, { kind: 'error', error: accessDenied() });
    const recorded = harness.held.attempt([range]);
    await harness.clock.advance(1_000);
    expect(await recorded).toBe(false);
    expect(harness.row().attempted).toEqual([range]);
    const stored = harness.held.checkpoint(at(9));
    await harness.clock.advance(1_000);
    expect(await stored).toEqual({ kind: 'stored' });
    expect(harness.row()).toMatchObject({ attempted: [], checkpoint: at(9) });
    harness.held.abandon();
  });

  it('is not written where the row says so already, but for what a checkpoint has passed', async () => {
    const passed = { ...range, first: { ...range.first, sequenceNumber: '1' }, last: range.first };
    const harness = new HeldLeaseHarness({ attempted: [passed, range], checkpoint: at(6) });
    expect(await harness.held.attempt([range])).toBe(true);
    expect(await harness.held.attempt([passed, range])).toBe(true);
    expect(harness.operations()).toEqual([]);
    expect(await harness.held.attempt([{ ...range, attempts: 2 }])).toBe(true);
    expect(await harness.held.attempt([])).toBe(true);
    expect(harness.operations()).toEqual(['attempt', 'attempt']);
    expect(harness.row().attempted).toEqual([]);
    harness.held.abandon();
  });

  it('is written whatever the row seems to say, while nobody knows what became of an earlier write', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'reset-after', error: timeout() }, { kind: 'error', error: accessDenied() });
    const recorded = harness.held.attempt([range]);
    await harness.clock.advance(1_000);
    expect(await recorded).toBe(false);
    const forgotten = harness.held.attempt([]);
    await harness.clock.advance(1_000);
    expect(await forgotten).toBe(true);
    expect(harness.row().attempted).toEqual([]);
    harness.held.abandon();
  });

  it('is recorded by one write though its answer was lost', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'reset-after', error: timeout() });
    const recorded = harness.held.attempt([range]);
    await harness.clock.advance(1_000);
    expect(await recorded).toBe(true);
    expect(harness.row()).toMatchObject({ attempted: [range], leaseCounter: 2 });
    harness.held.abandon();
  });

  it('is not recorded, and the lease is lost, when it is another’s', async () => {
    const harness = new HeldLeaseHarness();
    await harness.stolenBy('b');
    expect(await harness.held.attempt([range])).toBe(false);
    expect(harness.held.ending).toBe('lost');
    expect(harness.row().attempted).toEqual([]);
  });

  it('is not recorded when the write fails, and the lease is still held', async () => {
    const harness = new HeldLeaseHarness();
    harness.failNext({ kind: 'error', error: accessDenied() });
    expect(await harness.held.attempt([range])).toBe(false);
    expect(harness.held.active).toBe(true);
    harness.held.abandon();
  });

  it('is not recorded after the release', async () => {
    const harness = new HeldLeaseHarness();
    await harness.held.release();
    for (const attempted of [[range], []]) expect(await harness.held.attempt(attempted)).toBe(false);
    expect(harness.operations()).toEqual(['release']);
  });
});

describe('a lease', () => {
  it.each([
    [true, 2, true],
    [true, 1, false],
    [false, 2, false],
  ])('taken away: %s, changes of owner: %d: may be a crash loop: %s', (wasTakenAway, switches, isOne) => {
    const harness = new HeldLeaseHarness({ ownerSwitchesSinceCheckpoint: switches }, { wasTakenAway });
    expect(harness.held.mayBeCrashLoop).toBe(isOne);
    harness.held.abandon();
  });
});
