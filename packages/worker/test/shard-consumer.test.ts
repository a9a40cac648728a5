import { describe, expect, it } from '@jest/globals';
import { checkpointAt, type UserRecord } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import type { RecordProcessor } from '../src';
import { aConsumer, aRecord, batch, feed, LoggingProcessor, type Feed } from './support/a-consumer';

describe('ShardConsumer', () => {
  it('initializes, hands records over, and gives the lease up after shutdownRequested', async () => {
    const processor = new LoggingProcessor();
    const { consumer, lease, log } = aConsumer(processor, feed(batch(aRecord(1), aRecord(2)), batch(aRecord(3))));
    processor.log = log;
    const done = consumer.run();
    await settle();
    consumer.drain();
    await done;
    expect(log).toEqual([
      'initialize',
      'process r1,r2',
      'store 2',
      'process r3',
      'store 3',
      'shutdownRequested stop',
      'release',
    ]);
    expect(consumer.state).toBe('released');
    expect(lease.releaseCount).toBe(1);
  });

  it('tells the processor its fencing token, the lag, and never gives it an empty batch', async () => {
    const processor = new LoggingProcessor();
    const { consumer } = aConsumer(processor, feed(batch(), batch(aRecord(1)), batch()));
    const done = consumer.run();
    await settle();
    consumer.drain();
    await done;
    expect(processor.inputs).toHaveLength(1);
    expect(processor.inputs[0]).toMatchObject({ lease: { fencingToken: 7 }, millisBehindLatest: 40 });
  });

  it('hands the rest over again, from behind the last acknowledged record, when the processor fails', async () => {
    const processor = new LoggingProcessor();
    let failed = false;
    processor.onRecords = async ({ records, checkpointer }) => {
      if (failed) return;
      failed = true;
      await checkpointer.checkpoint(records[1]);
      throw new Error('no');
    };
    const { consumer, clock, lease, log, events } = aConsumer(
      processor,
      feed(batch(aRecord(1), aRecord(2), aRecord(3)), batch(aRecord(4))),
    );
    processor.log = log;
    const done = consumer.run();
    await clock.advance(1_000);
    consumer.drain();
    await done;
    expect(log.filter((line) => line.startsWith('process'))).toEqual(['process r1,r2,r3', 'process r3', 'process r4']);
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '2', subSequenceNumber: 0 })]);
    expect(events.filter(({ name }) => name === 'processingFailed')).toHaveLength(1);
  });

  it('stores nothing by itself when records are acknowledged by hand', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = () => undefined;
    const { consumer, clock, lease } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await clock.advance(60_000);
    consumer.drain();
    await done;
    expect(lease.stored).toEqual([]);
  });

  it('stores resolved batches at the interval, and on the way out, in automatic mode', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = () => undefined;
    let more = (): void => undefined;
    const source: Feed = async function* (_, signal, listener) {
      yield batch(aRecord(1));
      yield batch(aRecord(2));
      await new Promise<void>((resolve) => {
        more = resolve;
      });
      yield batch(aRecord(3));
      yield* feed()({ kind: 'trim-horizon' }, signal, listener);
    };
    const { consumer, clock, lease } = aConsumer(processor, source, { checkpointing: 'automatic' });
    const done = consumer.run();
    await clock.advance(1_500);
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '2', subSequenceNumber: 0 })]);
    more();
    await settle();
    consumer.drain();
    await done;
    expect(lease.stored).toHaveLength(2);
    expect(lease.stored[1]).toEqual(checkpointAt({ sequenceNumber: '3', subSequenceNumber: 0 }));
  });

  it('opens the source again from the last record handed over, and skips and repeats nothing', async () => {
    const processor = new LoggingProcessor();
    let opened = 0;
    const source: Feed = async function* (start, signal, listener) {
      opened++;
      if (opened === 1) {
        yield batch(aRecord(1), aRecord(2));
        throw new Error('cannot be read');
      }
      // The source starts at, not after, the position.
      yield batch(aRecord(2), aRecord(3));
      yield* feed()(start, signal, listener);
    };
    const { consumer, clock, starts, events, logger } = aConsumer(processor, source);
    const done = consumer.run();
    await clock.advance(5_000);
    consumer.drain();
    await done;
    expect(processor.seen).toEqual(['r1', 'r2', 'r3']);
    expect(starts).toEqual([{ kind: 'trim-horizon' }, { kind: 'at-sequence-number', sequenceNumber: '2' }]);
    expect(events.filter(({ name }) => name === 'shardFailed')).toHaveLength(1);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('keeps the rest of a batch whose array the processor has emptied before it failed', async () => {
    const processor = new LoggingProcessor();
    let failures = 1;
    const seen: number[] = [];
    processor.processRecords = async ({ records }) => {
      const taken = (records as UserRecord[]).splice(0);
      seen.push(taken.length);
      if (failures-- > 0) throw new Error('no');
    };
    const { consumer, clock, events } = aConsumer(processor, feed(batch(aRecord(1), aRecord(2))));
    const done = consumer.run();
    await clock.advance(5_000);
    consumer.drain();
    await done;
    expect(seen).toEqual([2, 2]);
    expect(events.find(({ name }) => name === 'recordsProcessed')?.payload).toMatchObject({ recordCount: 2 });
  });

  it('has a problem while the shard cannot be read, and none after the next answer', async () => {
    let opened = 0;
    const source: Feed = async function* (start, signal, listener) {
      if (opened++ === 0) throw new Error('cannot be read');
      yield batch(aRecord(1));
      yield* feed()(start, signal, listener);
    };
    const { consumer, clock } = aConsumer(new LoggingProcessor(), source);
    const done = consumer.run();
    await settle();
    expect(consumer.problem).toBe('the shard cannot be read');
    await clock.advance(5_000);
    expect(consumer.problem).toBeUndefined();
    consumer.drain();
    await done;
  });

  it('counts the time that a batch has been in hand as lag', async () => {
    const processor = new LoggingProcessor();
    let finish = (): void => undefined;
    processor.onRecords = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const { consumer, clock } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await clock.advance(60_000);
    expect(consumer.millisBehindLatest).toBe(60_040);
    finish();
    await settle();
    expect(consumer.millisBehindLatest).toBe(40);
    consumer.drain();
    await done;
  });

  it.each([
    [
      'throws',
      (): RecordProcessor => {
        throw new Error('no');
      },
    ],
    ['gives no processor', () => ({}) as RecordProcessor],
  ])('tries a factory again that %s', async (_, broken) => {
    const processor = new LoggingProcessor();
    let calls = 0;
    const { consumer, clock } = aConsumer(processor, feed(batch(aRecord(1))), {
      createProcessor: () => {
        if (calls++ === 0) return broken();
        return processor;
      },
    });
    const done = consumer.run();
    await clock.advance(5_000);
    consumer.drain();
    await done;
    expect(calls).toBe(2);
    expect(processor.seen).toEqual(['r1']);
  });

  it('tries initialize again, and calls nothing else of a processor that never was initialized', async () => {
    const processor = new LoggingProcessor();
    let attempts = 0;
    processor.initialize = () => {
      attempts++;
      throw new Error('database is down');
    };
    const { consumer, lease, clock } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await clock.advance(60_000);
    consumer.drain();
    await done;
    expect(attempts).toBeGreaterThan(2);
    expect(processor.log).toEqual([]);
    expect(lease.releaseCount).toBe(1);
  });
});
