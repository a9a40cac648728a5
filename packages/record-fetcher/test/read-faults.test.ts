import { describe, expect, it } from '@jest/globals';
import { MissingPermissionError, type StartPosition } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { kinesisError } from '@millrace/record-fetcher/testing';
import * as fc from 'fast-check';
import { Reading, SHARD } from './reading';

const MINUTE = 60_000;

describe('an iterator that expired', () => {
  it('is replaced at the last record handed over, which is not given again, after the consumer held a batch for six minutes', async () => {
    const reading = new Reading();
    const put = reading.put(4);
    reading.deal = () => reading.clock.sleep(6 * MINUTE);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(20 * MINUTE);
    expect(reading.delivered).toEqual(put);
    expect(reading.positions.slice(0, 3)).toEqual([
      { kind: 'trim-horizon' },
      { kind: 'at-sequence-number', sequenceNumber: put[1] },
      { kind: 'at-sequence-number', sequenceNumber: put[2] },
    ]);
    expect(reading.events.iteratorRefreshed).toEqual([]);
    expect(reading.events.startAgedOut).toEqual([]);
    expect(reading.events.failing).toEqual([]);
    expect(reading.logged('warn')).toEqual([]);
  });

  it('is replaced at an aggregate, which is dropped as a whole: all of its user records were handed over with it', async () => {
    const reading = new Reading();
    const [plain] = reading.put(1);
    const magic = Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2);
    const aggregate = reading.reader.put(SHARD, { data: magic, partitionKey: 'a' })[0]!.sequenceNumber;
    const [next] = reading.put(1);
    reading.deal = () => reading.clock.sleep(6 * MINUTE);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(10 * MINUTE);
    expect(reading.delivered).toEqual([plain, aggregate, next]);
    expect(reading.positions[1]).toEqual({ kind: 'at-sequence-number', sequenceNumber: aggregate });
  });

  it('is replaced without standing still when one record is read at a time and every batch takes too long', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    const put = reading.put(4);
    reading.deal = () => reading.clock.sleep(6 * MINUTE);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(24 * MINUTE + 10_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.batches.map((batch) => batch.kind === 'records' && batch.records.length)).toEqual([1, 1, 1, 1, 0]);
    expect(reading.events.throttled).toEqual([]);
  });

  it('is replaced at the end of the shard, which comes without an empty batch', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.deal = async ({ kind }) => {
      if (kind === 'shard-end') return;
      reading.reader.closeShard(SHARD);
      await reading.clock.sleep(6 * MINUTE);
    };
    reading.begin();
    await reading.untilDone();
    expect(reading.delivered).toEqual(put);
    expect(reading.batches.map(({ kind }) => kind)).toEqual(['records', 'shard-end']);
    expect(reading.events.startAgedOut).toEqual([]);
  });

  it.each<[string, (third: string) => StartPosition]>([
    ['the trim horizon', () => ({ kind: 'trim-horizon' })],
    ['a moment', () => ({ kind: 'at-timestamp', timestampMs: 1_700_000_000_000 })],
    ['a record', (third) => ({ kind: 'at-sequence-number', sequenceNumber: third })],
  ])('is replaced at the start itself, %s, when nothing has been handed over', async (_, start) => {
    const reading = new Reading();
    const put = reading.put(3);
    const from = start(put[2]!);
    reading.reader.failNext('GetRecords', kinesisError('ExpiredIteratorException'));
    reading.begin(from);
    await reading.clock.advance(1_000);
    expect(reading.positions).toEqual([from, from]);
    expect(reading.events.iteratorRefreshed).toEqual([{ shardId: SHARD, reason: 'expired' }]);
    expect(reading.delivered).toEqual(from.kind === 'at-sequence-number' ? [put[2]] : put);
  });

  it('is replaced with backoff when the new ones are expired as well', async () => {
    const reading = new Reading();
    reading.reader.intercept = ({ operation }) =>
      operation === 'GetRecords' ? kinesisError('ExpiredIteratorException') : undefined;
    reading.begin();
    await reading.clock.advance(10 * MINUTE);
    expect(reading.callsTo('GetShardIterator').length).toBeLessThan(120);
    expect(reading.logged('warn').length).toBeGreaterThan(0);
    expect(reading.outcome).toBe('reading');
  });

  it('or is refused is replaced, until fresh ones are refused again and again', async () => {
    const refused = kinesisError('InvalidArgumentException');
    const reading = new Reading();
    const put = reading.put(1);
    reading.reader.failNext('GetRecords', refused);
    reading.begin();
    await reading.clock.advance(1_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.events.iteratorRefreshed).toEqual([{ shardId: SHARD, reason: 'refused' }]);
    reading.reader.intercept = ({ operation }) => (operation === 'GetRecords' ? refused : undefined);
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE', cause: refused } });
  });
});

