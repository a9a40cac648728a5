import { describe, expect, it } from '@jest/globals';
import { checkpointAt, RecordFailedError, TRIM_HORIZON, type UserRecord } from '@millrace/core';
import fc from 'fast-check';
import type { FailurePolicy, RetryOptions } from '../src';
import { decideOnFailure } from '../src/failure-policy';
import { aDispatcher, aRecord, FakeTarget, numberOf, type DispatcherOfATest } from './support/fake-target';

const hourMs = 3_600_000;
const ten = Array.from({ length: 10 }, (_, index) => aRecord(index + 1));

/** Fails whenever one of these is among the records. */
function failingAt(poison: readonly number[], name = false): FakeTarget {
  const target = new FakeTarget((records) => {
    const failed = records.find((record) => poison.includes(numberOf(record)));
    if (failed === undefined) return;
    throw name ? new RecordFailedError(failed) : new Error('no');
  });
  target.acknowledgesWhatResolves = true;
  return target;
}

async function dispatched(
  target: FakeTarget,
  policy: FailurePolicy,
  { options, records = ten }: { readonly options?: RetryOptions; readonly records?: readonly UserRecord[] } = {},
): Promise<DispatcherOfATest & { readonly outcome: string | undefined }> {
  const made = aDispatcher(target, policy, options);
  let outcome: string | undefined;
  const stop = new AbortController();
  const done = made.dispatcher.dispatch(records, TRIM_HORIZON, stop.signal).then((value) => (outcome = value));
  await made.clock.advance(hourMs);
  const atTheHour = outcome;
  stop.abort();
  await done;
  return { ...made, outcome: atTheHour };
}

describe('block', () => {
  it('hands the whole batch over again and again', async () => {
    const target = failingAt([7]);
    const { outcome } = await dispatched(target, 'block');
    expect(outcome).toBeUndefined();
    expect(target.calls.length).toBeGreaterThan(50);
    expect(new Set(target.calls.map((call) => call.join()))).toEqual(new Set([ten.map(numberOf).join()]));
    expect(target.let).toEqual([]);
  });

  it('goes on from the record that the processor has named', async () => {
    const target = failingAt([7], true);
    await dispatched(target, 'block');
    expect(target.calls[1]).toEqual(['7', '8', '9', '10']);
    expect(target.acknowledgedUpTo).toEqual(checkpointAt(aRecord(6)));
  });
});

describe('bisect', () => {
  it('tries the batch once more and then splits it until the failing record stands alone, which it goes on trying', async () => {
    const target = failingAt([7]);
    const { outcome } = await dispatched(target, 'bisect');
    expect(outcome).toBeUndefined();
    expect(target.calls.slice(0, 8)).toEqual([
      ten.map(({ sequenceNumber }) => sequenceNumber),
      ten.map(({ sequenceNumber }) => sequenceNumber),
      ['1', '2', '3', '4', '5'],
      ['6', '7', '8', '9', '10'],
      ['6', '7'],
      ['6'],
      ['7'],
      ['7'],
    ]);
    expect(target.calls.slice(8).every((call) => call.join() === '7')).toBe(true);
    expect(target.acknowledgedUpTo).toEqual(checkpointAt(aRecord(6)));
    expect(target.failures.slice(0, 5).map(({ action }) => action)).toEqual([
      'retry',
      'split',
      'split',
      'split',
      'retry',
    ]);
  });

  it('needs no search for a record that the processor has named', async () => {
    const target = failingAt([7], true);
    await dispatched(target, 'bisect');
    expect(target.calls.slice(0, 3)).toEqual([ten.map(({ sequenceNumber }) => sequenceNumber), ['7'], ['7']]);
  });
});

