import { describe, expect, it } from '@jest/globals';
import { checkpointAt, SHARD_END, type HashKeyRange } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { RecordBatch } from '@millrace/record-fetcher';
import { aConsumer, aRecord, batch, bytes, feed, LoggingProcessor, shardEnd } from './support/a-consumer';

// What other consumers of Kinesis got wrong about records and checkpoints. The numbers are those of our list of their traps.

const packed = (...texts: readonly string[]): Uint8Array =>
  aggregate(texts.map((text) => ({ partitionKey: 'key', data: bytes(text) })));

describe('the traps that others fell into', () => {
  it.each(['automatic', 'manual'] as const)(
    'trap 7: a checkpoint that counts stream records after they were opened. In %s mode it is the last user record of the call',
    async (checkpointing) => {
      const processor = new LoggingProcessor();
      if (checkpointing === 'automatic') processor.onRecords = () => undefined;
      const records = [aRecord(4), aRecord(5, packed('a', 'b', 'c')), aRecord(6, packed('d', 'e', 'f', 'g'))];
      const { consumer, clock, lease } = aConsumer(processor, feed(batch(...records)), { checkpointing });
      const done = consumer.run();
      await clock.advance(1_500);
      expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '6', subSequenceNumber: 3 })]);
      consumer.drain();
      await done;
      expect(processor.seen).toEqual(['r4', 'a', 'b', 'c', 'd', 'e', 'f', 'g']);
    },
  );

  it('trap 8: a checkpoint of a sequence number alone, which skips the tail of an aggregate. What was acknowledged of it is left out, and no more', async () => {
    const processor = new LoggingProcessor();
    const data = aggregate([0, 1, 2, 3].map((index) => ({ partitionKey: 'key', data: bytes(`sub${index}`) })));
    const { consumer, starts } = aConsumer(processor, feed(batch(aRecord(5, data), aRecord(6))), {
      checkpoint: checkpointAt({ sequenceNumber: '5', subSequenceNumber: 1 }),
    });
    const done = consumer.run();
    await settle();
    consumer.drain();
    await done;
    expect(starts).toEqual([{ kind: 'at-sequence-number', sequenceNumber: '5' }]);
    expect(processor.seen).toEqual(['sub2', 'sub3', 'r6']);
  });

  it('trap 10: records in parallel, acknowledged out of order. Nothing of a call is stored, and no other begins, before all of it is done', async () => {
    const processor = new LoggingProcessor();
    const finish = new Map<string, () => void>();
    processor.onRecords = async ({ records }) => {
      await Promise.all(
        records.map(({ sequenceNumber }) => new Promise<void>((resolve) => finish.set(sequenceNumber, resolve))),
      );
    };
    const batches = [batch(aRecord(1), aRecord(2), aRecord(3)), batch(aRecord(4))];
    const { consumer, clock, lease, log } = aConsumer(processor, feed(...batches), { checkpointing: 'automatic' });
    processor.log = log;
    const done = consumer.run();
    await settle();
    for (const last of ['3', '2']) {
      finish.get(last)?.();
      await clock.advance(60_000);
      expect(log).toEqual(['initialize', 'process r1,r2,r3']);
    }
    finish.get('1')?.();
    await clock.advance(1_500);
    expect(log).toEqual(['initialize', 'process r1,r2,r3', 'process r4', 'store 3']);
    finish.get('4')?.();
    await settle();
    consumer.drain();
    await done;
    expect(lease.stored.at(-1)).toEqual(checkpointAt({ sequenceNumber: '4', subSequenceNumber: 0 }));
  });

  describe('trap 17: an aggregate whose user records are all out of the shard’s range.', () => {
    const hashKeyRange: HashKeyRange = { start: '0', end: String(2n ** 127n - 1n) };
    const outOfRange = { partitionKey: 'x', explicitHashKey: String(2n ** 127n), data: bytes('elsewhere') };
    const foreign = (sequenceNumber: number): RecordBatch =>
      batch({ ...aRecord(sequenceNumber, aggregate([outOfRange, outOfRange])), partitionKey: 'a' });

    it('No processor is given an empty batch, what follows is delivered, and the records are counted', async () => {
      const processor = new LoggingProcessor();
      const source = feed(foreign(1), batch(aRecord(2)), foreign(3), shardEnd);
      const { consumer, log, events } = aConsumer(processor, source, { aggregation: { hashKeyRange } });
      processor.log = log;
      await consumer.run();
      const ending = ['shardEnded', 'children child', 'store shard-end', 'release'];
      expect(log).toEqual(['initialize', 'process r2', 'store 2', ...ending]);
      const counted = events.filter(({ name }) => name === 'recordsDeaggregated').map(({ payload }) => payload);
      expect(counted).toMatchObject(Array(2).fill({ counts: { aggregates: 1, outOfRangeDropped: 2 } }));
    });

    it('A shard that holds nothing else is read to its end', async () => {
      const processor = new LoggingProcessor();
      const { consumer, lease } = aConsumer(processor, feed(foreign(1), shardEnd), { aggregation: { hashKeyRange } });
      await consumer.run();
      expect(processor.inputs).toEqual([]);
      expect(lease.stored).toEqual([SHARD_END]);
      expect(consumer.state).toBe('ended');
    });
  });
});
