import { describe, expect, it } from '@jest/globals';
import { BatchLimits } from '../src/batch-limits';
import { aConsumer, aRecord, batch, feed, LoggingProcessor } from './support/a-consumer';

const shardId = 'shardId-000000000000';

describe('BatchLimits', () => {
  it('halves what is handed over for each block, down to one record, for that shard only', () => {
    const limits = new BatchLimits();
    expect(limits.of(shardId)).toBe(Infinity);
    const halves = [5_000, 2_500, 1_250].map((records) => {
      limits.blocked(shardId, records);
      return limits.of(shardId);
    });
    expect(halves).toEqual([2_500, 1_250, 625]);
    for (let block = 0; block < 12; block++) limits.blocked(shardId, 625);
    limits.blocked(shardId, 1);
    expect(limits.of(shardId)).toBe(1);
    expect(limits.of('another')).toBe(Infinity);
  });

  it('is raised by a quarter after twenty quiet batches, and lifted in the end', () => {
    const limits = new BatchLimits();
    limits.blocked(shardId, 200);
    for (let quiet = 0; quiet < 19; quiet++) limits.ended(shardId);
    expect(limits.of(shardId)).toBe(100);
    limits.ended(shardId);
    expect(limits.of(shardId)).toBe(125);
    for (let quiet = 0; quiet < 20 * 20; quiet++) limits.ended(shardId);
    expect(limits.of(shardId)).toBe(Infinity);
  });

  it('holds for the batches of a shard: what was read is handed over in pieces, each of which can be acknowledged', async () => {
    const processor = new LoggingProcessor();
    const batchLimits = new BatchLimits();
    batchLimits.blocked(shardId, 4);
    const records = [1, 2, 3, 4, 5].map((number) => aRecord(number));
    const { consumer, clock, lease } = aConsumer(processor, feed(batch(...records)), { batchLimits });
    const done = consumer.run();
    await clock.advance(1_000);
    expect(processor.log).toEqual(['initialize', 'process r1,r2', 'process r3,r4', 'process r5']);
    expect(lease.stored.at(-1)).toMatchObject({ sequenceNumber: '5' });
    consumer.drain();
    await done;
  });
});