describe('skip', () => {
  it('leaves out the failing records only, after so many attempts, and delivers everything else in order', async () => {
    const target = failingAt([1, 7, 10]);
    const { outcome } = await dispatched(target, 'skip', { options: { maxAttempts: 4 } });
    expect(outcome).toBe('delivered');
    expect(target.let.map(({ record }) => record)).toEqual([1, 7, 10]);
    expect(target.let.map(({ before }) => before)).toEqual([
      TRIM_HORIZON,
      checkpointAt(aRecord(6)),
      checkpointAt(aRecord(9)),
    ]);
    for (const poison of ['1', '7', '10']) {
      expect(target.calls.filter((call) => call.join() === poison)).toHaveLength(4);
    }
    expect(target.let.map(({ cause: { reason, attempts } }) => [reason, attempts])).toEqual(
      Array(3).fill(['attempts', 4]),
    );
    expect(target.acknowledgedUpTo).toEqual(checkpointAt(aRecord(10)));
  });

  it('lets an old record go when it has failed by itself once, and not a young one', async () => {
    const target = failingAt([1, 2]);
    const made = aDispatcher(target, 'skip', { maxAttempts: Infinity, maxRecordAgeMs: 120_000 });
    const aged = (record: UserRecord, ageMs: number): UserRecord => {
      return { ...record, approximateArrivalTimestamp: new Date(made.clock.wallTime() - ageMs) };
    };
    const stop = new AbortController();
    const records = [aged(aRecord(1), 200_000), aged(aRecord(2), 0)];
    const done = made.dispatcher.dispatch(records, TRIM_HORIZON, stop.signal);
    await made.clock.advance(60_000);
    expect(target.calls.filter((call) => call.join() === '1')).toHaveLength(1);
    expect(target.let.map(({ record, cause }) => [record, cause.reason])).toEqual([[1, 'age']]);
    await made.clock.advance(120_000);
    await done;
    expect(target.let.map(({ record }) => record)).toEqual([1, 2]);
    expect(target.calls.filter((call) => call.join() === '2').length).toBeGreaterThan(4);
  });

  it('counts the attempt in which a record was named', async () => {
    const target = failingAt([7], true);
    await dispatched(target, 'skip', { options: { maxAttempts: 2 } });
    expect(target.calls).toEqual([ten.map(({ sequenceNumber }) => sequenceNumber), ['7'], ['8', '9', '10']]);
    expect(target.let.map(({ record, cause }) => [record, cause.attempts])).toEqual([[7, 2]]);
  });

  it('lets a record go at the first failure that names it if that is enough', async () => {
    const target = failingAt([7], true);
    await dispatched(target, 'skip', { options: { maxAttempts: 1 } });
    expect(target.calls).toEqual([ten.map(({ sequenceNumber }) => sequenceNumber), ['8', '9', '10']]);
    expect(target.let.map(({ record, cause }) => [record, cause.attempts])).toEqual([[7, 1]]);
  });

  it('does not count failures of the batch that a record came with, nor what came of a checkpoint within it', async () => {
    const target = new FakeTarget((records, call) => {
      if (call > 2) return;
      if (call === 2) target.acknowledgedUpTo = checkpointAt(aRecord(9));
      throw new Error(`no ${records.length}`);
    });
    await dispatched(target, 'skip', { options: { maxAttempts: 1 } });
    expect(target.let).toEqual([]);
    expect(target.calls.at(-1)).toEqual(['10']);
  });

  it.each(['skip', 'dead-letter'] as const)(
    'lets nothing go (%s) once reading is over: a call that was told to stop has not failed',
    async (policy) => {
      const stop = new AbortController();
      const target = new FakeTarget(() => {
        stop.abort();
        throw new Error('was told to stop');
      });
      const { dispatcher } = aDispatcher(target, policy, { maxAttempts: 1 });
      await expect(dispatcher.dispatch([aRecord(1)], TRIM_HORIZON, stop.signal)).resolves.toBe('aborted');
      expect(target.letters).toEqual([]);
    },
  );
});

describe('a piece', () => {
  it('is not handed over again where it was acknowledged by an earlier call', async () => {
    const target = new FakeTarget((_, call) => {
      if (call < 3) throw new Error('no');
      if (call === 3) target.acknowledgedUpTo = checkpointAt(aRecord(7));
    });
    await dispatched(target, 'bisect');
    expect(target.calls.slice(2)).toEqual([
      ['1', '2', '3', '4', '5'],
      ['8', '9', '10'],
    ]);
  });
});

