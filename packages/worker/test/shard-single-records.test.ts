import { describe, expect, it } from '@jest/globals';
import { SHARD_END, StreamNotFoundError, type StreamRecord } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import type { ProcessRecordInput, Processor, SingleRecordProcessor } from '../src';
import {
  aConsumer,
  aRecord,
  batch,
  bytes,
  feed,
  shardEnd,
  type ConsumerOfATest,
  type Feed,
  type ConsumerChanges,
} from './support/a-consumer';

const upTo = (sequenceNumber: number): object => ({
  kind: 'sequence-number',
  sequenceNumber: String(sequenceNumber),
  subSequenceNumber: 0,
});

const keyed = (key: string, ...numbers: number[]): StreamRecord[] =>
  numbers.map((number) => aRecord(number, bytes(`r${number}`), key));

const byKey = { concurrency: { by: 'partitionKey', maxInFlight: 10, maxAhead: 100 } } as const;

/** A processor whose calls end when the test says so. */
class Gates implements SingleRecordProcessor {
  readonly log: string[] = [];
  readonly inputs: ProcessRecordInput[] = [];
  clock = new ManualClock();
  readonly #underWay = new Map<string, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();

  processRecord(input: ProcessRecordInput): Promise<void> {
    this.inputs.push(input);
    this.log.push(`${input.record.sequenceNumber}${input.attempt > 1 ? `#${input.attempt}` : ''}`);
    return new Promise((resolve, reject) => this.#underWay.set(input.record.sequenceNumber, { resolve, reject }));
  }

  shardEnded(): void {
    this.log.push('shardEnded');
  }

  shutdownRequested({ reason }: { readonly reason: string }): void {
    this.log.push(reason);
  }

  leaseLost(): void {
    this.log.push('leaseLost');
  }

  get underWay(): readonly string[] {
    return [...this.#underWay.keys()];
  }

  async resolve(...numbers: number[]): Promise<void> {
    for (const number of numbers) {
      this.#take(number).resolve();
      await this.clock.advance(0);
    }
  }

  async reject(number: number): Promise<void> {
    this.#take(number).reject(new Error('no'));
    await this.clock.advance(0);
  }

  #take(number: number): { readonly resolve: () => void; readonly reject: (error: Error) => void } {
    const call = this.#underWay.get(String(number));
    if (call === undefined) throw new Error(`no call for ${number} is under way`);
    this.#underWay.delete(String(number));
    return call;
  }
}

async function running(
  source: Feed,
  changes: ConsumerChanges = byKey,
): Promise<ConsumerOfATest & { readonly gates: Gates; readonly done: Promise<void> }> {
  const gates = new Gates();
  const made = aConsumer(gates, source, changes);
  gates.clock = made.clock;
  const done = made.consumer.run();
  await settle();
  return { ...made, gates, done };
}

describe('a processor that takes single records', () => {
  it('is given them side by side, and what is stored is that up to which all are done', async () => {
    const { gates, lease, clock, consumer, done } = await running(
      feed(batch(...keyed('a', 1), ...keyed('b', 2), ...keyed('a', 3), ...keyed('c', 4))),
    );
    expect(gates.underWay).toEqual(['1', '2', '4']);
    await gates.resolve(2, 4);
    await clock.advance(5_000);
    expect(lease.stored).toEqual([]);
    await gates.resolve(1);
    await clock.advance(1_000);
    expect(lease.stored.at(-1)).toEqual(upTo(2));
    await gates.resolve(3);
    await clock.advance(1_000);
    expect(lease.stored.at(-1)).toEqual(upTo(4));
    consumer.drain();
    await done;
  });

  it('without concurrency is given one after another, also when one fails', async () => {
    const { gates, clock, consumer, done } = await running(feed(batch(...keyed('a', 1), ...keyed('b', 2))), {});
    await gates.reject(1);
    expect(gates.log).toEqual(['1']);
    await clock.advance(1_000);
    await gates.resolve(1);
    await gates.resolve(2);
    expect(gates.log).toEqual(['1', '1#2', '2']);
    consumer.drain();
    await done;
  });

  it('holds up no other key when one fails, nor the next batch', async () => {
    const { gates, clock, lease, consumer, done } = await running(
      feed(batch(...keyed('a', 1), ...keyed('b', 2)), batch(...keyed('a', 3), ...keyed('b', 4))),
    );
    await gates.reject(1);
    await gates.resolve(2);
    expect(gates.underWay).toEqual(['4']);
    await gates.resolve(4);
    await clock.advance(10_000);
    expect(lease.stored).toEqual([]);
    await gates.resolve(1, 3);
    consumer.drain();
    await done;
    expect(lease.stored.at(-1)).toEqual(upTo(4));
  });

  it('is read no further than so many records ahead of the first that is not done with', async () => {
    const batches = [1, 2, 3, 4].map((number) => batch(...keyed(`key ${number}`, number)));
    let given = 0;
    const counted: Feed = async function* (start, signal, listener) {
      for await (const next of feed(...batches)(start, signal, listener)) {
        given++;
        yield next;
      }
    };
    const { gates, consumer, done } = await running(counted, {
      concurrency: { by: 'partitionKey', maxInFlight: 2, maxAhead: 2 },
    });
    expect([gates.underWay, given]).toEqual([['1', '2'], 3]);
    await gates.resolve(2);
    expect(given).toBe(3);
    await gates.resolve(1);
    expect(gates.underWay).toEqual(['3', '4']);
    consumer.drain();
    await gates.resolve(3, 4);
    await done;
  });

  it('is told of the end of the shard when all of its records are done with, not before', async () => {
    const { gates, clock, lease, log, done } = await running(feed(batch(...keyed('a', 1), ...keyed('b', 2)), shardEnd));
    await gates.resolve(2);
    await gates.reject(1);
    expect(gates.log).toEqual(['1', '2']);
    await clock.advance(1_000);
    await gates.resolve(1);
    await done;
    expect(gates.log).toEqual(['1', '2', '1#2', 'shardEnded']);
    expect(lease.stored.at(-1)).toEqual(SHARD_END);
    expect(log).toContain('children child');
  });

  it('finishes what is under way and what lies before it when the lease is to be given up, and leaves no gap', async () => {
    const { gates, lease, consumer, done } = await running(
      feed(batch(...keyed('a', 1, 2), ...keyed('b', 3), ...keyed('a', 4))),
    );
    consumer.drain();
    await gates.resolve(3);
    expect(lease.releaseCount).toBe(0);
    await gates.resolve(1);
    await gates.resolve(2);
    await done;
    expect(gates.log).toEqual(['1', '3', '2', 'stop']);
    expect(lease.stored.at(-1)).toEqual(upTo(3));
    expect(lease.releaseCount).toBe(1);
  });

  it('waits for what is under way after a fault that ends the worker, before it gives the lease up', async () => {
    const fatal: Feed = async function* () {
      yield batch(...keyed('a', 1, 2), ...keyed('b', 3));
      await settle();
      throw new StreamNotFoundError('flights');
    };
    const { gates, lease, done, logger } = await running(fatal);
    const failed = expect(done).rejects.toThrow(StreamNotFoundError);
    expect(lease.releaseCount).toBe(0);
    await settle();
    expect(logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'shard cannot go on, and the worker will end' },
    ]);
    await gates.resolve(3, 1);
    expect(lease.releaseCount).toBe(0);
    await gates.resolve(2);
    await failed;
    expect([lease.releaseCount, lease.stored.at(-1)]).toEqual([1, upTo(3)]);
  });

  it('begins nothing more once the lease may be lost, and is told after what is under way', async () => {
    const { gates, lease, done } = await running(feed(batch(...keyed('a', 1, 2), ...keyed('b', 3))));
    lease.expire();
    expect(gates.inputs.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    lease.lose();
    await gates.resolve(1);
    expect(gates.log).toEqual(['1', '3']);
    await gates.resolve(3);
    await done;
    expect(gates.log).toEqual(['1', '3', 'leaseLost']);
    expect(lease.stored).toEqual([]);
  });

  it('does not lose its place when the source breaks while records are being processed', async () => {
    let opened = 0;
    const breaking: Feed = async function* (start, signal, listener) {
      if (opened++ > 0) {
        yield* feed(batch(...keyed('b', 2), ...keyed('a', 3)))(start, signal, listener);
        return;
      }
      yield batch(...keyed('a', 1), ...keyed('b', 2));
      throw new Error('broken');
    };
    const { gates, clock, starts, consumer, done } = await running(breaking);
    await clock.advance(30_000);
    expect(starts[1]).toEqual({ kind: 'at-sequence-number', sequenceNumber: '2' });
    await gates.resolve(2, 1, 3);
    expect(gates.log).toEqual(['1', '2', '3']);
    consumer.drain();
    await done;
  });

  it('is told what it is about', async () => {
    const { gates, events, consumer, done } = await running(feed(batch(...keyed('a', 1))));
    expect(gates.inputs[0]).toMatchObject({
      attempt: 1,
      millisBehindLatest: 40,
      lease: { shardId: 'shardId-000000000000', fencingToken: 7 },
    });
    await gates.resolve(1);
    expect(events).toContainEqual({
      name: 'recordsProcessed',
      payload: expect.objectContaining({ recordCount: 1, byteCount: 2, millisBehindLatest: 40 }) as object,
    });
    consumer.drain();
    await done;
  });

  it.each<[string, object, ConsumerChanges]>([
    ['neither method', {}, {}],
    ['both methods', { processRecords: () => undefined, processRecord: () => undefined }, {}],
    ['concurrency, for batches', { processRecords: () => undefined }, byKey],
  ])('is refused with %s', async (_, processor, changes) => {
    const { consumer, clock, logger } = aConsumer(processor as Processor, feed(), changes);
    const done = consumer.run();
    await clock.advance(1_000);
    expect(logger.lines.map(({ fields }) => fields['err'])).toContainEqual(expect.any(TypeError));
    consumer.drain();
    await clock.advance(60_000);
    await done;
  });
});
