import { describe, expect, it } from '@jest/globals';
import { type AbortSignalLike, checkpointAt, type Shard } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import type { RecordBatch } from '@millrace/record-fetcher';
import type { RecordProcessor } from '../src';
import { aConsumer, aRecord, batch, feed, LoggingProcessor, shardEnd, type Feed } from './support/a-consumer';

const stallTimeoutMs = 60_000;
const never = new Promise<never>(() => undefined);

type Events = readonly { readonly name: string; readonly payload: unknown }[];
const named = (events: Events, name: string): unknown[] =>
  events.filter((event) => event.name === name).map(({ payload }) => payload);

/** A consumer whose processor writes to the same log as its lease. */
function aWatched(source: Feed, changes: Parameters<typeof aConsumer>[2] = {}) {
  const processor = new LoggingProcessor();
  const made = aConsumer(processor, source, { stallTimeoutMs, ...changes });
  processor.log = made.log;
  return { ...made, processor };
}

describe('a shard whose source shows no sign of life', () => {
  it('is opened anew behind the last record handed over, and nothing that comes late is delivered', async () => {
    let late = (): void => undefined;
    const signals: AbortSignalLike[] = [];
    const source: Feed = async function* (start, signal, listener) {
      signals.push(signal);
      if (signals.length === 1) {
        yield batch(aRecord(1), aRecord(2));
        // Deaf to its signal.
        await new Promise<void>((resolve) => {
          late = resolve;
        });
        yield batch(aRecord(3));
      }
      yield batch(aRecord(2), aRecord(3));
      yield* feed()(start, signal, listener);
    };
    const { consumer, clock, starts, events, processor, logger } = aWatched(source);
    const done = consumer.run();
    await clock.advance(stallTimeoutMs - 1);
    expect(signals).toHaveLength(1);
    await clock.advance(1);
    expect(signals).toHaveLength(2);
    expect(signals[0]?.aborted).toBe(true);
    late();
    await settle();
    expect(processor.seen).toEqual(['r1', 'r2', 'r3']);
    expect(starts.at(-1)).toEqual({ kind: 'at-sequence-number', sequenceNumber: '2' });
    expect(named(events, 'shardStalled')).toEqual([
      { shardId: consumer.shardId, stalledMs: stallTimeoutMs, action: 'reopened' },
    ]);
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'reading shows no sign of life, the shard is opened anew',
    ]);
    expect(consumer.problem).toBeUndefined();
    consumer.drain();
    await done;
  });

  it('is given up when the second source is silent too, after shutdownRequested, with what was acknowledged', async () => {
    let opened = 0;
    const source: Feed = async function* () {
      if (opened++ === 0) yield batch(aRecord(1));
      await never;
    };
    const { consumer, clock, log, events, lease } = aWatched(source);
    const done = consumer.run();
    await clock.advance(2 * stallTimeoutMs);
    await done;
    expect(log).toEqual(['initialize', 'process r1', 'store 1', 'shutdownRequested handover', 'release']);
    expect(named(events, 'shardStalled')).toEqual([
      { shardId: consumer.shardId, stalledMs: stallTimeoutMs, action: 'reopened' },
      { shardId: consumer.shardId, stalledMs: stallTimeoutMs, action: 'given-up' },
    ]);
    expect(consumer.hasGivenUp).toBe(true);
    expect(consumer.state).toBe('released');
    expect(lease.releaseCount).toBe(1);
    expect(opened).toBe(2);
    expect(clock.sleeperCount).toBe(0);
  });

  it('stores before it is given up what was acknowledged in automatic mode', async () => {
    const source: Feed = async function* () {
      yield batch(aRecord(1));
      await never;
    };
    const { consumer, clock, lease, processor } = aWatched(source, {
      checkpointing: 'automatic',
      checkpointIntervalMs: 3_600_000,
    });
    processor.onRecords = () => undefined;
    const done = consumer.run();
    await clock.advance(3 * stallTimeoutMs);
    await done;
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 })]);
    expect(lease.releaseCount).toBe(1);
  });

  it('is opened anew each time as long as its sources live for a stall time before they fall silent', async () => {
    let opened = 0;
    const source: Feed = async function* (_, signal) {
      yield batch(aRecord(++opened));
      await clock.sleep(stallTimeoutMs - 1, signal);
      yield batch();
      await clock.sleep(1, signal);
      yield batch();
      await never;
    };
    const { consumer, clock, events, processor } = aWatched(source);
    const done = consumer.run();
    await clock.advance(8 * stallTimeoutMs - 1);
    expect(processor.seen).toEqual(['r1', 'r2', 'r3', 'r4']);
    expect(named(events, 'shardStalled')).toHaveLength(3);
    expect(consumer.hasGivenUp).toBe(false);
    consumer.drain();
    await done;
  });

  it('is given up when the second source lives for a shorter time', async () => {
    const source: Feed = async function* (_, signal) {
      yield batch(aRecord(1));
      await clock.sleep(stallTimeoutMs - 1, signal);
      yield batch();
      await never;
    };
    const { consumer, clock, events } = aWatched(source);
    const done = consumer.run();
    await clock.advance(4 * stallTimeoutMs - 2);
    await done;
    expect(named(events, 'shardStalled')).toMatchObject([{ action: 'reopened' }, { action: 'given-up' }]);
  });

  it('is not blamed for what its abandoned source reports late', async () => {
    const listeners: Parameters<Feed>[2][] = [];
    const source: Feed = async function* (start, signal, listener) {
      listeners.push(listener);
      if (listeners.length === 1) await never;
      yield batch();
      yield* feed()(start, signal, listener);
    };
    const { consumer, clock } = aWatched(source);
    const done = consumer.run();
    await clock.advance(stallTimeoutMs);
    expect(listeners).toHaveLength(2);
    listeners[0]?.failing('unauthorized');
    expect(consumer.problem).toBeUndefined();
    consumer.drain();
    await done;
  });

  it('does not hold up a stop', async () => {
    const source: Feed = async function* () {
      yield batch();
      await never;
    };
    const { consumer, log } = aWatched(source);
    const done = consumer.run();
    await settle();
    consumer.drain();
    await done;
    expect(log).toEqual(['initialize', 'shutdownRequested stop', 'release']);
    expect(consumer.hasGivenUp).toBe(false);
  });

  it('is left alone while its source says that it waits on purpose', async () => {
    const source: Feed = async function* (_, signal, { waiting }) {
      for (;;) {
        waiting(240_000);
        await clock.sleep(240_000, signal);
        // A call that takes nearly as long as is allowed.
        waiting(0);
        await clock.sleep(stallTimeoutMs - 1, signal);
        yield batch();
      }
    };
    const { consumer, clock, events } = aWatched(source);
    const done = consumer.run();
    await clock.advance(3_600_000);
    expect(named(events, 'shardStalled')).toEqual([]);
    consumer.drain();
    await done.catch(() => undefined);
  });

  it('is a stall when the source is silent for longer than it said', async () => {
    const source: Feed = async function* (_, __, { waiting }) {
      waiting(100_000);
      await never;
    };
    const { consumer, clock, events } = aWatched(source);
    const done = consumer.run();
    await clock.advance(100_000 + stallTimeoutMs - 1);
    expect(named(events, 'shardStalled')).toEqual([]);
    await clock.advance(1);
    expect(named(events, 'shardStalled')).toHaveLength(1);
    consumer.drain();
    await done;
  });
});

