import { describe, expect, it } from '@jest/globals';
import { repeat } from '../src';
import { ManualClock } from '../src/testing';

describe('repeat', () => {
  it('runs one at a time, after the delay that the last run asked for, until it is stopped', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const startedAtMs: number[] = [];
    const running = repeat(clock, stop.signal, async () => {
      startedAtMs.push(clock.now());
      await clock.sleep(30);
      return 70;
    });
    await clock.advance(250);
    stop.abort();
    await running;
    expect(startedAtMs).toEqual([0, 100, 200]);
  });

  it('rejects with what the task rejected with', async () => {
    await expect(
      repeat(new ManualClock(), new AbortController().signal, () => Promise.reject(new Error('fatal'))),
    ).rejects.toThrow('fatal');
  });
});