describe('dead-letter', () => {
  it('lets the record go only once the sink has confirmed', async () => {
    const target = failingAt([7]);
    let failures = 5;
    target.onLetGo = () => {
      expect(target.let).toEqual([]);
      if (failures-- > 0) throw new Error('sink is down');
    };
    const { outcome, logger } = await dispatched(target, 'dead-letter', { options: { maxAttempts: 2 } });
    expect(outcome).toBe('delivered');
    expect(target.letters).toEqual([7, 7, 7, 7, 7, 7]);
    expect(target.let.map(({ record }) => record)).toEqual([7]);
    const said = logger.lines.filter(
      ({ message }) => message === 'dead letter was not confirmed, it will be sent again',
    );
    expect(said.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn', 'error']);
  });

  it('blocks as long as the sink fails', async () => {
    const target = failingAt([7]);
    target.onLetGo = () => Promise.reject(new Error('sink is down'));
    const { outcome } = await dispatched(target, 'dead-letter', { options: { maxAttempts: 2 } });
    expect(outcome).toBeUndefined();
    expect(target.letters.length).toBeGreaterThan(50);
    expect(target.calls.at(-1)).toEqual(['7']);
    expect(target.acknowledgedUpTo).toEqual(checkpointAt(aRecord(6)));
  });

  it('does not call the sink while the lease cannot be proven ours', async () => {
    const target = new FakeTarget(() => {
      target.held = false;
      throw new Error('no');
    });
    const { clock, dispatcher } = aDispatcher(target, 'dead-letter', { maxAttempts: 1 });
    const stop = new AbortController();
    const done = dispatcher.dispatch([aRecord(1)], TRIM_HORIZON, stop.signal);
    await clock.advance(60_000);
    expect(target.calls).toHaveLength(1);
    expect(target.letters).toEqual([]);
    target.held = true;
    await clock.advance(1_000);
    await done;
    expect(target.letters).toEqual([1]);
  });
});

describe('naming the failed record', () => {
  it('is a mistake when the call did not have it: the whole batch counts as failed', async () => {
    const target = new FakeTarget((_, call) => {
      if (call === 1) throw new RecordFailedError(aRecord(11));
    });
    const { logger } = await dispatched(target, 'block');
    expect(target.calls).toHaveLength(2);
    expect(target.calls[1]).toHaveLength(10);
    const message = 'record processor named a record that this call did not have';
    expect(logger.lines.filter((line) => line.message === message)).toHaveLength(1);
  });

  it('lets none of this call go, and splits nothing, when it is one of an earlier call: of a buffer, say', async () => {
    const target = new FakeTarget(() => {
      throw new RecordFailedError(aRecord(99));
    });
    const { outcome } = await dispatched(target, 'skip', { options: { maxAttempts: 1 } });
    expect(outcome).toBeUndefined();
    expect(target.let).toEqual([]);
    expect(new Set(target.calls.map((call) => call.length))).toEqual(new Set([10]));
  });

  it('is understood from another copy of the package', async () => {
    const target = new FakeTarget((_, call) => {
      const foreign = Object.assign(new Error('no'), {
        code: 'RECORD_FAILED',
        sequenceNumber: '3',
        subSequenceNumber: 0,
      });
      if (call === 1) throw foreign;
    });
    await dispatched(target, 'block');
    expect(target.calls[1]?.[0]).toBe('3');
  });

  it('does not acknowledge what comes before: that is for the processor, unless it is automatic', async () => {
    const target = failingAt([7], true);
    target.acknowledgesWhatResolves = false;
    await dispatched(target, 'block');
    expect(target.acknowledgedUpTo).toEqual(TRIM_HORIZON);
    expect(target.resolvedUpTo).toMatchObject({ sequenceNumber: '6' });
  });

  it('goes on behind what was acknowledged if that is further', async () => {
    const target = new FakeTarget((_, call) => {
      if (call > 1) return;
      target.acknowledgedUpTo = checkpointAt(aRecord(8));
      throw new RecordFailedError(aRecord(3));
    });
    await dispatched(target, 'block');
    expect(target.calls[1]).toEqual(['9', '10']);
  });
});

describe('every policy', () => {
  const policies = fc.constantFrom<FailurePolicy>('block', 'bisect', 'skip', 'dead-letter');

  it('lets go of nothing but failing records, loses no other, and keeps their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          policy: policies,
          poison: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 5 }),
          names: fc.boolean(),
          passing: fc.array(fc.boolean(), { maxLength: 12 }),
          sinkFails: fc.array(fc.boolean(), { maxLength: 6 }),
          acknowledges: fc.array(fc.nat(12), { maxLength: 12 }),
          size: fc.integer({ min: 1, max: 12 }),
        }),
        async ({ policy, poison, names, passing, sinkFails, acknowledges, size }) => {
          const seen: number[] = [];
          const target = new FakeTarget((records, call) => {
            // Poison is mended at last where nobody lets it go.
            const isMended = (policy === 'block' || policy === 'bisect') && call > 40;
            const at = records.findIndex((record) => !isMended && poison.includes(numberOf(record)));
            const acknowledged = records.slice(0, Math.min(acknowledges[call] ?? 0, at < 0 ? 99 : at));
            const fails = at >= 0 || passing[call] === true;
            const isNamed = at >= 0 && names;
            const done = fails ? (isNamed ? records.slice(0, at) : acknowledged) : records;
            seen.push(...done.map(numberOf));
            const last = acknowledged.at(-1);
            if (last !== undefined) target.acknowledgedUpTo = checkpointAt(last);
            const failed = records[at];
            if (isNamed && failed !== undefined) throw new RecordFailedError(failed);
            if (fails) throw new Error('no');
          });
          target.acknowledgesWhatResolves = true;
          target.onLetGo = () => {
            if (sinkFails[target.letters.length] === true) throw new Error('sink is down');
          };
          const records = ten.concat([aRecord(11), aRecord(12)]).slice(0, size);
          // A call that fails for another reason must not be what lets a record go.
          const lets = policy === 'skip' || policy === 'dead-letter';
          const options = lets ? { maxAttempts: 20 } : undefined;
          const { outcome } = await dispatched(target, policy, { records, ...(options && { options }) });
          expect(outcome).toBe('delivered');
          const gone = target.let.map(({ record }) => record);
          expect(gone).toEqual(lets ? [...poison].sort((a, b) => a - b).filter((number) => number <= size) : []);
          expect(seen).toEqual(records.map(numberOf).filter((number) => !gone.includes(number)));
          expect(new Set(target.letters)).toEqual(new Set(gone));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('decideOnFailure', () => {
  const retry = { baseDelayMs: 1, maxDelayMs: 1, maxAttempts: 3, maxRecordAgeMs: Infinity, maxCrashes: 3 };
  const alone = { failures: 3, attempts: 3, recordCount: 1, named: undefined, ageMs: 0 };
  const nine = { ...alone, attempts: 0, recordCount: 9 };

  it.each([
    ['block', alone, { kind: 'retry' }],
    ['bisect', alone, { kind: 'retry' }],
    ['skip', alone, { kind: 'let-go', reason: 'attempts' }],
    ['dead-letter', alone, { kind: 'let-go', reason: 'attempts' }],
    ['skip', { ...alone, attempts: 2 }, { kind: 'retry' }],
    ['skip', nine, { kind: 'split', at: 4 }],
    ['skip', { ...nine, failures: 1 }, { kind: 'retry' }],
    ['bisect', { ...nine, failures: 1, attempts: 1, named: 'first' }, { kind: 'split', at: 1 }],
    ['skip', { ...nine, failures: 1, attempts: 1, named: 'first' }, { kind: 'split', at: 1 }],
    ['skip', { ...nine, failures: 1, attempts: 3, named: 'first' }, { kind: 'let-go', reason: 'attempts' }],
    ['block', { ...nine, attempts: 3, named: 'first' }, { kind: 'retry' }],
    ['skip', { ...alone, named: 'elsewhere' }, { kind: 'retry' }],
    ['dead-letter', { ...nine, named: 'elsewhere' }, { kind: 'retry' }],
  ] as const)('%s, %o: %o', (policy, failure, decision) => {
    expect(decideOnFailure(policy, failure, retry)).toEqual(decision);
  });
});
