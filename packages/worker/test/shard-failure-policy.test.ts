import { describe, expect, it } from '@jest/globals';
import { checkpointAt } from '@millrace/core';
import { RecordFailedError, type DeadLetter } from '../src';
import { aConsumer, aRecord, batch, feed, LoggingProcessor, shardEnd } from './support/a-consumer';

const three = () => batch(aRecord(1), aRecord(2), aRecord(3));

function failingAt(text: string): LoggingProcessor {
  const processor = new LoggingProcessor();
  processor.onRecords = async ({ records, checkpointer }) => {
    if (records.some(({ data }) => new TextDecoder().decode(data) === text)) throw new Error('no');
    await checkpointer.checkpoint();
  };
  return processor;
}

describe('a record that the processor cannot process', () => {
  it('is skipped, said, and passed by the checkpoint', async () => {
    const processor = failingAt('r2');
    const { consumer, lease, clock, events } = aConsumer(processor, feed(three(), shardEnd), {
      failurePolicy: { kind: 'skip' },
    });
    const done = consumer.run();
    await clock.advance(60_000);
    await done;
    expect(processor.seen).toEqual(['r1', 'r3']);
    expect(events.filter(({ name }) => name === 'recordSkipped').map(({ payload }) => payload)).toEqual([
      expect.objectContaining({ sequenceNumber: '2', subSequenceNumber: 0, reason: 'attempts', attempts: 3 }),
    ]);
    expect(lease.stored.at(-1)).toEqual({ kind: 'shard-end' });
  });

  it('goes to the sink with everything that there is to know', async () => {
    const letters: DeadLetter[] = [];
    const { consumer, clock, events, lease } = aConsumer(failingAt('r3'), feed(three()), {
      failurePolicy: { kind: 'dead-letter', scope: 'record', sink: async (letter) => void letters.push(letter) },
    });
    const done = consumer.run();
    await clock.advance(60_000);
    const shardId = consumer.shardId;
    expect(letters).toEqual([
      {
        id: `arn/${shardId}/3/0`,
        applicationName: 'app',
        streamArn: 'arn',
        workerId: 'worker',
        shardId,
        fencingToken: lease.fencingToken,
        record: expect.objectContaining({ sequenceNumber: '3' }),
        error: new Error('no'),
        reason: 'attempts',
        attempts: 3,
      },
    ]);
    expect(events.filter(({ name }) => name === 'recordDeadLettered')).toHaveLength(1);
    expect(lease.stored.at(-1)).toEqual(checkpointAt({ sequenceNumber: '3', subSequenceNumber: 0 }));
    consumer.drain();
    await done;
  });

  it('is waited for while the sink has it: nothing is read on, and the lease is not given up', async () => {
    let confirm = (): void => undefined;
    const processor = failingAt('r2');
    const { consumer, clock, log } = aConsumer(processor, feed(three(), shardEnd), {
      failurePolicy: {
        kind: 'dead-letter',
        scope: 'record',
        sink: () => new Promise((resolve) => (confirm = resolve)),
      },
    });
    const done = consumer.run();
    await clock.advance(60_000);
    consumer.drain();
    await clock.advance(60_000);
    expect(processor.seen).toEqual(['r1']);
    expect(log).not.toContain('release');
    confirm();
    await done;
    expect(log).toContain('release');
  });

  it('is not passed by the checkpoint of a piece before it', async () => {
    const processor = failingAt('r3');
    const { consumer, clock, lease } = aConsumer(processor, feed(three()), { failurePolicy: { kind: 'bisect' } });
    const done = consumer.run();
    await clock.advance(60_000);
    expect(processor.seen).toEqual(['r1', 'r2']);
    expect(lease.stored.map((checkpoint) => 'sequenceNumber' in checkpoint && checkpoint.sequenceNumber)).toEqual([
      '1',
      '2',
    ]);
    consumer.drain();
    await done;
    expect(lease.stored.at(-1)).toEqual(checkpointAt({ sequenceNumber: '2', subSequenceNumber: 0 }));
  });

  it('is stored as passed without the processor, which has nothing to acknowledge', async () => {
    const { consumer, clock, lease } = aConsumer(failingAt('r1'), feed(batch(aRecord(1))), {
      failurePolicy: { kind: 'skip' },
    });
    const done = consumer.run();
    await clock.advance(60_000);
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 })]);
    consumer.drain();
    await done;
  });

  it('is not skipped because the processor was told to stop', async () => {
    const processor = new LoggingProcessor();
    let fail = (): void => undefined;
    processor.onRecords = () => new Promise((_, reject) => (fail = () => reject(new Error('was told to stop'))));
    const { consumer, clock, lease, events } = aConsumer(processor, feed(batch(aRecord(1))), {
      failurePolicy: { kind: 'skip' },
      retry: { baseDelayMs: 100, maxDelayMs: 1_000, maxAttempts: 1, maxRecordAgeMs: Infinity, maxCrashes: 3 },
    });
    const done = consumer.run();
    await clock.advance(1_000);
    lease.requestHandover();
    lease.expire();
    fail();
    await clock.advance(1_000);
    await done;
    expect(events.filter(({ name }) => name === 'recordSkipped')).toEqual([]);
    expect(lease.stored).toEqual([]);
  });

  it('may be the last that a processor without shardEnded has', async () => {
    const processor = failingAt('r3');
    const withoutShardEnded = { processRecords: processor.processRecords.bind(processor) };
    const { consumer, clock, lease } = aConsumer(withoutShardEnded, feed(three(), shardEnd), {
      failurePolicy: { kind: 'skip' },
    });
    const done = consumer.run();
    await clock.advance(60_000);
    await done;
    expect(lease.stored.at(-1)).toEqual({ kind: 'shard-end' });
  });

  it('acknowledges what came before it if the processor names it, with automatic checkpointing', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = ({ records }) => {
      const failed = records.find(({ sequenceNumber }) => sequenceNumber === '3');
      if (failed !== undefined) throw new RecordFailedError(failed);
    };
    const { consumer, clock, lease } = aConsumer(processor, feed(three()), { checkpointing: 'automatic' });
    const done = consumer.run();
    await clock.advance(10_000);
    expect(lease.stored.at(-1)).toEqual(checkpointAt({ sequenceNumber: '2', subSequenceNumber: 0 }));
    consumer.drain();
    await done;
  });
});
