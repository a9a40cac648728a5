import { SHARD_END } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { at, HeldLeaseHarness, leaseKey, options, throttle, timeout } from './held-lease-harness';

const { callTimeoutMs, renewIntervalMs, handoverTimeoutMs } = options;

describe('a release to a successor', () => {
  it('leaves the lease to it, to be adopted at once', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'c', handedOver: true, leaseCounter: 2 });
    expect(harness.held.ending).toBe('handed-over');
    expect(harness.held.receiver).toBe('c');
  });

  it('leaves a finished shard to nobody', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    expect(await harness.held.checkpoint(SHARD_END)).toEqual({ kind: 'stored' });
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: undefined, handedOver: false });
    expect(harness.held.ending).toBe('released');
  });

  it('prefers whoever has asked for the lease', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true });
    expect(harness.held.receiver).toBe('b');
  });

  it('prefers whoever has asked also when it learns of that only by being refused', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    await harness.askedBy('b');
    const released = harness.held.release();
    await harness.clock.advance(500);
    await released;
    expect(harness.row()).toMatchObject({ leaseOwner: 'b', handedOver: true });
  });

  it('counts as done though its answer was lost, and says to whom', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    harness.failNext({ kind: 'lost-after' });
    const released = harness.held.release();
    await harness.clock.advance(callTimeoutMs + 500);
    await released;
    expect(harness.held.ending).toBe('handed-over');
    expect(harness.held.receiver).toBe('c');
    expect(harness.row().leaseCounter).toBe(2);
  });
});

describe('a request of a worker that is gone', () => {
  it('is cancelled when it is noticed, and the lease goes on', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await settle();
    expect(harness.operations()).toEqual(['cancelHandover']);
    expect(harness.row()).toMatchObject({ leaseOwner: 'me', checkpointOwner: undefined, receiver: undefined });
    expect(harness.held.handoverRequested.aborted).toBe(false);
    expect(harness.held.mayDeliver()).toBe(true);
    await harness.clock.advance(handoverTimeoutMs + renewIntervalMs);
    expect(harness.held.expiring.aborted).toBe(false);
    harness.held.abandon();
  });

  it('is cancelled when a renewal shows it', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    await harness.clock.advance(renewIntervalMs);
    expect(harness.operations()).toEqual(['renew', 'cancelHandover']);
    expect(harness.row()).toMatchObject({ leaseOwner: 'me', receiver: undefined });
    harness.held.abandon();
  });

  it('is cancelled once, however often it is noticed', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    const row = harness.row();
    for (let index = 0; index < 5; index++) harness.held.notice(row);
    await settle();
    harness.held.notice(row);
    await settle();
    expect(harness.operations().filter((operation) => operation === 'cancelHandover')).toHaveLength(1);
    expect(harness.held.handoverRequested.aborted).toBe(false);
    harness.held.abandon();
  });

  it('counts as the sign of life that its cancellation is', async () => {
    const harness = new HeldLeaseHarness();
    await harness.clock.advance(renewIntervalMs - 10);
    harness.gone.add('b');
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await harness.clock.advance(renewIntervalMs - 20);
    expect(harness.operations()).toEqual(['cancelHandover']);
    harness.held.abandon();
  });

  it('is cancelled again after a throttle, and taken for cancelled when only the answer was lost', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    harness.failNext({ kind: 'error', error: throttle() }, { kind: 'reset-after', error: timeout() });
    harness.held.notice(harness.row());
    await harness.clock.advance(2_000);
    expect(harness.row()).toMatchObject({ leaseOwner: 'me', receiver: undefined, leaseCounter: 2 });
    expect(harness.held.mayDeliver()).toBe(true);
    harness.held.abandon();
  });

  it('does not keep another from asking', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await settle();
    await harness.askedBy('c');
    harness.held.notice(harness.row());
    expect(harness.held.handoverRequested.aborted).toBe(true);
    expect(harness.held.receiver).toBe('c');
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseOwner: 'c', handedOver: true });
  });

  it('is cancelled at the release when the worker has died meanwhile, and the successor gets the lease', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    harness.held.notice(harness.row());
    await settle();
    expect(harness.held.handoverRequested.aborted).toBe(true);
    harness.gone.add('b');
    harness.successor = 'c';
    await harness.held.release();
    expect(harness.operations()).toEqual(['cancelHandover', 'release']);
    expect(harness.row()).toMatchObject({ leaseOwner: 'c', handedOver: true, receiver: undefined });
    expect(harness.held.receiver).toBe('c');
  });

  it('loses the lease with the cancellation when another has taken it', async () => {
    const harness = new HeldLeaseHarness();
    harness.gone.add('b');
    await harness.askedBy('b');
    const asked = harness.row();
    await harness.stolenBy('d');
    harness.held.notice(asked);
    await harness.clock.advance(500);
    expect(harness.held.ending).toBe('lost');
    expect(harness.row().leaseOwner).toBe('d');
  });
});

describe('a lease that was evicted', () => {
  it('is lost with the next write, which changes nothing', async () => {
    const harness = new HeldLeaseHarness();
    await harness.askedBy('b');
    await harness.evicted();
    expect(await harness.held.checkpoint(at(5))).toMatchObject({ kind: 'lost', stored: 'no' });
    expect(harness.held.ending).toBe('lost');
    expect(harness.row()).toMatchObject({ leaseOwner: undefined, evicted: true, checkpoint: { kind: 'trim-horizon' } });
  });

  it('is lost at once when a reading of the table shows it', async () => {
    const harness = new HeldLeaseHarness();
    await harness.evicted();
    harness.held.notice(harness.row());
    await settle();
    expect(harness.held.ending).toBe('lost');
    expect(harness.held.mayDeliver()).toBe(false);
  });

  it('cannot be given to anybody any more', async () => {
    const harness = new HeldLeaseHarness();
    harness.successor = 'c';
    await harness.askedBy('b');
    await harness.evicted();
    await harness.held.release();
    expect(harness.row()).toMatchObject({ leaseKey, leaseOwner: undefined, evicted: true });
    expect(harness.held.ending).toBe('lost');
  });
});
