import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger, settle } from '@millrace/core/testing';
import { CheckpointLoop } from '../src/checkpoint-loop';

const intervalMs = 5_000;

/** A loop whose writes end when the test says so, unless they do at once. */
class World {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly flushedAtMs: number[] = [];
  hasUnstored = true;
  isSlow = false;
  readonly underWay: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  readonly loop = new CheckpointLoop({
    ...{ intervalMs, everyRecords: 100, clock: this.clock, logger: this.logger },
    hasUnstored: () => this.hasUnstored,
    flush: () => {
      this.loop.stored();
      this.flushedAtMs.push(this.clock.now());
      if (!this.isSlow) return Promise.resolve();
      return new Promise((resolve, reject) => this.underWay.push({ resolve, reject }));
    },
  });
}

describe('the loop of checkpoints', () => {
  it('stores an interval after the last time, and again', async () => {
    const { loop, clock, flushedAtMs } = new World();
    loop.begin();
    await clock.advance(3 * intervalMs);
    expect(flushedAtMs).toEqual([5_000, 10_000, 15_000]);
    await loop.end();
  });

  it('does nothing before it begins, and nothing when all is stored', async () => {
    const world = new World();
    const { loop, clock, flushedAtMs } = world;
    loop.acknowledged(1_000);
    await clock.advance(10 * intervalMs);
    world.hasUnstored = false;
    loop.begin();
    await clock.advance(10 * intervalMs);
    expect(flushedAtMs).toEqual([]);
    world.hasUnstored = true;
    await clock.advance(intervalMs);
    expect(flushedAtMs).toHaveLength(1);
    await loop.end();
  });

  it('waits for an interval from the moment at which another write has stored it', async () => {
    const { loop, clock, flushedAtMs } = new World();
    loop.begin();
    await clock.advance(4_000);
    loop.stored();
    await clock.advance(4_900);
    expect(flushedAtMs).toEqual([]);
    await clock.advance(100);
    expect(flushedAtMs).toEqual([9_000]);
    await loop.end();
  });

  it('stores at once when so many records were acknowledged since, and counts anew', async () => {
    const { loop, clock, flushedAtMs } = new World();
    loop.begin();
    loop.acknowledged(99);
    await clock.advance(1_000);
    expect(flushedAtMs).toEqual([]);
    loop.acknowledged(1);
    loop.acknowledged(50);
    await clock.advance(0);
    expect(flushedAtMs).toEqual([1_000]);
    loop.acknowledged(99);
    await clock.advance(1_000);
    expect(flushedAtMs).toEqual([1_000]);
    await loop.end();
  });

  it('begins no write beside another; what is due by then follows it', async () => {
    const world = new World();
    const { loop, clock, flushedAtMs, underWay } = world;
    world.isSlow = true;
    loop.begin();
    await clock.advance(intervalMs);
    loop.acknowledged(100);
    await clock.advance(10 * intervalMs);
    expect(flushedAtMs).toEqual([5_000]);
    underWay[0]?.resolve();
    await clock.advance(0);
    expect(flushedAtMs).toEqual([5_000, 55_000]);
    underWay[1]?.resolve();
    await loop.end();
  });

  it('says that a write failed, and repeats it after an interval', async () => {
    const world = new World();
    const { loop, clock, flushedAtMs, underWay, logger } = world;
    world.isSlow = true;
    loop.begin();
    await clock.advance(intervalMs);
    underWay[0]?.reject(new Error('throttled'));
    await clock.advance(intervalMs);
    expect(flushedAtMs).toEqual([5_000, 10_000]);
    expect(logger.lines.map(({ message }) => message)).toEqual(['checkpoint was not stored, it will be repeated']);
    underWay[1]?.resolve();
    await loop.end();
  });

  it('waits at its end for the write under way, and leaves no timer', async () => {
    const world = new World();
    const { loop, clock, flushedAtMs, underWay } = world;
    world.isSlow = true;
    loop.begin();
    await clock.advance(intervalMs);
    let hasEnded = false;
    const ended = loop.end().then(() => (hasEnded = true));
    await settle();
    expect(hasEnded).toBe(false);
    underWay[0]?.resolve();
    await ended;
    loop.acknowledged(1_000);
    expect(clock.sleeperCount).toBe(0);
    await clock.advance(10 * intervalMs);
    expect(flushedAtMs).toHaveLength(1);
  });

  it('is silent about a write that fails after its end', async () => {
    const world = new World();
    const { loop, clock, flushedAtMs, underWay, logger } = world;
    world.isSlow = true;
    loop.begin();
    await clock.advance(intervalMs);
    const ended = loop.end();
    underWay[0]?.reject(new Error('lost'));
    await ended;
    await clock.advance(10 * intervalMs);
    expect(flushedAtMs).toHaveLength(1);
    expect(logger.lines).toEqual([]);
  });
});
