import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@millrace/core/testing';
import { MemoryBudget } from '@millrace/record-fetcher';
import { ReadAhead } from '../src/read-ahead';
import type { RecordsBatch } from '../src/shard-reading';
import { aRecord } from './support/a-consumer';

const never = new Promise<never>(() => undefined);

/** Batches of one record each, which hold a byte, and what is done with them. */
class Queue {
  readonly budget = new MemoryBudget(100);
  readonly abort = new AbortController();
  readonly log: string[] = [];
  readonly clock = new ManualClock();
  readonly #share = this.budget.open();
  #settle: ((how: 'taken' | 'aborted' | Error) => void)[] = [];
  readonly ahead = new ReadAhead({
    pages: 2,
    take: ({ records, memory }) => {
      this.log.push(`take ${String(records[0]?.sequenceNumber)}`);
      return new Promise((resolve, reject) => {
        this.#settle.push((how) => {
          if (how instanceof Error) reject(how);
          else {
            memory?.release();
            resolve(how);
          }
        });
      });
    },
    nothingRead: ({ millisBehindLatest }) => this.log.push(`nothing, ${millisBehindLatest} ms behind`),
    taken: () => this.log.push('taken'),
    signal: this.abort.signal,
    clock: this.clock,
  });

  async add(number: number): Promise<void> {
    const memory = await this.#share.reserve({ least: 1, most: 1 }, new AbortController().signal);
    const batch: RecordsBatch = { kind: 'records', records: [aRecord(number)], millisBehindLatest: 0, memory };
    this.ahead.add(batch);
  }

  async end(how: 'taken' | 'aborted' | Error): Promise<void> {
    this.#settle.shift()?.(how);
    await settle();
  }
}

describe('what is read ahead', () => {
  it('is taken in its order, and leaves room as it goes', async () => {
    const queue = new Queue();
    for (const number of [1, 2, 3]) await queue.add(number);
    let hasRoom = false;
    void queue.ahead.room().then(() => (hasRoom = true));
    await settle();
    expect([hasRoom, queue.ahead.last]).toEqual([false, '3']);
    await queue.end('taken');
    expect(hasRoom).toBe(true);
    await queue.end('taken');
    await queue.end('taken');
    expect(queue.log).toEqual(['take 1', 'taken', 'take 2', 'taken', 'take 3', 'taken']);
    await expect(queue.ahead.settled()).resolves.toBe('ready');
    expect([queue.ahead.last, queue.budget.usedBytes]).toEqual([undefined, 0]);
  });

  it('leaves no records in a batch that was dealt with, whoever still has it', async () => {
    const queue = new Queue();
    const batch: RecordsBatch = { kind: 'records', records: [aRecord(1)], millisBehindLatest: 0 };
    queue.ahead.add(batch);
    await settle();
    expect([batch.records.length, queue.ahead.last]).toEqual([1, '1']);
    await queue.end('taken');
    expect(batch.records).toEqual([]);
  });

  it('leaves no records in what is dropped', async () => {
    const queue = new Queue();
    const batches = [1, 2, 3].map((number): RecordsBatch => ({
      kind: 'records',
      records: [aRecord(number)],
      millisBehindLatest: 0,
    }));
    for (const batch of batches.slice(0, 2)) queue.ahead.add(batch);
    await queue.end('aborted');
    for (const batch of batches.slice(2)) queue.ahead.add(batch);
    expect(batches.map(({ records }) => records.length)).toEqual([0, 0, 0]);
  });

  it('is dropped behind a batch that could not be dealt with, which interrupts reading, and is told once', async () => {
    const queue = new Queue();
    await queue.add(1);
    await queue.add(2);
    const reading = queue.ahead.orInterrupted(never);
    await queue.end(new Error('fault'));
    await expect(reading).resolves.toBe('interrupted');
    // It was on its way already.
    await queue.add(3);
    await settle();
    expect([queue.log, queue.ahead.last, queue.budget.usedBytes]).toEqual([['take 1'], undefined, 0]);
    await expect(queue.ahead.room()).rejects.toThrow('fault');
    await expect(queue.ahead.room()).resolves.toBe('ready');
    await queue.add(1);
    expect(queue.log).toEqual(['take 1', 'take 1']);
  });

  it('is told of a fault also when reading was not waited for by then', async () => {
    const queue = new Queue();
    await queue.add(1);
    await expect(queue.ahead.orInterrupted(Promise.resolve('read'))).resolves.toBe('read');
    await queue.end(new Error('fault'));
    await expect(queue.ahead.settled()).rejects.toThrow('fault');
  });

  it.each(['ends', 'has ended'])('does not wait for what is read once it %s', async (when) => {
    const queue = new Queue();
    await queue.add(1);
    if (when === 'has ended') await queue.end('aborted');
    const reading = queue.ahead.orInterrupted(never);
    if (when === 'ends') await queue.end('aborted');
    await expect(reading).resolves.toBe('interrupted');
    await expect(queue.ahead.room()).resolves.toBe('aborted');
  });

  it('does not wait for what is read behind a fault that was not told yet', async () => {
    const queue = new Queue();
    await queue.add(1);
    await queue.end(new Error('fault'));
    await expect(queue.ahead.orInterrupted(never)).resolves.toBe('interrupted');
    await expect(queue.ahead.room()).rejects.toThrow('fault');
  });

  it.each(['the signal aborts', 'the batch in hand is aborted', 'it is ended'])('is dropped when %s', async (how) => {
    const queue = new Queue();
    for (const number of [1, 2, 3]) await queue.add(number);
    const waiting = queue.ahead.room();
    if (how === 'the signal aborts') queue.abort.abort();
    else if (how === 'it is ended') queue.ahead.end();
    else await queue.end('aborted');
    await expect(waiting).resolves.toBe('aborted');
    await queue.end('taken');
    await queue.add(4);
    await settle();
    expect(queue.log.filter((line) => line.startsWith('take '))).toEqual(['take 1']);
    expect(queue.budget.usedBytes).toBe(0);
  });

  it('says at once that there is nothing, but not before what came earlier', async () => {
    const queue = new Queue();
    const nothing = (millisBehindLatest: number): RecordsBatch => ({
      kind: 'records',
      records: [],
      millisBehindLatest,
    });
    queue.ahead.add(nothing(7));
    expect(queue.log).toEqual(['nothing, 7 ms behind']);
    await queue.add(1);
    queue.ahead.add(nothing(8));
    await queue.end('taken');
    expect(queue.log.slice(1)).toEqual(['take 1', 'taken', 'take undefined']);
    await queue.end('taken');
  });

  it('lets reading rest, and keeps no timer afterwards', async () => {
    const { ahead, clock } = new Queue();
    let hasRested = false;
    void ahead.rest(5_000).then(() => (hasRested = true));
    await clock.advance(4_999);
    expect(hasRested).toBe(false);
    await clock.advance(1);
    expect([hasRested, clock.sleeperCount]).toEqual([true, 0]);
  });

  it.each(['a batch that cannot be dealt with', 'a stop'])('ends a rest with %s', async (what) => {
    const queue = new Queue();
    await queue.add(1);
    const resting = queue.ahead.rest(240_000);
    if (what === 'a stop') queue.abort.abort();
    else await queue.end(new Error('fault'));
    await resting;
    expect(queue.clock.sleeperCount).toBe(0);
    await queue.ahead.rest(240_000);
  });
});
