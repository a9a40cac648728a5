import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@millrace/core/testing';
import { kinesisError } from '@millrace/record-fetcher/testing';
import * as fc from 'fast-check';
import { ReadPace } from '../src/read-pace';
import { Reading } from './reading';

const TEN_MINUTES = 600_000;

describe('the pace of reading', () => {
  it('is five calls a second while behind, for ten minutes, and none is refused', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(4_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(TEN_MINUTES);
    expect(reading.busiestSecond).toBe(5);
    expect(reading.events.throttled).toEqual([]);
    // 3 000 without jitter.
    expect(reading.callsTo('GetRecords').length).toBeGreaterThan(2_700);
  });

  it('is that of idleTimeBetweenReadsMs while idle', async () => {
    const reading = new Reading();
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 5_000 });
    await reading.clock.advance(TEN_MINUTES);
    expect(reading.callsTo('GetRecords')).toHaveLength(121);
  });

  it('is such that idle shards are read together, a twentieth of the idle time sooner or later at most, and 25 ms', () => {
    const answer = { recordCount: 0, bytes: 0, isCaughtUp: true };
    const gaps: [number, number][] = [
      [200, 20],
      [1_000, 50],
      [240_000, 50],
    ];
    for (const [idleMs, gridMs] of gaps) {
      const nextAtMs = Array.from({ length: 200 }, (_, index) => {
        const calledAtMs = 7_000 + index * 0.37;
        const pace = new ReadPace(seededRandom(index));
        pace.called(calledAtMs, 1_000);
        pace.answered({ nowMs: calledAtMs + 3, ...answer });
        const allowedMs = pace.nextCallAtMs;
        const restedMs = Math.max(allowedMs, calledAtMs + idleMs);
        pace.restIdly(idleMs);
        expect(pace.nextCallAtMs).toBeGreaterThanOrEqual(Math.max(allowedMs, restedMs - gridMs / 2));
        // Where the limits allow no call before the nearest moment it is the next one.
        expect(pace.nextCallAtMs).toBeLessThan(
          restedMs + (allowedMs < restedMs - gridMs / 2 ? gridMs / 2 + 1e-6 : gridMs),
        );
        return pace.nextCallAtMs;
      });
      // Their calls were 73.63 ms apart, and with the jitter of the spacing 20 ms more.
      expect(new Set(nextAtMs).size).toBeLessThanOrEqual(Math.ceil(94 / gridMs) + 1);
    }
  });

  it('is that of the idle time though each call is made a little late', () => {
    const pace = new ReadPace(seededRandom(1));
    let atMs = 12_345;
    for (let call = 0; call < 100; call++) {
      pace.called(atMs, 1_000);
      pace.answered({ nowMs: atMs + 3, recordCount: 0, bytes: 0, isCaughtUp: true });
      pace.restIdly(1_000);
      atMs = pace.nextCallAtMs + 1.3;
    }
    expect(Math.abs(atMs - 112_345)).toBeLessThanOrEqual(50);
  });

  it('is not bound to the moments of idle shards after records', () => {
    const pace = new ReadPace(seededRandom(1));
    pace.called(1_000, 1_000);
    pace.restIdly(1_000);
    pace.called(2_000, 1_000);
    pace.rest(333);
    expect(pace.nextCallAtMs).toBe(2_333);
  });

  it('does not wait for the idle time after records came', async () => {
    const reading = new Reading();
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 60_000 });
    await reading.clock.advance(59_000);
    reading.put(1);
    await reading.clock.advance(1_500);
    const [first, second, third] = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    expect([first, second]).toEqual([0, 60_000]);
    expect(third! - second!).toBeGreaterThanOrEqual(200);
    expect(third! - second!).toBeLessThanOrEqual(220);
  });

  it('is that of minTimeBetweenReadsMs after records, however many are waiting', async () => {
    const reading = new Reading();
    reading.put(10);
    reading.begin(
      { kind: 'trim-horizon' },
      { maxRecords: 2, minTimeBetweenReadsMs: 30_000, idleTimeBetweenReadsMs: 5_000 },
    );
    await reading.clock.advance(160_000);
    const times = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    expect(times.slice(0, 8)).toEqual([0, 30_000, 60_000, 90_000, 120_000, 150_000, 155_000, 160_000]);
  });

  it('does not wait after an answer that has nothing but the record of the new iterator', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.deal = () => reading.clock.sleep(300_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1, minTimeBetweenReadsMs: 60_000 });
    await reading.clock.advance(301_000);
    expect(reading.delivered).toEqual(put);
  });

  it('does not wait for either when an answer is empty but more follows', async () => {
    const reading = new Reading();
    const getRecords = reading.reader.getRecords.bind(reading.reader);
    reading.reader.getRecords = async (...call) => ({ ...(await getRecords(...call)), millisBehindLatest: 5_000 });
    reading.begin({ kind: 'trim-horizon' }, { minTimeBetweenReadsMs: 60_000, idleTimeBetweenReadsMs: 60_000 });
    await reading.clock.advance(10_000);
    expect(reading.callsTo('GetRecords').length).toBeGreaterThan(45);
  });

  it("waits five seconds after 10 MB, as long as calls would be refused, and asks for a second's worth from then on", async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(40, 1_000_000 - 3);
    reading.begin();
    await reading.clock.advance(30_000);
    expect(reading.delivered.length).toBeGreaterThan(30);
    expect(reading.events.throttled).toEqual([]);
    const [first, second, third] = reading.callsTo('GetRecords');
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(5_000);
    expect(second!.atMs - first!.atMs).toBeLessThanOrEqual(5_500);
    expect(second!.limit).toBe(1);
    expect(third!.atMs - second!.atMs).toBeLessThanOrEqual(550);
  });

  it('reads 2 MB a second of smaller answers, but for what the jitter costs, and none is refused', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(300, 100_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 7 });
    await reading.clock.advance(16_500);
    expect(reading.delivered).toHaveLength(300);
    expect(reading.events.throttled).toEqual([]);
  });

  it('asks for as much more as the consumer or a longer pause have left unread', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(600, 100_000 - 3);
    const pauses = [4_000, 0, 0];
    reading.deal = () => reading.clock.sleep(pauses.shift() ?? 60_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 20 });
    await reading.clock.advance(6_000);
    const limits = reading.callsTo('GetRecords').map(({ limit }) => limit);
    expect(limits.slice(0, 3)).toEqual([20, 20, 18]);
  });

  it('asks for 1 800 records as long as it does not know how large they are', async () => {
    const reading = new Reading();
    reading.begin();
    await reading.clock.advance(1_500);
    reading.put(1);
    await reading.clock.advance(1_000);
    expect(reading.callsTo('GetRecords').map(({ limit }) => limit)).toEqual([1_800, 1_800, 1_800, 10_000]);
  });

  it('asks for the second that was saved up once', () => {
    const pace = new ReadPace({ next: () => 0 });
    pace.called(0, 1_800);
    pace.answered({ nowMs: 0, recordCount: 1_000, bytes: 1_000_000, isCaughtUp: true });
    pace.called(10_000, 1_800);
    pace.answered({ nowMs: 10_000, recordCount: 0, bytes: 0, isCaughtUp: true });
    expect(pace.maxRecords(11_000)).toBe(1_900 * 2);
  });

  it('does not ask for what was read by others while calls were refused', () => {
    const pace = new ReadPace({ next: () => 0 });
    pace.called(0, 1_800);
    pace.answered({ nowMs: 0, recordCount: 1_000, bytes: 1_000_000, isCaughtUp: false });
    pace.called(5_000, 1_800);
    pace.refused();
    expect(pace.maxRecords(5_300)).toBe(1_200 * 2);
  });

  it('does not count the time that the consumer took', async () => {
    const reading = new Reading();
    reading.put(10);
    reading.deal = () => reading.clock.sleep(150);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(2_300);
    expect(reading.delivered).toHaveLength(10);
  });

  it('is that of a share, for bytes as for calls, when others read the shard too', () => {
    const pace = new ReadPace({ next: () => 0 });
    pace.called(0, 100);
    pace.refused();
    pace.called(1_000, 100);
    pace.answered({ nowMs: 1_000, recordCount: 10, bytes: 1_500_000, isCaughtUp: false });
    expect(pace.nextCallAtMs).toBeCloseTo(2_500);
    expect(pace.maxRecords(2_501)).toBe(2);
    pace.called(2_500, 2);
    pace.answered({ nowMs: 2_500, recordCount: 2, bytes: 300_000, isCaughtUp: false });
    expect(pace.nextCallAtMs).toBeCloseTo(2_900);
  });

  it('needs no more records a call for having left some unread, but in proportion to its rests', () => {
    const pace = new ReadPace({ next: () => 0 });
    expect(pace.recordsPerCall(200)).toBe(1);
    pace.called(0, 1_800);
    pace.answered({ nowMs: 0, recordCount: 100, bytes: 500_000, isCaughtUp: false });
    expect(pace.maxRecords(60_000)).toBeGreaterThan(20_000);
    // Five calls a second of 400 kB, and one in five seconds of 10 MB: two megabytes a second.
    expect([pace.recordsPerCall(200), pace.recordsPerCall(5_000)]).toEqual([80, 2_000]);
  });

  it('needs no more small records a call than ten times what a shard takes in', () => {
    const pace = new ReadPace({ next: () => 0 });
    pace.called(0, 1_800);
    pace.answered({ nowMs: 0, recordCount: 1_000, bytes: 20_000, isCaughtUp: false });
    expect(pace.recordsPerCall(200)).toBe(2_000);
  });

  it('needs all that it may ask for when others read the shard too, and its part of that when it rests', () => {
    const pace = new ReadPace({ next: () => 0 });
    pace.called(0, 100);
    pace.refused();
    pace.called(1_000, 100);
    pace.answered({ nowMs: 1_000, recordCount: 100, bytes: 500_000, isCaughtUp: false });
    expect(pace.maxRecords(1_000)).toBe(80);
    expect(pace.recordsPerCall(200)).toBe(80);
    // One other, as it seems: a megabyte a second is our share, and a trifle more while we try for it.
    expect(pace.recordsPerCall(5_000)).toBeGreaterThanOrEqual(1_000);
    expect(pace.recordsPerCall(5_000)).toBeLessThanOrEqual(1_001);
  });

  it('is spaced at least 200 ms, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('answer', 'refusal', 'lost'),
      tookMs: fc.nat({ max: 1_000 }),
      bytes: fc.nat({ max: 10_000_000 }),
      restMs: fc.nat({ max: 2_000 }),
      isCaughtUp: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), fc.integer(), (steps, seed) => {
        const pace = new ReadPace(seededRandom(seed));
        const rounding = 1e-6;
        let nowMs = -5_000;
        for (const { kind, tookMs, bytes, restMs, isCaughtUp } of steps) {
          const calledAtMs = Math.max(nowMs, pace.nextCallAtMs);
          expect(pace.maxRecords(calledAtMs)).toBeGreaterThanOrEqual(1);
          pace.called(calledAtMs, 100);
          nowMs = calledAtMs + tookMs;
          if (kind === 'answer') {
            pace.answered({ nowMs, bytes, recordCount: bytes === 0 ? 0 : 7, isCaughtUp });
            pace.rest(restMs);
            expect(pace.nextCallAtMs - calledAtMs).toBeGreaterThanOrEqual(restMs - rounding);
            if (bytes > 2_200_000) expect(pace.nextCallAtMs - nowMs).toBeGreaterThanOrEqual(bytes / 2_000 - rounding);
          }
          if (kind === 'refusal') pace.refused();
          if (kind === 'lost') pace.unanswered();
          expect(pace.nextCallAtMs - calledAtMs).toBeGreaterThanOrEqual(200 - rounding);
        }
      }),
    );
  });
});

