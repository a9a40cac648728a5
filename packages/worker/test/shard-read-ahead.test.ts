import { describe, expect, it } from '@jest/globals';
import { StreamNotFoundError, type StreamRecord } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { MemoryBudget, type RecordBatch } from '@millrace/record-fetcher';
import type { ProcessRecordInput } from '../src';
import { aConsumer, aRecord, batch, feed, LoggingProcessor, shardEnd, type Feed } from './support/a-consumer';

const stallTimeoutMs = 60_000;

/** A processor whose calls end when the test says so. */
class Gated extends LoggingProcessor {
  finish = (): void => undefined;
  fail = (): void => undefined;

  override onRecords = (): Promise<void> =>
    new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = () => reject(new Error('no'));
    });
}

/** Counts the batches that it has given. */
function counting(source: Feed): Feed & { given: number } {
  const counted: Feed & { given: number } = Object.assign(
    async function* (...args: Parameters<Feed>) {
      for await (const next of source(...args)) {
        counted.given++;
        yield next;
      }
    },
    { given: 0 },
  );
  return counted;
}

function gated(source: Feed, changes: Parameters<typeof aConsumer>[2] = {}) {
  const processor = new Gated();
  const counted = counting(source);
  const made = aConsumer(processor, counted, {
    ...{ readAheadPages: 1, checkpointing: 'automatic', stallTimeoutMs },
    ...changes,
  });
  processor.log = made.log;
  return { ...made, processor, counted, done: made.consumer.run() };
}

const pages = (...sizes: number[]): RecordBatch[] => {
  let next = 1;
  return sizes.map((size) => batch(...Array.from({ length: size }, () => aRecord(next++))));
};

describe('while the user’s code has a batch', () => {
  it.each([0, 1, 2, 4])('no more than %d are read ahead, and come in their order', async (readAheadPages) => {
    const { processor, counted, consumer, done } = gated(feed(...pages(1, 1, 1, 1, 1, 1)), { readAheadPages });
    await settle();
    expect(counted.given).toBe(1 + readAheadPages);
    expect(processor.log).toEqual(['initialize', 'process r1']);
    for (let left = 6; left > 0; left--) {
      processor.finish();
      await settle();
    }
    expect(processor.seen).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
    consumer.drain();
    await done;
  });

  it('what was read ahead counts for nothing: it is dropped at a stop, and is neither stored nor said to be unfinished', async () => {
    const { processor, counted, consumer, lease, done } = gated(feed(...pages(2, 2, 2)));
    await settle();
    consumer.drain();
    await settle();
    processor.finish();
    await done;
    expect(counted.given).toBe(2);
    expect(processor.seen).toEqual(['r1', 'r2']);
    expect(lease.stored.at(-1)).toMatchObject({ sequenceNumber: '2' });
    expect(consumer.unfinished).toBeUndefined();
  });

  it('a fault of reading neither loses nor repeats what was read, and reading begins again behind it', async () => {
    let opened = 0;
    const source: Feed = async function* (start, signal, listener) {
      if (opened++ === 0) {
        yield* pages(2);
        throw new Error('fault');
      }
      // Begins at the record, as Kinesis does.
      yield batch(aRecord(2), aRecord(3));
      yield* feed()(start, signal, listener);
    };
    const { processor, clock, starts, consumer, done, log } = gated(source);
    await settle();
    expect(log).toEqual(['initialize', 'process r1,r2']);
    await clock.advance(5_000);
    expect(starts.slice(1)).toEqual([{ kind: 'at-sequence-number', sequenceNumber: '2' }]);
    expect(log).toEqual(['initialize', 'process r1,r2']);
    processor.finish();
    await settle();
    processor.finish();
    await settle();
    expect(processor.seen).toEqual(['r1', 'r2', 'r3']);
    consumer.drain();
    await done;
  });

  it('a fault that ends the worker waits for the call, and begins none behind it', async () => {
    const source: Feed = async function* () {
      yield* pages(1, 1);
      throw new StreamNotFoundError('flights');
    };
    const { processor, consumer, done, log } = gated(source, { readAheadPages: 2 });
    let outcome: unknown;
    done.catch((error: unknown) => (outcome = error));
    await settle();
    expect([outcome, consumer.state]).toEqual([undefined, 'processing']);
    processor.finish();
    await settle();
    expect(outcome).toMatchObject({ code: 'STREAM_NOT_FOUND' });
    expect(log).toEqual(['initialize', 'process r1', 'shutdownRequested stop', 'store 1', 'release']);
  });

  it('a source that shows no sign of life is a stall, and reading begins again behind what was read', async () => {
    const { processor, clock, starts, events, consumer, done } = gated(feed(...pages(1)));
    await clock.advance(stallTimeoutMs);
    expect(events.map(({ name }) => name)).toContain('shardStalled');
    expect(starts.slice(1)).toEqual([{ kind: 'at-sequence-number', sequenceNumber: '1' }]);
    processor.finish();
    consumer.drain();
    await done;
    expect(processor.seen).toEqual(['r1']);
  });

  it('a full store of what was read ahead is no stall, however long it takes', async () => {
    const { processor, clock, starts, events, consumer, done } = gated(feed(...pages(1, 1, 1)));
    await clock.advance(10 * stallTimeoutMs);
    expect(starts).toHaveLength(1);
    expect(events.filter(({ name }) => name === 'shardStalled')).toEqual([]);
    consumer.drain();
    processor.finish();
    await done;
  });

  it('the end of the shard waits until all is dealt with', async () => {
    const { processor, clock, consumer, log, done } = gated(feed(...pages(1, 1), shardEnd), { readAheadPages: 4 });
    await settle();
    processor.fail();
    await clock.advance(1_000);
    expect(log).not.toContain('shardEnded');
    for (let left = 2; left > 0; left--) {
      processor.finish();
      await settle();
    }
    await done;
    expect(log.slice(-4)).toEqual(['shardEnded', 'children child', 'store shard-end', 'release']);
    expect(consumer.state).toBe('ended');
  });

  it('a batch that comes late from a source that was left behind is not handed over, and its memory is released', async () => {
    const budget = new MemoryBudget(1_000);
    const share = budget.open();
    let late = (): void => undefined;
    let opened = 0;
    const source: Feed = async function* (start, signal, listener) {
      if (opened++ === 0) {
        await new Promise<void>((resolve) => (late = resolve));
        const memory = await share.reserve({ least: 100, most: 100 }, new AbortController().signal);
        yield { kind: 'records', records: [aRecord(1)], millisBehindLatest: 0, memory };
      }
      yield* feed()(start, signal, listener);
    };
    const { processor, clock, consumer, done } = gated(source);
    await clock.advance(stallTimeoutMs);
    late();
    await settle();
    expect([opened, processor.seen, budget.usedBytes]).toEqual([2, [], 0]);
    consumer.drain();
    await done;
  });

  it('empty batches are no reason to read no further, and the last of them tells how far behind the shard is', async () => {
    const behind = (millisBehindLatest: number): RecordBatch => ({ kind: 'records', records: [], millisBehindLatest });
    const { processor, counted, clock, consumer, done } = gated(
      feed(...pages(1), behind(3), behind(2), behind(1), batch(aRecord(2)), batch(aRecord(3))),
    );
    await clock.advance(1_000);
    // By then the first batch is a second older than it was.
    expect([counted.given, consumer.millisBehindLatest]).toEqual([5, 1_040]);
    processor.finish();
    await clock.advance(1_000);
    // It was read two seconds ago.
    expect(consumer.millisBehindLatest).toBe(2_040);
    expect(processor.inputs.at(-1)?.millisBehindLatest).toBe(40);
    processor.finish();
    consumer.drain();
    await done;
  });
});

