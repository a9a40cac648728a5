import { describe, expect, it } from '@jest/globals';
import type { UserRecord } from '@millrace/core';
import * as fc from 'fast-check';
import { nextBatch } from '../src/next-batch';
import { aConsumer, aRecord, batch, bytes, feed, LoggingProcessor } from './support/a-consumer';

const sized = (...sizes: number[]): UserRecord[] =>
  sizes.map((size, index) => ({
    ...aRecord(index + 1, new Uint8Array(size)),
    ...{ subSequenceNumber: 0, aggregated: false, explicitHashKey: undefined },
  }));

describe('the next batch', () => {
  it('is all that there is when that is within the limits, and the same array', () => {
    const records = sized(1, 2, 3);
    expect(nextBatch(records, 0, { maxRecords: 3, maxBytes: 6 })).toBe(records);
  });

  it.each([
    [{ maxRecords: 2, maxBytes: 103 }, [2, 2, 1]],
    [{ maxRecords: 100, maxBytes: 6 }, [3, 1, 1]],
    [{ maxRecords: 100, maxBytes: 5 }, [2, 1, 1, 1]],
    [{ maxRecords: 1, maxBytes: 1 }, [1, 1, 1, 1, 1]],
  ])('is cut by %j', (limits, expected) => {
    const records = sized(1, 2, 3, 100, 5);
    const lengths: number[] = [];
    for (let at = 0; at < records.length; at += lengths.at(-1) ?? 1)
      lengths.push(nextBatch(records, at, limits).length);
    expect(lengths).toEqual(expected);
  });

  it('leaves nothing out, is within the limits unless it is one record, and as large as it may be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 40 }),
        (sizes, maxRecords, maxBytes) => {
          const records = sized(...sizes);
          const sizeOf = (some: readonly UserRecord[]): number => some.reduce((sum, { data }) => sum + data.length, 0);
          const all: UserRecord[] = [];
          while (all.length < records.length) {
            const next = nextBatch(records, all.length, { maxRecords, maxBytes });
            expect(next.length).toBeGreaterThan(0);
            expect(next.length).toBeLessThanOrEqual(maxRecords);
            if (next.length > 1) expect(sizeOf(next)).toBeLessThanOrEqual(maxBytes);
            all.push(...next);
            const [following] = records.slice(all.length);
            if (following === undefined) continue;
            expect(next.length === maxRecords || sizeOf([...next, following]) > maxBytes).toBe(true);
          }
          expect(all).toEqual(records);
        },
      ),
    );
  });
});

describe('batches of a shard', () => {
  it('are within the limits, and each is acknowledged by itself', async () => {
    const processor = new LoggingProcessor();
    const source = feed(batch(aRecord(1), aRecord(2), aRecord(3, bytes('large')), aRecord(4)), batch(aRecord(5)));
    const { consumer, clock, lease } = aConsumer(processor, source, { batch: { maxRecords: 2, maxBytes: 4 } });
    const done = consumer.run();
    await clock.advance(1);
    expect(processor.log).toEqual(['initialize', 'process r1,r2', 'process large', 'process r4', 'process r5']);
    expect(lease.stored.map((stored) => 'sequenceNumber' in stored && stored.sequenceNumber)).toEqual([
      '2',
      '3',
      '4',
      '5',
    ]);
    consumer.drain();
    await done;
  });
});