describe('a batch that is held up beyond the retention of the stream', () => {
  const DAY = 24 * 60 * MINUTE;

  /** Holds the first batch for a day, in which the oldest `trimmed` records age out. */
  function stuck(reading: Reading, trimmed: number): void {
    reading.deal = async () => {
      reading.deal = () => Promise.resolve();
      reading.reader.trim(SHARD, trimmed);
      await reading.clock.sleep(DAY);
    };
  }

  it('is followed by the first record that is left, and the loss is reported once', async () => {
    const reading = new Reading();
    const put = reading.put(6);
    stuck(reading, 4);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(DAY + MINUTE);
    expect(reading.delivered).toEqual([put[0], put[1], put[4], put[5]]);
    expect(reading.events.startAgedOut).toEqual([{ shardId: SHARD, wanted: put[1], found: put[4] }]);
    expect(reading.logged('warn')).toHaveLength(1);
    // The next new iterator finds its record, and has nothing to report.
    reading.reader.expireIterators();
    await reading.clock.advance(MINUTE);
    expect(reading.events.startAgedOut).toHaveLength(1);
  });

  it('is not reported while its last record is still there', async () => {
    const reading = new Reading();
    const put = reading.put(4);
    stuck(reading, 1);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(DAY + MINUTE);
    expect(reading.delivered).toEqual(put);
    expect(reading.events.startAgedOut).toEqual([]);
    expect(reading.logged('warn')).toEqual([]);
  });

  it('is reported with the first record that comes, however many empty answers and new iterators before it', async () => {
    const reading = new Reading();
    const put = reading.put(3);
    stuck(reading, 3);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(DAY + MINUTE);
    reading.reader.expireIterators();
    await reading.clock.advance(MINUTE);
    expect(reading.events.startAgedOut).toEqual([]);
    const [found] = reading.put(1);
    await reading.clock.advance(MINUTE);
    expect(reading.events.startAgedOut).toEqual([{ shardId: SHARD, wanted: put[1], found }]);
    expect(reading.delivered).toEqual([put[0], put[1], found]);
  });

  it('is reported at the end of the shard when no record is left', async () => {
    const reading = new Reading();
    const put = reading.put(3);
    reading.reader.closeShard(SHARD);
    stuck(reading, 3);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.clock.advance(DAY + MINUTE);
    expect(reading.events.startAgedOut).toEqual([{ shardId: SHARD, wanted: put[1], found: undefined }]);
    expect(reading.batches.map(({ kind }) => kind)).toEqual(['records', 'shard-end']);
  });
});

