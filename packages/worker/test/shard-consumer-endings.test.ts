import { describe, expect, it } from '@jest/globals';
import { checkpointAt, SHARD_END, StreamNotFoundError } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import type { ProcessRecordsInput, RecordProcessor } from '../src';
import { aConsumer, aRecord, batch, feed, LoggingProcessor, shardEnd, type Feed } from './support/a-consumer';

describe('ShardConsumer', () => {
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

  it.each([
    { failures: 2, stored: ['store 1'] },
    { failures: 100, stored: [] },
  ])('gives the lease up after storing what is acknowledged, or $failures failures', async ({ failures, stored }) => {
    const processor = new LoggingProcessor();
    processor.onRecords = () => undefined;
    const { consumer, lease, log, clock } = aConsumer(processor, feed(batch(aRecord(1))), {
      checkpointing: 'automatic',
      checkpointIntervalMs: 3_600_000,
    });
    const done = consumer.run();
    await settle();
    lease.failures = failures;
    lease.requestHandover();
    await clock.advance(60_000);
    await done;
    expect(log).toEqual([...stored, 'release']);
  });

  it('that is cut short tells the call under way, and waits for it, before it gives the lease up', async () => {
    const processor = new LoggingProcessor();
    const { consumer, log } = aConsumer(processor, feed(batch(aRecord(1), aRecord(2)), batch(aRecord(3))));
    processor.log = log;
    let finish = (): void => undefined;
    processor.onRecords = async ({ checkpointer, records, signal }) => {
      await checkpointer.checkpoint(records[0]);
      await new Promise<void>((resolve) => {
        finish = resolve;
        signal.addEventListener('abort', () => log.push('told'), { once: true });
      });
      throw new Error('cut short');
    };
    const done = consumer.run();
    await settle();
    consumer.cutShort();
    await settle();
    expect(log).toEqual(['initialize', 'process r1,r2', 'store 1', 'told']);
    finish();
    await done;
    expect(log.slice(4)).toEqual(['shutdownRequested stop', 'release']);
    expect(consumer.unfinished).toEqual({
      shardId: 'shardId-000000000000',
      inFlight: undefined,
      unacknowledged: {
        after: checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 }),
        upTo: { sequenceNumber: '2', subSequenceNumber: 0 },
      },
    });
  });

  it('that is abandoned says at what it was, also when that settles later', async () => {
    const processor = new LoggingProcessor();
    let finish = (): void => undefined;
    processor.onRecords = () => new Promise((resolve) => (finish = resolve));
    const { consumer } = aConsumer(processor, feed(batch(aRecord(1))));
    const done = consumer.run();
    await settle();
    expect(consumer.state).toBe('processing');
    consumer.abandon();
    finish();
    await done;
    expect(consumer.unfinished?.inFlight).toBe('processRecords');
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

  it.each(['all stored', 'a checkpoint that hangs'])(
    'leaves no timer to a call that never ends, with %s',
    async (which) => {
      const processor = new LoggingProcessor();
      let calls = 0;
      processor.onRecords = () => (++calls === 1 ? undefined : new Promise<void>(() => undefined));
      const { consumer, lease, clock } = aConsumer(processor, feed(batch(aRecord(1)), batch(aRecord(2))), {
        checkpointing: 'automatic',
        checkpointIntervalMs: 5_000,
      });
      if (which === 'a checkpoint that hangs') lease.hanging.add('checkpoint');
      void consumer.run();
      await clock.advance(12_000);
      expect(calls).toBe(2);
      consumer.abandon();
      await settle();
      expect(clock.sleeperCount).toBe(0);
    },
  );

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
});