describe('the memory of what was read', () => {
  const withMemory = (budget: MemoryBudget, all: readonly (readonly StreamRecord[])[]): Feed => {
    const share = budget.open();
    return async function* (start, signal, listener) {
      for (const records of all) {
        const memory = await share.reserve({ least: 100, most: 100 }, signal);
        yield { kind: 'records', records, millisBehindLatest: 0, memory };
      }
      yield* feed()(start, signal, listener);
    };
  };

  it('is released batch by batch, when each is dealt with', async () => {
    const budget = new MemoryBudget(1_000);
    const { processor, consumer, done } = gated(withMemory(budget, [[aRecord(1)], [aRecord(2)], [aRecord(3)]]));
    const used: number[] = [];
    for (let left = 4; left > 0; left--) {
      await settle();
      used.push(budget.usedBytes);
      processor.finish();
    }
    expect(used).toEqual([200, 200, 100, 0]);
    consumer.drain();
    await done;
  });

  it('is released at a stop: what was read ahead at once, what is in hand when the call has ended', async () => {
    const budget = new MemoryBudget(1_000);
    const { processor, consumer, done } = gated(withMemory(budget, [[aRecord(1)], [aRecord(2)], [aRecord(3)]]));
    await settle();
    expect(budget.usedBytes).toBe(200);
    consumer.drain();
    await settle();
    expect(budget.usedBytes).toBe(100);
    processor.finish();
    await done;
    await settle();
    expect(budget.usedBytes).toBe(0);
  });

  it('is released for records that were dealt with before, and come again', async () => {
    const budget = new MemoryBudget(1_000);
    const { processor, consumer, done } = gated(withMemory(budget, [[aRecord(1)], [aRecord(1)]]));
    await settle();
    processor.finish();
    await settle();
    expect([processor.seen, budget.usedBytes]).toEqual([['r1'], 0]);
    consumer.drain();
    await done;
  });

  it('is held by single records until all of their batch, and of those before it, are done with', async () => {
    const budget = new MemoryBudget(1_000);
    const calls = new Map<string, () => void>();
    const keyed = (number: number): StreamRecord => aRecord(number, undefined, `key ${number}`);
    const source = withMemory(budget, [[keyed(1), keyed(2)], [keyed(3)], [keyed(4)]]);
    const processRecord = ({ record }: ProcessRecordInput): Promise<void> =>
      new Promise((resolve) => calls.set(record.sequenceNumber, resolve));
    const { consumer, clock } = aConsumer({ processRecord }, source, {
      concurrency: { by: 'partitionKey', maxInFlight: 10, maxAhead: 10 },
    });
    const done = consumer.run();
    await settle();
    const used = [budget.usedBytes];
    for (const number of ['2', '3', '1', '4']) {
      calls.get(number)?.();
      await clock.advance(0);
      used.push(budget.usedBytes);
    }
    expect(used).toEqual([300, 300, 300, 100, 0]);
    consumer.drain();
    await done;
  });
});
