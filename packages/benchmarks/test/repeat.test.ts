import { describe, expect, it } from '@jest/globals';
import { repeat } from '../src/repeat';

const unbounded = { seconds: Infinity, maxCount: Infinity };

/** Time that only passes when a step lets it. */
class Stopwatch {
  ms = 1_000;
  readonly now = (): number => this.ms;
}

describe('repeating a step', () => {
  it('adds up what the steps of all loops have done, although they overlap', async () => {
    const { count } = await repeat({ ...unbounded, maxCount: 40 }, 4, async () => {
      await Promise.resolve();
      return 10;
    });
    // Three more are under way when one brings the count to 40.
    expect(count).toBe(70);
  });

  it('begins no step once the count is reached, and finishes those under way', async () => {
    let begun = 0;
    const { count } = await repeat({ ...unbounded, maxCount: 5 }, 3, async () => {
      begun++;
      await Promise.resolve();
      return 2;
    });
    expect({ begun, count }).toEqual({ begun: 5, count: 10 });
  });

  it('begins no step once the time is over, and counts the time of the last one', async () => {
    const watch = new Stopwatch();
    const tally = await repeat(
      { ...unbounded, seconds: 1 },
      1,
      async () => {
        watch.ms += 400;
        if (watch.ms > 10_000) throw new Error('it goes on');
        return 1;
      },
      watch.now,
    );
    expect(tally).toEqual({ count: 3, seconds: 1.2 });
  });

  it('tells each step which loop it belongs to', async () => {
    const loops = new Set<number>();
    await repeat({ ...unbounded, maxCount: 3 }, 3, async (loop) => {
      loops.add(loop);
      return 1;
    });
    expect([...loops]).toEqual([0, 1, 2]);
  });

  it('rejects with what a step threw, after the other loops have ended', async () => {
    let isUnderWay = false;
    let begun = 0;
    const failing = repeat(unbounded, 2, async (loop) => {
      if (loop === 1) throw new Error('refused');
      if (++begun > 10) throw new Error('it goes on');
      isUnderWay = true;
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      isUnderWay = false;
      return 1;
    });
    await expect(failing).rejects.toThrow('refused');
    expect({ begun, isUnderWay }).toEqual({ begun: 1, isUnderWay: false });
  });
});
