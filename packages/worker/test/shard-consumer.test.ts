import { describe, expect, it } from '@jest/globals';
import { checkpointAt, SHARD_END, StreamNotFoundError, type UserRecord } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { ProcessRecordsInput, RecordProcessor } from '../src';
import { aConsumer, aRecord, batch, bytes, feed, LoggingProcessor, shardEnd, type Feed } from './support/a-consumer';

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

  it('creates the children before it stores shard end, after shardEnded, checkpointed or not', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = () => undefined;
    const { consumer, lease, log, events } = aConsumer(processor, feed(batch(aRecord(1)), shardEnd));
    processor.log = log;
    await consumer.run();
    expect(log).toEqual(['initialize', 'process r1', 'shardEnded', 'children child', 'store shard-end', 'release']);
    expect(lease.stored).toEqual([SHARD_END]);
    expect(consumer.state).toBe('ended');
    expect(events.map(({ name }) => name)).toContain('shardEnded');
  });

  it('does not pass shard end while shardEnded or the creation of children fails', async () => {
    const processor = new LoggingProcessor();
    let failures = 2;
    const log: string[] = [];
    processor.shardEnded = () => {
      log.push('shardEnded');
      if (failures-- > 0) throw new Error('cannot flush');
    };
    let childFailures = 1;
    const { consumer, clock, lease } = aConsumer(processor, feed(shardEnd), {
      createChildren: async () => {
        log.push('children');
        if (childFailures-- > 0) throw new Error('throttled');
      },
    });
    lease.failures = 1;
    const done = consumer.run();
    await clock.advance(60_000);
    await done;
    expect(log).toEqual(['shardEnded', 'shardEnded', 'shardEnded', 'children', 'children']);
    expect(lease.stored).toEqual([SHARD_END]);
  });

  it('leaves out the part of an aggregate that was acknowledged before', async () => {
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

  it('waits for the call under way before it gives the lease up, and says that it was a hand-over', async () => {
    const processor = new LoggingProcessor();
    let finish = (): void => undefined;
    processor.onRecords = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const { consumer, lease, log, clock } = aConsumer(processor, feed(batch(aRecord(1)), batch(aRecord(2))));
    processor.log = log;
    const done = consumer.run();
    await settle();
    lease.requestHandover();
    await clock.advance(60_000);
    expect(log).toEqual(['initialize', 'process r1']);
    finish();
    await done;
    expect(log).toEqual(['initialize', 'process r1', 'shutdownRequested handover', 'release']);
  });

  it('acknowledges no batch that failed by a checkpoint without an argument in shutdownRequested', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = ({ records }) => {
      if (records[0]?.sequenceNumber === '2') throw new Error('no');
    };
    const { consumer, clock, lease } = aConsumer(
      Object.assign(processor, {
        shutdownRequested: ({ checkpointer }: ProcessRecordsInput) => checkpointer.checkpoint(),
      }),
      feed(batch(aRecord(1)), batch(aRecord(2))),
    );
    const done = consumer.run();
    await clock.advance(10_000);
    consumer.drain();
    await done;
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 })]);
  });

  it('gives the lease up even when shutdownRequested fails', async () => {
    const processor = new LoggingProcessor();
    processor.shutdownRequested = () => {
      throw new Error('no');
    };
    const { consumer, lease } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await settle();
    consumer.drain();
    await done;
    expect(lease.releaseCount).toBe(1);
  });

  it('aborts the signal of the processor when the lease expires, and writes nothing once it is lost', async () => {
    const processor = new LoggingProcessor();
    let aborted = false;
    let refused: unknown;
    processor.onRecords = async ({ signal, checkpointer }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      aborted = true;
      refused = await checkpointer.checkpoint().catch((error: unknown) => error);
    };
    const { consumer, lease, log } = aConsumer(processor, feed(batch(aRecord(1)), batch(aRecord(2))));
    processor.log = log;
    const done = consumer.run();
    await settle();
    lease.lose();
    await done;
    expect(aborted).toBe(true);
    expect(refused).toMatchObject({ code: 'LEASE_LOST', stored: 'no' });
    expect(log).toEqual(['initialize', 'process r1', 'leaseLost']);
    expect(lease.releaseCount).toBe(0);
    expect(consumer.state).toBe('lost');
  });

  it('delivers nothing while the lease is not certain', async () => {
    const processor = new LoggingProcessor();
    const { consumer, lease, clock } = aConsumer(processor, feed(batch(aRecord(1))));
    lease.held = false;
    const done = consumer.run();
    await clock.advance(60_000);
    expect(processor.log).toEqual([]);
    lease.lose();
    await done;
    expect(processor.log).toEqual([]);
  });

  it('abandons a processor that does not finish: its signal aborts and the lease is left alone', async () => {
    const processor = new LoggingProcessor();
    processor.onRecords = ({ signal }) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const { consumer, lease } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await settle();
    consumer.drain();
    await settle();
    consumer.abandon();
    await done;
    expect(lease.releaseCount).toBe(0);
    expect(lease.stored).toEqual([]);
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

  it.each(['shardEnded', 'createChildren'] as const)(
    'stores shard end, and calls nothing else, when a stop arrives during %s',
    async (step) => {
      const processor = new LoggingProcessor();
      let goOn = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const waitIn = async (name: string): Promise<void> => {
        if (name === step) await held;
        processor.log.push(name);
      };
      processor.onRecords = () => undefined;
      processor.shardEnded = () => waitIn('shardEnded') as never;
      const { consumer, log, lease } = aConsumer(processor, feed(batch(aRecord(1)), shardEnd), {
        createChildren: () => waitIn('createChildren'),
      });
      processor.log = log;
      const done = consumer.run();
      await settle();
      consumer.drain();
      await settle();
      goOn();
      await done;
      expect(log).toEqual(['initialize', 'process r1', 'shardEnded', 'createChildren', 'store shard-end', 'release']);
      expect(lease.stored).toEqual([SHARD_END]);
      expect(consumer.state).toBe('ended');
    },
  );

  it('waits at shard end for the last acknowledgement of a processor without shardEnded, and says so', async () => {
    let acknowledge: () => Promise<void> = async () => undefined;
    const processor: RecordProcessor = {
      processRecords: ({ checkpointer }) => {
        acknowledge = () => checkpointer.checkpoint();
      },
    };
    const { consumer, clock, lease, logger } = aConsumer(processor, feed(batch(aRecord(1)), shardEnd));
    const done = consumer.run();
    await clock.advance(120_000);
    expect(lease.stored).toEqual([]);
    expect(consumer.problem).toBe('shardEnded fails');
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', message: 'step failed, it will be repeated' });
    await acknowledge();
    await clock.advance(60_000);
    await done;
    expect(lease.stored.at(-1)).toEqual(SHARD_END);
    expect(consumer.problem).toBeUndefined();
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

  it('lets the processor flush, and gives the lease up, before a fault that ends the worker', async () => {
    const processor = new LoggingProcessor();
    const source: Feed = async function* () {
      yield batch(aRecord(1));
      throw new StreamNotFoundError('flights');
    };
    const { consumer, log } = aConsumer(processor, source);
    processor.log = log;
    await expect(consumer.run()).rejects.toThrow(StreamNotFoundError);
    expect(log).toEqual(['initialize', 'process r1', 'store 1', 'shutdownRequested stop', 'release']);
  });

  it('calls nothing of a processor that has resolved shardEnded, when a fault then ends the worker', async () => {
    const processor = new LoggingProcessor();
    const { consumer, log } = aConsumer(processor, feed(shardEnd), {
      createChildren: () => Promise.reject(new StreamNotFoundError('flights')),
    });
    processor.log = log;
    await expect(consumer.run()).rejects.toThrow(StreamNotFoundError);
    expect(log).toEqual(['initialize', 'shardEnded', 'release']);
  });

  it('rejects with a fault that ends the worker', async () => {
    const source: Feed = async function* () {
      yield batch();
      throw new StreamNotFoundError('flights');
    };
    const { consumer } = aConsumer(new LoggingProcessor(), source);
    await expect(consumer.run()).rejects.toThrow(StreamNotFoundError);
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
