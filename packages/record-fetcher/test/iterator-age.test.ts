import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@millrace/core/testing';
import { kinesisError } from '@millrace/record-fetcher/testing';
import * as fc from 'fast-check';
import { Reading } from './reading';
import { SharedShard } from './shared-shard';

const MINUTE = 60_000;

describe('an iterator that grows old while a batch is dealt with', () => {
  it.each([
    ['a little less than five minutes', 5 * MINUTE - 1],
    ['five minutes', 5 * MINUTE],
    ['an hour', 60 * MINUTE],
  ])('is replaced before it is used, without a word, after %s', async (_, dealMs) => {
    const shard = new SharedShard();
    const put = shard.put(4);
    const reader = shard.join(1, { maxRecords: 2 });
    reader.deal = () => shard.clock.sleep(dealMs);
    await shard.clock.advance(3 * dealMs);
    expect(reader.delivered).toEqual(put);
    expect(reader.calls.map(({ operation }) => operation).slice(0, 4)).toEqual([
      ...['GetShardIterator', 'GetRecords'],
      ...['GetShardIterator', 'GetRecords'],
    ]);
    expect(reader.calls.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
    expect(shard.logger.lines).toEqual([]);
  });

  it('is as old as its arrival, however long it was waited for', async () => {
    const reading = new Reading();
    const put = reading.put(1);
    const getShardIterator = reading.reader.getShardIterator.bind(reading.reader);
    reading.reader.getShardIterator = async (...call) => {
      await reading.clock.sleep(10 * MINUTE);
      return getShardIterator(...call);
    };
    reading.reader.failNext('GetRecords', kinesisError('ServiceUnavailable'));
    reading.begin();
    await reading.clock.advance(11 * MINUTE);
    expect(reading.delivered).toEqual(put);
    expect(reading.callsTo('GetShardIterator')).toHaveLength(1);
  });

  it('is used as long as it is good', async () => {
    const shard = new SharedShard();
    const put = shard.put(4);
    const reader = shard.join(1, { maxRecords: 2 });
    reader.deal = () => shard.clock.sleep(4 * MINUTE);
    await shard.clock.advance(9 * MINUTE);
    expect(reader.delivered).toEqual(put);
    expect(reader.calls.filter(({ operation }) => operation === 'GetShardIterator')).toHaveLength(1);
  });

  it('is not replaced because a shard is read as rarely as it may be', async () => {
    const shard = new SharedShard();
    shard.put(3);
    const reader = shard.join(1, { minTimeBetweenReadsMs: 240_000, idleTimeBetweenReadsMs: 240_000 });
    await shard.clock.advance(60 * MINUTE);
    expect(reader.reads()).toHaveLength(16);
    expect(reader.calls).toHaveLength(17);
  });

  it('loses and repeats nothing, and no call is refused, however long each batch takes', async () => {
    const batch = fc.record({
      put: fc.nat({ max: 4 }),
      dealMs: fc.oneof(fc.nat({ max: 1_000 }), fc.nat({ max: 600_000 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        async (batches, maxRecords, seed) => {
          const shard = new SharedShard();
          const put = shard.put(5);
          const reader = shard.join(seed, { maxRecords, idleTimeBetweenReadsMs: 5_000 });
          const random = seededRandom(seed);
          const left = [...batches];
          reader.deal = async () => {
            const next = left.shift();
            if (next === undefined) return;
            await shard.clock.sleep(next.dealMs * random.next());
            put.push(...shard.put(next.put));
            await shard.clock.sleep(next.dealMs);
          };
          await shard.clock.advanceUntil(() => left.length === 0, { stepMs: 10_000, limitMs: 24 * 60 * MINUTE });
          await shard.clock.advance(30 * MINUTE);
          expect(reader.delivered).toEqual(put);
          expect(reader.calls.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
          expect(shard.logger.lines).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
