import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { HandoverWatch } from '../src/handover-watch';

const asked = aLease({ leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b', leaseCounter: 5 });

describe('HandoverWatch', () => {
  it('counts since it first saw the hand-over, while its owner goes on renewing', () => {
    const watch = new HandoverWatch();
    watch.observe([asked], 1_000);
    watch.observe([{ ...asked, leaseCounter: 9 }], 5_000);
    expect(watch.pendingForMs(asked, 8_000)).toBe(7_000);
  });

  it('counts anew for another pair of hands', () => {
    const watch = new HandoverWatch();
    watch.observe([asked], 1_000);
    watch.observe([{ ...asked, leaseOwner: 'c', receiver: 'c' }], 3_000);
    expect(watch.pendingForMs(asked, 4_000)).toBe(1_000);
    watch.observe([{ ...asked, checkpointOwner: 'x' }], 5_000);
    expect(watch.pendingForMs(asked, 5_500)).toBe(500);
  });

  it('counts anew after a reading in which nothing was pending', () => {
    const watch = new HandoverWatch();
    watch.observe([asked], 1_000);
    watch.observe([aLease({ leaseOwner: 'a' })], 2_000);
    expect(watch.pendingForMs(asked, 2_500)).toBe(0);
    watch.observe([asked], 3_000);
    expect(watch.pendingForMs(asked, 4_000)).toBe(1_000);
  });

  it('does not take residue for a hand-over', () => {
    const watch = new HandoverWatch();
    const residue = { ...asked, leaseOwner: 'kcl' };
    watch.observe([residue], 1_000);
    expect(watch.pendingForMs(residue, 9_000)).toBe(0);
  });
});
