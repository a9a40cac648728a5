import { describe, expect, it } from '@jest/globals';
import { forEachAtMost } from '../src';
import { ManualClock, settle } from '../src/testing';

const items = Array.from({ length: 10 }, (_, index) => index);

describe('forEachAtMost', () => {
  it('does every item in order, so many at the same time', async () => {
    const clock = new ManualClock();
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const done = forEachAtMost(3, items, async (item) => {
      begun.push(item);
      most = Math.max(most, ++running);
      await clock.sleep(10);
      running--;
    });
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    await clock.advance(40);
    await done;
    expect(begun).toEqual(items);
    expect(most).toBe(3);
  });

  it('begins the next as soon as one is done, without waiting for the others', async () => {
    const clock = new ManualClock();
    const begun: number[] = [];
    const done = forEachAtMost(2, items.slice(0, 4), async (item) => {
      begun.push(item);
      await clock.sleep(item === 0 ? 100 : 10);
    });
    await clock.advance(50);
    expect(begun).toEqual([0, 1, 2, 3]);
    await clock.advance(50);
    await done;
  });

  it('begins no other after one has failed, and rejects once those under way have settled', async () => {
    const clock = new ManualClock();
    const begun: number[] = [];
    let settled = false;
    const done = forEachAtMost(2, items, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('first');
      await clock.sleep(50);
      throw new Error('second');
    });
    const outcome = expect(done).rejects.toThrow('first');
    done.catch(() => (settled = true));
    await clock.advance(49);
    expect(settled).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(begun).toEqual([0, 1]);
  });

  it('rejects with what was thrown, undefined too', async () => {
    const throwing = forEachAtMost(2, items, () => Promise.reject(undefined as unknown as Error));
    await expect(throwing).rejects.toBeUndefined();
  });

  it('has nothing to do for nothing', async () => {
    await forEachAtMost(3, [], () => Promise.reject(new Error('never called')));
  });
});
