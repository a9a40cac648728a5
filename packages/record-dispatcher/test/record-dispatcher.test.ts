import { describe, expect, it } from '@jest/globals';
import { checkpointAt, comparePositions, TRIM_HORIZON } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import fc from 'fast-check';
import { resolveRetryOptions } from '../src';
import { aDispatcher, aRecord, FakeTarget } from './support/fake-target';

const batch = [aRecord(1), aRecord(2), aRecord(3)];

describe('RecordDispatcher', () => {
  it('hands a batch over once when the processor succeeds', async () => {
    const target = new FakeTarget(() => undefined);
    const { dispatcher } = aDispatcher(target);
    await expect(dispatcher.dispatch(batch, TRIM_HORIZON, new AbortController().signal)).resolves.toBe('delivered');
    expect(target.calls).toEqual([['1', '2', '3']]);
  });

  it('lets a record go that was never handed over: under the lease, again while that fails, and not after the end', async () => {
    const target = new FakeTarget(() => undefined);
    const { dispatcher, clock } = aDispatcher(target, 'skip');
    const cause = { reason: 'crashes', attempts: 3, error: new Error('ended') } as const;
    const stop = new AbortController();
    const before = checkpointAt(aRecord(1));
    target.held = false;
    const done = dispatcher.letGo(aRecord(2), before, cause, stop.signal);
    await clock.advance(1_000);
    expect(target.letters).toEqual([]);
    target.held = true;
    target.onLetGo = () => {
      if (target.letters.length < 3) throw new Error('the sink is down');
    };
    await clock.advance(10_000);
    await expect(done).resolves.toBe('delivered');
    expect(target.letters).toEqual([2, 2, 2]);
    expect(target.let).toEqual([{ record: 2, before, cause }]);
    expect(target.calls).toEqual([]);
    stop.abort();
    await expect(dispatcher.letGo(aRecord(3), before, cause, stop.signal)).resolves.toBe('aborted');
  });

  it('hands the whole batch over again when nothing of it was acknowledged', async () => {
    const target = new FakeTarget((_, call) => {
      if (call < 3) throw new Error('no');
    });
    const { dispatcher, clock } = aDispatcher(target);
    const done = dispatcher.dispatch(batch, TRIM_HORIZON, new AbortController().signal);
    await clock.advance(1_000);
    await expect(done).resolves.toBe('delivered');
    expect(target.calls).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });

  it('starts again behind the last acknowledged record, also in the middle of an aggregate', async () => {
    const target = new FakeTarget((_, call) => {
      if (call > 1) return;
      target.acknowledgedUpTo = checkpointAt({ sequenceNumber: '2', subSequenceNumber: 0 });
      throw new Error('no');
    });
    const { dispatcher, clock } = aDispatcher(target);
    const done = dispatcher.dispatch(
      [aRecord(1), aRecord(2, 0), aRecord(2, 1)],
      TRIM_HORIZON,
      new AbortController().signal,
    );
    await clock.advance(1_000);
    await done;
    expect(target.calls).toEqual([['1', '2', '2'], ['2']]);
  });

  it('waits longer after every failure of the same records, up to the limit, and calls a person', async () => {
    const target = new FakeTarget(() => {
      throw new Error('no');
    });
    const { dispatcher, clock, logger } = aDispatcher(target);
    const stop = new AbortController();
    const done = dispatcher.dispatch(batch, TRIM_HORIZON, stop.signal);
    await clock.advance(600_000);
    const delays = target.failures.map(({ retryInMs }) => retryInMs);
    for (const [index, delay] of delays.entries()) {
      const bound = Math.min(30_000, 200 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(bound / 2);
      expect(delay).toBeLessThanOrEqual(bound);
    }
    expect(delays.length).toBeGreaterThan(20);
    expect(logger.lines.slice(0, 6).map(({ level }) => level)).toEqual([
      'warn',
      'warn',
      'warn',
      'warn',
      'error',
      'error',
    ]);
    stop.abort();
    await expect(done).resolves.toBe('aborted');
  });

  it('never puts the contents of a record into the log', async () => {
    const target = new FakeTarget((_, call) => {
      if (call < 2) throw new Error('no');
    });
    const { dispatcher, clock, logger } = aDispatcher(target);
    const secret = { ...aRecord(1), data: new TextEncoder().encode('secret'), partitionKey: 'secret-key' };
    const done = dispatcher.dispatch([secret], TRIM_HORIZON, new AbortController().signal);
    await clock.advance(1_000);
    await done;
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
  });

  it('does not call the processor once the signal has aborted', async () => {
    const target = new FakeTarget(() => undefined);
    const { dispatcher } = aDispatcher(target);
    await expect(dispatcher.dispatch(batch, TRIM_HORIZON, AbortSignal.abort())).resolves.toBe('aborted');
    expect(target.calls).toEqual([]);
  });

  it('lets a call that is under way finish when the signal aborts, and counts its success', async () => {
    let finish = (): void => undefined;
    const target = new FakeTarget(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const { dispatcher } = aDispatcher(target);
    const stop = new AbortController();
    const done = dispatcher.dispatch(batch, TRIM_HORIZON, stop.signal);
    stop.abort();
    await settle();
    finish();
    await expect(done).resolves.toBe('delivered');
  });

  it('delivers nothing while the lease cannot be proven ours', async () => {
    const target = new FakeTarget(() => undefined);
    target.held = false;
    const { dispatcher, clock } = aDispatcher(target);
    const done = dispatcher.dispatch(batch, TRIM_HORIZON, new AbortController().signal);
    await clock.advance(5_000);
    expect(target.calls).toEqual([]);
    target.held = true;
    await clock.advance(1_000);
    await expect(done).resolves.toBe('delivered');
  });

  it('asks for the lease again before every retry', async () => {
    const target = new FakeTarget((_, call) => {
      if (call > 1) return;
      target.held = false;
      throw new Error('no');
    });
    const { dispatcher, clock } = aDispatcher(target);
    const stop = new AbortController();
    const done = dispatcher.dispatch(batch, TRIM_HORIZON, stop.signal);
    await clock.advance(60_000);
    expect(target.calls).toHaveLength(1);
    stop.abort();
    await expect(done).resolves.toBe('aborted');
  });

  it('loses and reorders nothing, whatever fails and whatever is acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ fails: fc.boolean(), acknowledge: fc.nat(5) }), { maxLength: 20 }),
        async (plan) => {
          const seen: number[] = [];
          const target = new FakeTarget((records, call) => {
            const step = plan[call - 1];
            const taken = step?.fails ? records.slice(0, step.acknowledge) : records;
            seen.push(...taken.map(({ sequenceNumber }) => Number(sequenceNumber)));
            const last = taken.at(-1);
            if (last !== undefined) target.acknowledgedUpTo = checkpointAt(last);
            if (step?.fails) throw new Error('no');
          });
          const { dispatcher, clock } = aDispatcher(target);
          const records = Array.from({ length: 10 }, (_, index) => aRecord(index + 1));
          const done = dispatcher.dispatch(records, TRIM_HORIZON, new AbortController().signal);
          await clock.advance(3_600_000);
          await expect(done).resolves.toBe('delivered');
          expect(seen).toEqual(records.map(({ sequenceNumber }) => Number(sequenceNumber)));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('orders sub-sequence numbers within a sequence number', () => {
    expect(comparePositions(aRecord(9, 5), aRecord(10, 0))).toBeLessThan(0);
    expect(comparePositions(aRecord(10, 2), aRecord(10, 10))).toBeLessThan(0);
  });
});

describe('resolveRetryOptions', () => {
  it('lists every problem with both values', () => {
    const problems: string[] = [];
    resolveRetryOptions(
      { baseDelayMs: Number.NaN, maxDelayMs: -1, maxAttempts: 0, maxRecordAgeMs: 5 },
      'skip',
      problems,
    );
    expect(problems).toEqual([
      'retry.baseDelayMs (NaN) must be 1 or more',
      'retry.maxDelayMs (-1) must be at least retry.baseDelayMs (NaN), and finite',
      'retry.maxAttempts (0) must be a whole number from 1 to 10000, or Infinity',
      'retry.maxRecordAgeMs (5) must be from 60000 to 31536000000, or Infinity',
    ]);
  });

  it.each(['block', 'bisect'] as const)('refuses what has no effect with %s', (policy) => {
    const problems: string[] = [];
    resolveRetryOptions({ maxAttempts: 3 }, policy, problems);
    expect(problems).toEqual([
      `retry.maxAttempts has no effect with failurePolicy '${policy}', which lets no record go: ` +
        "leave it out, or choose 'skip' or { deadLetter }",
    ]);
  });
});
