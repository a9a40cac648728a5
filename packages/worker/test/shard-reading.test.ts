import { describe, expect, it } from '@jest/globals';
import type { StartPosition } from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import type { RecordBatch } from '@millrace/record-fetcher';
import { ProgressWatchdog } from '../src/progress-watchdog';
import { ShardReading, type RecordsBatch } from '../src/shard-reading';
import { aRecord, batch } from './support/a-consumer';

const stallTimeoutMs = 60_000;

/** Reads a shard from record 1 on, one record in each batch; what becomes of them is for the test to say. */
function aReading(
  take: (number: number) => Promise<void> | void,
  { readAheadPages = 0, secondSourceFailsAfterMs = Infinity } = {},
) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const reading = new AbortController();
  const givenUp: number[] = [];
  let done = 0;
  let opened = 0;
  const source = async function* (start: StartPosition): AsyncGenerator<RecordBatch, void, void> {
    const failsAtMs = ++opened === 2 ? clock.now() + secondSourceFailsAfterMs : Infinity;
    yield batch();
    // Begins at the record, as Kinesis does.
    for (let next = start.kind === 'at-sequence-number' ? Number(start.sequenceNumber) : 1; ; next++) {
      await clock.sleep(1_000);
      if (next === 2 && failsAtMs < Infinity) {
        await clock.sleep(failsAtMs - clock.now());
        throw new Error('fault of the source');
      }
      yield batch(aRecord(next));
    }
  };
  const parts = {
    settings: { readAheadPages, stallTimeoutMs, emit: () => undefined, clock, random: seededRandom(1) },
    ...{ shardId: 'shard', signal: reading.signal, logger, setProblem: () => undefined },
    watchdog: new ProgressWatchdog({ stallTimeoutMs, onBlocked: () => undefined, clock, logger }),
    openSource: (start: StartPosition) => ({ batches: () => source(start) }),
    start: (): StartPosition =>
      done === 0 ? { kind: 'trim-horizon' } : { kind: 'at-sequence-number', sequenceNumber: String(done) },
    nothingRead: () => undefined,
    take: async ({ records }: RecordsBatch): Promise<'taken'> => {
      const number = Number(records[0]?.sequenceNumber ?? 0);
      if (number <= done) return 'taken';
      await take(number);
      done = number;
      return 'taken';
    },
    giveUp: (stalledMs: number) => {
      givenUp.push(stalledMs);
      reading.abort();
    },
  };
  const ended = new ShardReading(parts).untilEnd();
  return { clock, givenUp, reading, ended, opened: () => opened, done: () => done };
}

describe('a shard of which one batch cannot be dealt with', () => {
  it.each([0, 2])('is given up after the stall time, though it can be read: %d pages ahead', async (readAheadPages) => {
    const { clock, givenUp, ended, opened, done } = aReading(
      (number) => {
        if (number === 3) throw new Error('cannot be taken apart');
      },
      { readAheadPages },
    );
    await clock.advance(10 * stallTimeoutMs);
    expect(givenUp).toHaveLength(1);
    expect(givenUp[0]).toBeGreaterThanOrEqual(stallTimeoutMs);
    expect(givenUp[0]).toBeLessThan(2 * stallTimeoutMs);
    expect([opened() > 2, done()]).toEqual([true, 2]);
    await ended;
  });

  it('is kept while it gets on between the faults', async () => {
    const failed = new Set<number>();
    const { clock, givenUp, reading, ended, done } = aReading((number) => {
      if (failed.has(number)) return;
      failed.add(number);
      throw new Error('not at once');
    });
    await clock.advance(10 * stallTimeoutMs);
    expect([givenUp, done() > 10]).toEqual([[], true]);
    reading.abort();
    await clock.advance(1_000);
    await ended;
  });

  it('is kept while the user’s code has it, and reading fails once more', async () => {
    let attempts = 0;
    const { clock, givenUp, reading, ended, opened } = aReading(
      async () => {
        if (attempts++ === 0) throw new Error('not at once');
        await clock.sleep(10 * stallTimeoutMs);
      },
      { readAheadPages: 2, secondSourceFailsAfterMs: 2 * stallTimeoutMs },
    );
    await clock.advance(5 * stallTimeoutMs);
    expect([givenUp, opened()]).toEqual([[], 3]);
    reading.abort();
    await clock.advance(10 * stallTimeoutMs);
    await ended;
  });
});

describe('a source that says when its next read is due', () => {
  it('is asked then, and not before; its rest is no stall', async () => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const reading = new AbortController();
    const askedAtMs: number[] = [];
    const dueAtMs = [0, 240_000.4, 240_000.4 + 3 * stallTimeoutMs];
    const source = {
      get restMs(): number {
        return Math.max(0, (dueAtMs[askedAtMs.length] ?? Infinity) - clock.now());
      },
      async *batches(): AsyncGenerator<RecordBatch, void, void> {
        while (askedAtMs.length < dueAtMs.length) {
          askedAtMs.push(clock.now());
          yield batch();
        }
        yield { kind: 'shard-end', childShards: [], agedOut: false };
      },
    };
    const ended = new ShardReading({
      settings: { readAheadPages: 0, stallTimeoutMs, emit: () => undefined, clock, random: seededRandom(1) },
      ...{ shardId: 'shard', signal: reading.signal, logger, setProblem: () => undefined },
      watchdog: new ProgressWatchdog({ stallTimeoutMs, onBlocked: () => undefined, clock, logger }),
      openSource: () => source,
      start: () => ({ kind: 'trim-horizon' }),
      take: async () => 'taken',
      nothingRead: () => undefined,
      giveUp: () => reading.abort(),
    }).untilEnd();
    await clock.advance(20 * stallTimeoutMs);
    expect(askedAtMs).toEqual(dueAtMs.map(Math.ceil));
    expect(logger.lines).toEqual([]);
    reading.abort();
    await ended;
  });
});