describe('throttles', () => {
  const throttle = kinesisError('ProvisionedThroughputExceededException');

  it('are waited out without a word in the log, however many', async () => {
    const reading = new Reading();
    reading.reader.intercept = () => throttle;
    const put = reading.put(3);
    reading.begin();
    await reading.clock.advance(TEN_MINUTES);
    expect(reading.callsTo('GetShardIterator').length).toBeLessThan(260);
    expect(reading.events.throttled.length).toBe(reading.reader.calls.length);
    expect(reading.events.failing).toEqual([]);
    reading.reader.intercept = () => undefined;
    await reading.clock.advance(10_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  it('say how long they are waited out', async () => {
    const reading = new Reading();
    reading.reader.failNext('GetRecords', throttle, throttle);
    reading.begin();
    await reading.clock.advance(10_000);
    const [first, second, third] = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    const [one, two] = reading.events.throttled;
    expect(second! - first!).toBeGreaterThanOrEqual(one!.delayMs);
    expect(third! - second!).toBeGreaterThanOrEqual(two!.delayMs);
    expect([one!.attempt, two!.attempt]).toEqual([1, 2]);
    expect(one!.delayMs).toBeGreaterThanOrEqual(200);
  });

  it('of a shard that others read make calls rarer, and the pace comes back when the others are gone', async () => {
    const reading = new Reading();
    reading.put(5_000);
    // Others take three of the five calls a second.
    let left = { calls: 2, atMs: 0 };
    reading.reader.intercept = ({ operation, atMs }) => {
      if (operation !== 'GetRecords') return undefined;
      const calls = Math.min(2, left.calls + ((atMs - left.atMs) * 2) / 1_000);
      left = { calls: calls < 1 ? calls : calls - 1, atMs };
      return calls < 1 ? throttle : undefined;
    };
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(TEN_MINUTES);
    const refused = reading.events.throttled.length / reading.callsTo('GetRecords').length;
    expect(refused).toBeLessThan(0.03);
    expect(reading.delivered.length / 600).toBeGreaterThan(1.2);

    reading.reader.intercept = () => undefined;
    await reading.clock.advance(4 * 60_000);
    const before = reading.callsTo('GetRecords').length;
    await reading.clock.advance(60_000);
    expect(reading.callsTo('GetRecords').length - before).toBeGreaterThan(270);
  });

  it.each(['KMSThrottlingException', 'LimitExceededException', 'ThrottlingException'])(
    'of others than the shard (%s) are waited out, and leave the pace as it was',
    async (name) => {
      const reading = new Reading();
      reading.put(1_000);
      reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
      for (let storm = 0; storm < 20; storm++) {
        await reading.clock.advance(5_000);
        reading.reader.failNext('GetRecords', kinesisError(name));
      }
      await reading.clock.advance(1_000);
      const before = reading.callsTo('GetRecords').length;
      await reading.clock.advance(10_000);
      expect(reading.events.throttled).toHaveLength(20);
      expect(reading.callsTo('GetRecords').length - before).toBeGreaterThan(44);
    },
  );

  it('of GetShardIterator do not slow reading down: it has a limit of its own', async () => {
    const reading = new Reading();
    reading.put(100);
    reading.reader.failNext('GetShardIterator', ...Array.from({ length: 5 }, () => throttle));
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advanceUntil(() => reading.delivered.length > 0);
    await reading.clock.advance(10_000);
    expect(reading.events.throttled).toHaveLength(5);
    expect(reading.delivered.length).toBeGreaterThan(45);
  });
});

describe('the traps that others fell into', () => {
  it('trap 18: idle polling that spins, or is throttled. An idle shard costs one call a second, none is refused, and fewer if others use up its limit', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.begin();
    await reading.clock.advance(TEN_MINUTES);
    expect(reading.busiestSecond).toBe(1);
    expect(reading.callsTo('GetRecords')).toHaveLength(601);
    expect(reading.events.throttled).toEqual([]);

    reading.reader.intercept = ({ operation }) =>
      operation === 'GetRecords' ? kinesisError('ProvisionedThroughputExceededException') : undefined;
    await reading.clock.advance(TEN_MINUTES);
    // Half of five seconds is what the longest back-off takes at least.
    expect(reading.callsTo('GetRecords').length - 601).toBeLessThan(260);
    expect(reading.logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });
});