describe('a shard that cannot be read', () => {
  const failing = (fail: (listener: Parameters<Feed>[2]) => unknown): Feed =>
    async function* (_, __, listener) {
      throw fail(listener);
    };

  it('is given up once nothing but faults has come for the stall time', async () => {
    const { consumer, clock, log, events } = aWatched(failing(() => new Error('unknown')));
    const done = consumer.run();
    await clock.advance(stallTimeoutMs - 1);
    expect(consumer.hasGivenUp).toBe(false);
    await clock.advance(31_000);
    await done;
    expect(log).toEqual(['initialize', 'shutdownRequested handover', 'release']);
    expect(named(events, 'shardStalled')).toEqual([
      { shardId: consumer.shardId, stalledMs: expect.any(Number), action: 'given-up' },
    ]);
  });

  it('is kept while answers come between the faults', async () => {
    let opened = 0;
    const source: Feed = async function* () {
      if (opened++ % 3 === 2) yield batch();
      throw new Error('unknown');
    };
    const { consumer, clock } = aWatched(source);
    const done = consumer.run();
    await clock.advance(100_000);
    expect(opened).toBeGreaterThan(6);
    expect(consumer.hasGivenUp).toBe(false);
    consumer.drain();
    await done;
  });

  it.each([
    ['unauthorized', true],
    ['transient', false],
  ] as const)('for reads that are %s is given up: %s', async (kind, isGivenUp) => {
    const source: Feed = async function* (_, signal, { failing: failed, waiting }) {
      while (!signal.aborted) {
        failed(kind);
        waiting(10_000);
        await clock.sleep(10_000, signal).catch(() => undefined);
      }
    };
    const { consumer, clock } = aWatched(source);
    const done = consumer.run();
    await clock.advance(stallTimeoutMs + 10_000);
    expect(consumer.hasGivenUp).toBe(isGivenUp);
    consumer.drain();
    await done;
  });

  it('is given up without a call of a processor that could not be started', async () => {
    let calls = 0;
    const { consumer, clock, log, events, lease } = aWatched(feed(), {
      createProcessor: (): RecordProcessor => {
        calls++;
        throw new Error('no database');
      },
    });
    const done = consumer.run();
    await clock.advance(stallTimeoutMs + 30_000);
    await done;
    expect(calls).toBeGreaterThan(3);
    expect(log).toEqual(['release']);
    expect(lease.releaseCount).toBe(1);
    expect(named(events, 'shardStalled')).toMatchObject([{ action: 'given-up' }]);
  });
});

