import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SharedShard, type SharingReader } from './shared-shard';

const MINUTE = 60_000;

interface Shares {
  readonly calls: number;
  /** Of all calls, how many were refused. */
  readonly refused: number;
  /** Of each reader, what it had of a fair share. */
  readonly ofFairShare: readonly number[];
}

function shares(readers: readonly SharingReader[], fromMs: number): Shares {
  const reads = readers.map((reader) => reader.reads({ fromMs }));
  const all = reads.flat();
  return {
    calls: all.length,
    refused: all.filter(({ refusal }) => refusal !== undefined).length / all.length,
    ofFairShare: reads.map(({ length }) => length / (all.length / readers.length)),
  };
}

/** One after the other begins to read, at these moments. */
async function join(shard: SharedShard, startsMs: readonly number[], seed: number): Promise<SharingReader[]> {
  const readers: SharingReader[] = [];
  for (const startMs of [...startsMs].sort((one, other) => one - other)) {
    await shard.clock.advance(startMs - shard.clock.now());
    readers.push(shard.join(100 * seed + readers.length));
  }
  return readers;
}

describe('three applications that read one shard', () => {
  it.each([
    ['at the same moment', [0, 0, 0]],
    ['one after another', [0, 40_000, 130_000]],
  ])(
    'and started %s have less than one call in a hundred refused, and a third each, from the start',
    async (_, startsMs) => {
      for (const seed of [1, 2]) {
        const shard = new SharedShard();
        const readers = await join(shard, startsMs, seed);
        const fromMs = shard.clock.now();
        await shard.clock.advance(30 * MINUTE);
        const { calls, refused, ofFairShare } = shares(readers, fromMs);
        expect(refused).toBeLessThan(0.01);
        expect(calls).toBeGreaterThan(0.9 * 30 * 60 * 5);
        expect(Math.min(...ofFairShare)).toBeGreaterThan(0.9);
        expect(Math.max(...ofFairShare)).toBeLessThan(1.1);
        expect(shard.logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
      }
    },
  );

  it('leave the whole of the calls to the last of them within five minutes', async () => {
    for (const seed of [1, 2]) {
      const shard = new SharedShard();
      const [last, ...others] = await join(shard, [0, 0, 0], seed);
      await shard.clock.advance(10 * MINUTE);
      for (const reader of others) reader.leave();
      await shard.clock.advance(4 * MINUTE);
      const fromMs = shard.clock.now();
      await shard.clock.advance(MINUTE);
      // A call in 210 ms on average is full speed.
      expect(last!.reads({ fromMs }).length).toBeGreaterThan(0.9 * (MINUTE / 210));
    }
  });
});

describe('any number of applications that read one shard', () => {
  it('have about one call in a hundred refused at most, and none of them starves, once they have met', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 5 * MINUTE }), { minLength: 1, maxLength: 6 }),
        fc.nat({ max: 1_000 }),
        async (startsMs, seed) => {
          const shard = new SharedShard();
          const readers = await join(shard, startsMs, seed);
          await shard.clock.advance(3 * MINUTE);
          const fromMs = shard.clock.now();
          await shard.clock.advance(15 * MINUTE);
          const { calls, refused, ofFairShare } = shares(readers, fromMs);
          expect(refused).toBeLessThan(readers.length > 4 ? 0.015 : 0.01);
          expect(calls).toBeGreaterThan(0.9 * 15 * 60 * 5);
          expect(Math.min(...ofFairShare)).toBeGreaterThan(0.5);
          expect(Math.max(...ofFairShare)).toBeLessThan(1.9);
        },
      ),
      { numRuns: 6, seed: 1 },
    );
  });
});

describe('the bytes of a shard', () => {
  /** What each has read in a minute, in megabytes. */
  async function minuteOf(shard: SharedShard, readers: readonly SharingReader[]): Promise<number[]> {
    const before = readers.map(({ bytes }) => bytes);
    await shard.clock.advance(MINUTE);
    return readers.map(({ bytes }, index) => (bytes - before[index]!) / 1_000_000);
  }

  it('are 2 MB a second, less the jitter, for one that is far behind', async () => {
    const shard = new SharedShard();
    shard.put(2_000, 100_000);
    const reader = shard.join(1, {});
    const [megabytes] = await minuteOf(shard, [reader]);
    expect(megabytes).toBeGreaterThan(0.94 * 120);
    expect(reader.reads().filter(({ refusal }) => refusal !== undefined)).toEqual([]);
  });

  it('are shared like the calls by three that are far behind: none locks out the others with large answers', async () => {
    const shard = new SharedShard();
    shard.put(12_000, 50_000);
    const readers = [shard.join(1, {})];
    await shard.clock.advance(MINUTE);
    readers.push(shard.join(2, {}), shard.join(3, {}));
    await shard.clock.advance(2 * MINUTE);
    for (const megabytes of await minuteOf(shard, readers)) expect(megabytes).toBeGreaterThan(0.9 * 38);
  });

  it('are there at once for one that reads little while another is far behind', async () => {
    const shard = new SharedShard();
    const light = shard.join(1, {});
    await shard.clock.advance(MINUTE);
    shard.put(9_000, 50_000);
    await shard.clock.advance(5 * MINUTE);
    shard.join(2, {});
    await shard.clock.advance(MINUTE);
    const fromMs = shard.clock.now();
    const put: string[] = [];
    for (let second = 0; second < 60; second++) {
      put.push(...shard.put(1, 10_000));
      await shard.clock.advance(1_000);
    }
    await shard.clock.advance(2_000);
    expect(light.delivered.slice(-60)).toEqual(put);
    expect(shares([light], fromMs).refused).toBeLessThan(0.03);
  });
});
