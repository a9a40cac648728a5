import { describe, expect, it } from '@jest/globals';
import { errorName, type Random } from '@millrace/core';
import { seededRandom } from '@millrace/core/testing';
import * as fc from 'fast-check';
import { ReadPace, sizeOf } from '../src/read-pace';
import { SharedShard } from './shared-shard';

/** Of three characters and seven bytes. */
const key = 'ключ'.slice(0, 3) + '!';

/** So many records of so many bytes are there to read, and the answer takes its time. */
const page = fc.record({
  count: fc.integer({ min: 0, max: 10 }),
  bytes: fc.oneof(fc.integer({ min: 7, max: 1_000_000 }), fc.constantFrom(7, 40_000, 1_000_000)),
  tookMs: fc.oneof(fc.constant(0), fc.nat({ max: 2_000 })),
  restMs: fc.oneof(fc.constant(0), fc.nat({ max: 4_000 })),
});

/** The only reader of a shard of the engine, which refuses what exceeds the limits. */
class LoneReader {
  readonly #shard = new SharedShard();
  readonly #pace: ReadPace;
  #iterator = this.#shard.iteratorAt({ kind: 'trim-horizon' });

  constructor(random: Random) {
    this.#pace = new ReadPace(random);
  }

  get nextCallAtMs(): number {
    return Math.ceil(Math.max(0, this.#pace.nextCallAtMs));
  }

  get nowMs(): number {
    return this.#shard.clock.now();
  }

  async waitUntil(atMs: number): Promise<void> {
    await this.#shard.clock.advance(Math.max(0, atMs - this.nowMs));
  }

  async read({
    count,
    bytes,
    tookMs,
    restMs,
  }: {
    count: number;
    bytes: number;
    tookMs: number;
    restMs: number;
  }): Promise<void> {
    this.#shard.put(count, bytes, key);
    this.#pace.called(this.nowMs, 10_000);
    const { records, nextIterator } = this.#shard.page(this.#iterator, 10_000);
    expect(records).toHaveLength(count);
    expect(sizeOf(records)).toBe(count * bytes);
    this.#iterator = nextIterator ?? '';
    await this.#shard.clock.advance(tookMs);
    this.#pace.answered({ nowMs: this.nowMs, recordCount: count, bytes: sizeOf(records), isCaughtUp: true });
    this.#pace.rest(restMs);
  }

  /** Whether a call would be refused now; one that is costs nothing. */
  isRefused(): boolean {
    try {
      this.#shard.page(this.#iterator, 1);
      return false;
    } catch (error) {
      expect(errorName(error)).toBe('ProvisionedThroughputExceededException');
      return true;
    }
  }
}

describe('one that reads a shard alone', () => {
  it('is never refused, whatever it reads and however long the answers take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(page, { maxLength: 12 }), fc.integer(), async (pages, seed) => {
        const reader = new LoneReader(seededRandom(seed));
        for (const one of pages) {
          await reader.waitUntil(reader.nextCallAtMs);
          await reader.read(one);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('waits no longer than it must, but for the jitter: a millisecond earlier it would be refused', async () => {
    const noJitter = { next: () => 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(page, { minLength: 1, maxLength: 8 }), async (pages) => {
        const reader = new LoneReader(noJitter);
        for (const one of pages) {
          await reader.waitUntil(reader.nextCallAtMs);
          const calledAtMs = reader.nowMs;
          await reader.read({ ...one, tookMs: 0, restMs: 0 });
          if (reader.nextCallAtMs === calledAtMs + 200) continue;
          await reader.waitUntil(reader.nextCallAtMs - 1);
          expect(reader.isRefused()).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('waits five seconds after 10 MB, and not at all after what was saved up', async () => {
    const reader = new LoneReader({ next: () => 0 });
    await reader.read({ count: 10, bytes: 1_000_000, tookMs: 0, restMs: 0 });
    expect(reader.nextCallAtMs).toBe(5_000);
    await reader.waitUntil(6_000);
    await reader.read({ count: 2, bytes: 1_000_000, tookMs: 0, restMs: 0 });
    expect(reader.nextCallAtMs).toBe(6_200);
  });
});