describe("Millrace's own work at the end of a shard", () => {
  it('is begun anew when it stalls, with its signal aborted', async () => {
    const signals: AbortSignalLike[] = [];
    let haveAborted: readonly boolean[] = [];
    const { consumer, clock, log, events } = aWatched(feed(shardEnd), {
      createChildren: async (_: readonly Shard[], signal) => {
        signals.push(signal);
        haveAborted = signals.map(({ aborted }) => aborted);
        if (signals.length === 1) await never;
        log.push('children');
      },
    });
    const done = consumer.run();
    await clock.advance(stallTimeoutMs + 1_000);
    await done;
    expect(haveAborted).toEqual([true, false]);
    expect(log).toEqual(['initialize', 'shardEnded', 'children', 'store shard-end', 'release']);
    expect(named(events, 'shardStalled')).toMatchObject([{ action: 'reopened' }]);
  });

  it('gives the lease up when it stalls twice, and does not store shard end without the children', async () => {
    const { consumer, clock, log, lease } = aWatched(feed(batch(aRecord(1)), shardEnd), {
      createChildren: () => never,
    });
    const done = consumer.run();
    await clock.advance(3 * stallTimeoutMs);
    await done;
    expect(log).toEqual(['initialize', 'process r1', 'store 1', 'shardEnded', 'release']);
    expect(lease.stored).toEqual([checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 })]);
    expect(consumer.hasGivenUp).toBe(true);
  });

  it('gives the lease up when shard end cannot be stored, and does not try once more on the way out', async () => {
    const { consumer, clock, log, lease } = aWatched(feed(shardEnd));
    lease.hanging.add('checkpoint');
    const done = consumer.run();
    await clock.advance(2 * stallTimeoutMs + 1_000);
    await done;
    expect(log).toEqual(['initialize', 'shardEnded', 'children child', 'release']);
    expect(consumer.hasGivenUp).toBe(true);
  });

  it('leaves the lease to expire when neither a checkpoint nor the release ever settles', async () => {
    const { consumer, clock, log, lease, processor } = aWatched(feed(batch(aRecord(1))), {
      checkpointing: 'automatic',
    });
    processor.onRecords = () => undefined;
    lease.hanging.add('checkpoint').add('release');
    const done = consumer.run();
    await clock.advance(5 * stallTimeoutMs);
    await done;
    expect(log).toEqual(['initialize', 'process r1', 'shutdownRequested handover', 'release', 'abandon']);
    expect(consumer.state).toBe('lost');
  });
});

describe('a call of the user’s code that takes long', () => {
  const slow = (settled: Promise<void>) => (): Promise<void> => settled;

  it.each(['initialize', 'processRecords', 'shardEnded', 'shutdownRequested'] as const)(
    'is reported once per stall time and waited for: %s',
    async (step) => {
      let finish = (): void => undefined;
      const settled = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const batches: RecordBatch[] = step === 'shardEnded' ? [batch(aRecord(1)), shardEnd] : [batch(aRecord(1))];
      const { consumer, clock, log, events, lease, processor, logger } = aWatched(feed(...batches));
      if (step === 'processRecords') processor.onRecords = slow(settled);
      else Object.assign(processor, { [step]: slow(settled) });
      const done = consumer.run();
      await settle();
      if (step === 'shutdownRequested') consumer.drain();
      await clock.advance(stallTimeoutMs - 1);
      expect(consumer.problem).toBeUndefined();
      await clock.advance(1);
      expect(consumer.problem).toBe(`${step} has not settled for 60 s`);
      await clock.advance(15_000 + stallTimeoutMs);
      expect(consumer.problem).toBe(`${step} has not settled for 135 s`);
      expect(named(events, 'handlerBlocked')).toEqual([
        { shardId: consumer.shardId, step, blockedMs: stallTimeoutMs },
        { shardId: consumer.shardId, step, blockedMs: 2 * stallTimeoutMs },
      ]);
      expect(named(events, 'shardStalled')).toEqual([]);
      expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
      expect(log).not.toContain('release');
      expect(consumer.ownsLease).toBe(true);
      finish();
      await settle();
      expect(consumer.problem).toBeUndefined();
      consumer.drain();
      await done;
      expect(lease.releaseCount).toBe(1);
      expect(consumer.hasGivenUp).toBe(false);
    },
  );

  it('does not count as silence of the source', async () => {
    let finish = (): void => undefined;
    const { consumer, clock, events, processor, starts } = aWatched(feed(batch(aRecord(1))));
    processor.onRecords = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const done = consumer.run();
    await clock.advance(10 * stallTimeoutMs);
    finish();
    await clock.advance(stallTimeoutMs - 1);
    expect(named(events, 'shardStalled')).toEqual([]);
    expect(starts).toHaveLength(1);
    consumer.drain();
    await done;
  });
});
