import { describe, expect, it } from '@jest/globals';
import { SharedShard, type SharingReader } from './shared-shard';

const MINUTE = 60_000;

function refusedOf(reader: SharingReader, fromMs: number): number {
  const reads = reader.reads({ fromMs });
  return reads.filter(({ refusal }) => refusal !== undefined).length / reads.length;
}

/** Megabytes a second in the next minutes. */
async function rateOf(shard: SharedShard, reader: SharingReader, minutes: number): Promise<number> {
  const before = reader.bytes;
  await shard.clock.advance(minutes * MINUTE);
  return (reader.bytes - before) / 1_000_000 / (minutes * 60);
}

describe('an application with default options', () => {
  it('keeps up beside a consumer whose answers lock the shard for seconds', async () => {
    for (const seed of [1, 2]) {
      const shard = new SharedShard();
      void shard.keepWriting(300_000);
      const reader = shard.join(seed, {});
      void shard.readPlainly(10_000, seed);
      await shard.clock.advance(5 * MINUTE);
      expect(await rateOf(shard, reader, 10)).toBeGreaterThan(0.29);
    }
  });

  it('keeps up beside two more that read busily, and that consumer', async () => {
    const shard = new SharedShard();
    void shard.keepWriting(250_000);
    const readers = [shard.join(1, {}), shard.join(2), shard.join(3)];
    void shard.readPlainly(10_000, 4);
    await shard.clock.advance(5 * MINUTE);
    const before = readers.map(({ bytes }) => bytes);
    await shard.clock.advance(15 * MINUTE);
    for (const [index, { bytes }] of readers.entries())
      expect(bytes - before[index]!).toBeGreaterThan(0.24e6 * 15 * 60);
  });

  it('keeps up beside a consumer that polls each second', async () => {
    const shard = new SharedShard();
    void shard.keepWriting(900_000);
    const reader = shard.join(1, {});
    void shard.readPlainly(1_000, 2);
    await shard.clock.advance(MINUTE);
    const fromMs = shard.clock.now();
    expect(await rateOf(shard, reader, 10)).toBeGreaterThan(0.88);
    expect(refusedOf(reader, fromMs)).toBeLessThan(0.02);
  });

  it('does not starve beside a consumer that takes nearly all calls', async () => {
    const shard = new SharedShard();
    void shard.keepWriting(100_000);
    const reader = shard.join(1, {});
    void shard.readPlainly(200, 2);
    await shard.clock.advance(5 * MINUTE);
    expect(await rateOf(shard, reader, 10)).toBeGreaterThan(0.095);
  });

  it('remembers the others while little is to be read: bursts do not begin with a contest', async () => {
    const shard = new SharedShard();
    const readers = [1, 2, 3].map((seed) => shard.join(seed, {}));
    let refused = 0;
    for (let burst = 0; burst < 8; burst++) {
      const fromMs = shard.clock.now();
      // Each second has records: read as often as may be.
      for (let tenth = 0; tenth < 600; tenth++) {
        shard.put(1, 1_000);
        await shard.clock.advance(100);
      }
      if (burst > 1) refused += readers.reduce((sum, reader) => sum + refusedOf(reader, fromMs) / 3, 0);
      await shard.clock.advance(8 * MINUTE);
    }
    expect(refused / 6).toBeLessThan(0.01);
  });
});

describe('an application that reads each five seconds and is behind', () => {
  it('has the shard to itself again some minutes after the others have left', async () => {
    const shard = new SharedShard();
    shard.put(16_000, 100_000);
    const slow = shard.join(1, { minTimeBetweenReadsMs: 5_000 });
    const others = [shard.join(2, {}), shard.join(3, {})];
    await shard.clock.advance(10 * MINUTE);
    for (const other of others) other.leave();
    await shard.clock.advance(5 * MINUTE);
    expect(await rateOf(shard, slow, 3)).toBeGreaterThan(1);
  });
});

describe('the last of six applications', () => {
  it('is back at full speed ten minutes after the others have left', async () => {
    const shard = new SharedShard();
    const [last, ...others] = [1, 2, 3, 4, 5, 6].map((seed) => shard.join(seed));
    await shard.clock.advance(10 * MINUTE);
    for (const reader of others) reader.leave();
    await shard.clock.advance(10 * MINUTE);
    const fromMs = shard.clock.now();
    await shard.clock.advance(MINUTE);
    expect(last!.reads({ fromMs }).length).toBeGreaterThan(0.9 * (MINUTE / 210));
  });
});