describe('a call that fails', () => {
  const unavailable = kinesisError('ServiceUnavailable');

  it('is made again with the same iterator', async () => {
    const reading = new Reading();
    const put = reading.put(1);
    reading.reader.failNext('GetRecords', unavailable, unavailable);
    reading.begin();
    await reading.clock.advance(10_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.positions).toHaveLength(1);
    expect(reading.events.failing.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ['transient', 1],
      ['transient', 2],
    ]);
    expect(reading.events.recovered).toEqual([{ shardId: SHARD, attempts: 2 }]);
    expect([...reading.logged('info'), ...reading.logged('warn'), ...reading.logged('error')]).toEqual([]);
  });

  it('is worth a warning after several in a row, once a minute', async () => {
    const reading = new Reading();
    reading.reader.intercept = () => unavailable;
    reading.begin();
    await reading.clock.advanceUntil(() => reading.reader.calls.length === 4);
    expect(reading.logged('warn')).toEqual([]);
    await reading.clock.advanceUntil(() => reading.reader.calls.length === 5);
    expect(reading.logged('warn')).toHaveLength(1);
    await reading.clock.advance(10 * MINUTE);
    expect(reading.logged('warn').length).toBeGreaterThanOrEqual(9);
    expect(reading.logged('warn').length).toBeLessThanOrEqual(11);
    expect(reading.logged('error')).toEqual([]);
    reading.reader.intercept = () => undefined;
    await reading.clock.advance(MINUTE);
    expect(reading.logged('info')).toEqual(['shard is read again']);
  });

  it('is made again within ten seconds however long the outage', async () => {
    const reading = new Reading();
    reading.reader.intercept = () => unavailable;
    reading.begin();
    await reading.clock.advance(60 * MINUTE);
    reading.reader.intercept = () => undefined;
    const put = reading.put(1);
    await reading.clock.advance(10_000);
    expect(reading.delivered).toEqual(put);
  });

  it.each([
    ['AccessDeniedException'],
    ['ExpiredTokenException'],
    ['UnrecognizedClientException'],
    ['CredentialsProviderError'],
  ])('for lack of permission or credentials (%s) is repeated loudly', async (name) => {
    const error = kinesisError(name);
    const denied =
      name === 'AccessDeniedException'
        ? new MissingPermissionError('kinesis:GetRecords', 'arn', { cause: error })
        : error;
    const reading = new Reading();
    const put = reading.put(1);
    reading.reader.intercept = () => denied;
    reading.begin();
    await settle();
    expect(reading.logged('error')).toHaveLength(1);
    expect(reading.events.failing).toEqual([{ shardId: SHARD, kind: 'unauthorized', error: denied, attempt: 1 }]);
    await reading.clock.advance(5 * MINUTE);
    expect(reading.logged('error').length).toBeLessThanOrEqual(6);
    expect(reading.outcome).toBe('reading');
    reading.reader.intercept = () => undefined;
    await reading.clock.advance(10_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.events.recovered).toHaveLength(1);
  });

  it('in a way that nobody knows ends reading', async () => {
    const strange = new TypeError('strange');
    const reading = new Reading();
    reading.reader.failNext('GetRecords', strange);
    reading.begin();
    await settle();
    expect(reading.outcome).toEqual({ error: strange });
  });
});

