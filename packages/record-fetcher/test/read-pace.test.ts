import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@millrace/core/testing';
import { kinesisError } from '@millrace/record-fetcher/testing';
import * as fc from 'fast-check';
import { afterAnswer, afterCall, afterThrottle, FRESH_PACE } from '../src/read-pace';
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

  it('does not wait for the idle time when an answer is empty but more follows', async () => {
    const reading = new Reading();
    const getRecords = reading.reader.getRecords.bind(reading.reader);
    reading.reader.getRecords = async (...call) => ({ ...(await getRecords(...call)), millisBehindLatest: 5_000 });
    reading.begin();
    await reading.clock.advance(10_000);
    expect(reading.callsTo('GetRecords').length).toBeGreaterThan(45);
  });

  it('waits five seconds after 10 MB, as long as calls would be refused', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(40, 1_000_000 - 3);
    reading.begin();
    await reading.clock.advance(30_000);
    expect(reading.delivered).toHaveLength(40);
    expect(reading.events.throttled).toEqual([]);
    const times = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    expect(times.slice(0, 5)).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  });

  it('reads 2 MB a second of smaller answers, and none is refused', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.put(300, 100_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 7 });
    await reading.clock.advance(15_500);
    expect(reading.delivered).toHaveLength(300);
    expect(reading.events.throttled).toEqual([]);
  });

  it('does not count the time that the consumer took', async () => {
    const reading = new Reading();
    reading.put(10);
    reading.deal = () => reading.clock.sleep(150);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(2_300);
    expect(reading.delivered).toHaveLength(10);
  });

  it('is spaced at least 200 ms, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('answer', 'throttle', 'lost'),
      tookMs: fc.nat({ max: 1_000 }),
      bytes: fc.nat({ max: 10_000_000 }),
      idle: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), fc.integer(), (steps, seed) => {
        const random = seededRandom(seed);
        let pace = FRESH_PACE;
        let nowMs = -5_000;
        for (const { kind, tookMs, bytes, idle } of steps) {
          const calledAtMs = Math.max(nowMs, pace.nextCallAtMs);
          pace = afterCall(pace, calledAtMs, random);
          nowMs = calledAtMs + tookMs;
          if (kind === 'answer') pace = afterAnswer(pace, { nowMs, bytes, idle, idleTimeMs: 1_000 });
          if (kind === 'throttle') pace = afterThrottle(pace);
          expect(pace.nextCallAtMs - calledAtMs).toBeGreaterThanOrEqual(200);
          expect(pace.spacingMs).toBeLessThanOrEqual(2_000);
          if (kind === 'answer') expect(pace.nextCallAtMs - nowMs).toBeGreaterThanOrEqual(bytes / 2_000 - 1e-6);
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
    let othersAtMs: number[] = [];
    // Others take three of the five calls a second.
    reading.reader.intercept = ({ operation, atMs }) => {
      if (operation !== 'GetRecords') return undefined;
      othersAtMs = [...othersAtMs.filter((earlier) => earlier > atMs - 1_000), atMs];
      return othersAtMs.length > 2 ? throttle : undefined;
    };
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(TEN_MINUTES);
    const refused = reading.events.throttled.length / reading.callsTo('GetRecords').length;
    expect(refused).toBeLessThan(0.15);
    expect(reading.delivered.length / 600).toBeGreaterThan(1.2);

    reading.reader.intercept = () => undefined;
    await reading.clock.advance(60_000);
    const before = reading.callsTo('GetRecords').length;
    await reading.clock.advance(60_000);
    expect(reading.callsTo('GetRecords').length - before).toBeGreaterThan(270);
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
