import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { LeaseCooldown } from '../src/lease-cooldown';

describe('LeaseCooldown', () => {
  it('lasts a failover time for the lease that was given up, and for no other', async () => {
    const clock = new ManualClock();
    const cooldown = new LeaseCooldown(clock, 10_000);
    cooldown.begin('a');
    expect([cooldown.isOver('a'), cooldown.isOver('b')]).toEqual([false, true]);
    await clock.advance(9_999);
    expect(cooldown.isOver('a')).toBe(false);
    await clock.advance(1);
    expect(cooldown.isOver('a')).toBe(true);
  });
});