describe('random faults between pages', () => {
  const fault = fc.constantFrom(
    undefined,
    'ProvisionedThroughputExceededException',
    'ExpiredIteratorException',
    'ServiceUnavailable',
    'InternalFailure',
    'CallTimeoutError',
    'ExpiredTokenException',
    'ResourceNotFoundException',
    'hold for six minutes',
    'a record more',
  );
  const begin = fc.constantFrom<StartPosition['kind']>('trim-horizon', 'at-timestamp', 'at-sequence-number');

  it('neither lose nor repeat a record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 7 }),
        begin,
        fc.integer(),
        async (faults, count, maxRecords, kind, seed) => {
          const reading = new Reading({ enforceReadLimits: true, seed });
          const stream = reading.put(count);
          const left = [...faults];
          reading.reader.intercept = () => {
            const next = left.shift();
            if (next === undefined || next === 'hold for six minutes') return undefined;
            if (next === 'a record more') {
              stream.push(...reading.put(1));
              return undefined;
            }
            return kinesisError(next);
          };
          reading.deal = async () => {
            if (left[0] !== 'hold for six minutes') return;
            left.shift();
            await reading.clock.sleep(6 * MINUTE);
          };
          const start: StartPosition =
            kind === 'trim-horizon'
              ? { kind }
              : kind === 'at-timestamp'
                ? { kind, timestampMs: 0 }
                : { kind, sequenceNumber: stream[count >> 1]! };
          reading.begin(start, { maxRecords });
          await reading.clock.advanceUntil(() => left.length === 0, { stepMs: 5_000, limitMs: 10 * 3_600_000 });
          reading.reader.closeShard(SHARD);
          await reading.untilDone();
          expect(reading.outcome).toBe('ended');
          expect(reading.delivered).toEqual(kind === 'at-sequence-number' ? stream.slice(count >> 1) : stream);
          expect(reading.batches.at(-1)?.kind).toBe('shard-end');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('lose no record unreported when records age out while a batch is held', async () => {
    const event = fc.constantFrom('hold', 'age out', 'a record more', 'ExpiredIteratorException', 'ServiceUnavailable');
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer(),
        async (events, count, maxRecords, seed) => {
          const reading = new Reading({ seed });
          const stream = reading.put(count);
          const left = [...events];
          reading.reader.intercept = () => {
            const next = left.shift();
            if (next === 'a record more') stream.push(...reading.put(1));
            return next === 'ExpiredIteratorException' || next === 'ServiceUnavailable'
              ? kinesisError(next)
              : undefined;
          };
          reading.deal = async () => {
            if (left[0] !== 'hold' && left[0] !== 'age out') return;
            if (left.shift() === 'age out') reading.reader.trim(SHARD, 3);
            await reading.clock.sleep(6 * MINUTE);
          };
          reading.begin({ kind: 'trim-horizon' }, { maxRecords });
          await reading.clock.advanceUntil(() => left.length === 0, { stepMs: 5_000, limitMs: 10 * 3_600_000 });
          reading.reader.closeShard(SHARD);
          await reading.untilDone();
          expect(reading.outcome).toBe('ended');

          const { delivered } = reading;
          expect(delivered).toEqual(stream.filter((sequenceNumber) => delivered.includes(sequenceNumber)));
          const follower = (all: readonly string[], one: string): string | undefined => all[all.indexOf(one) + 1];
          const reported = reading.events.startAgedOut.map(({ wanted }) => wanted);
          const lostBehind = delivered.filter((one) => follower(delivered, one) !== follower(stream, one));
          expect(reported).toEqual(expect.arrayContaining(lostBehind));
          expect(new Set(reported).size).toBe(reported.length);
          for (const { wanted, found } of reading.events.startAgedOut) expect(found).toBe(follower(delivered, wanted));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the signs of life', () => {
  it('leave no silence but the announced one, while idle, throttled, failing and with an iterator that expired', async () => {
    const reading = new Reading();
    reading.put(3);
    const throttle = kinesisError('ProvisionedThroughputExceededException');
    const failure = kinesisError('InternalFailure');
    const ten = <T>(value: T): T[] => Array.from({ length: 10 }, () => value);
    reading.reader.failNext('GetShardIterator', ...ten(failure));
    reading.reader.failNext('GetRecords', ...ten(throttle), ...ten(failure), kinesisError('ExpiredIteratorException'));
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 240_000 });
    await reading.clock.advance(60 * MINUTE);
    expect(reading.delivered).toHaveLength(3);
    expect(reading.waits.length).toBeGreaterThan(35);
    const silences = reading.waits.slice(1).map(({ atMs }, at) => atMs - (reading.waits[at]?.untilMs ?? 0));
    expect(Math.max(...silences)).toBe(0);
    const last = reading.waits.at(-1);
    expect(last?.untilMs).toBeGreaterThanOrEqual(60 * MINUTE);
    // An announcement that is longer than the wait would hide a stall.
    expect(Math.min(...silences)).toBe(0);
  });
});
