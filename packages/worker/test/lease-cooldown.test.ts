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

  it('lasts twice as long each time, an hour at most, until the shard could be read', async () => {
    const clock = new ManualClock();
    const cooldown = new LeaseCooldown(clock, 10_000);
    const lasts = async (): Promise<number> => {
      cooldown.begin('a');
      const fromMs = clock.now();
      while (!cooldown.isOver('a')) await clock.advance(10_000);
      return clock.now() - fromMs;
    };
    expect([await lasts(), await lasts(), await lasts()]).toEqual([10_000, 20_000, 40_000]);
    for (let time = 0; time < 8; time++) await lasts();
    expect(await lasts()).toBe(3_600_000);
    cooldown.end('a');
    expect(cooldown.isOver('a')).toBe(true);
    expect(await lasts()).toBe(10_000);
  });
});
