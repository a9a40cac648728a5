import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../src/testing';

describe('a manual clock', () => {
  it('wakes sleepers in the order of their times, and lets their work settle in between', async () => {
    const clock = new ManualClock();
    const woken: number[] = [];
    const sleep = (delayMs: number): Promise<void> => clock.sleep(delayMs).then(() => void woken.push(clock.now()));
    void sleep(30);
    void sleep(10).then(() => sleep(5));
    await clock.advance(100);
    expect(woken).toEqual([10, 15, 30]);
    expect(clock.now()).toBe(100);
  });

  it('says when the next sleeper wakes', async () => {
    const clock = new ManualClock();
    expect(clock.nextWakeInMs).toBeUndefined();
    void clock.sleep(30);
    void clock.sleep(20);
    await clock.advance(5);
    expect(clock.nextWakeInMs).toBe(15);
  });

  it('never goes back, also when it is moved twice at once', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    for (let delayMs = 1; delayMs < 1_000; delayMs += 50) void clock.sleep(delayMs).then(() => seen.push(clock.now()));
    await Promise.all([clock.advance(300), clock.advance(900)]);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(clock.now()).toBe(900);
  });

  it.each([-1, Number.NaN, Infinity])('refuses to move by %d', async (deltaMs) => {
    await expect(new ManualClock().advance(deltaMs)).rejects.toThrow('time moves ahead');
  });

  it('waits for what it is told to wait for, before and after each waking', async () => {
    let settled = 0;
    const clock = new ManualClock({
      settle: async () => {
        settled++;
      },
    });
    void clock.sleep(10);
    await clock.advance(20);
    expect(settled).toBe(3);
  });
});
