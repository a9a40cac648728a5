import { describe, expect, it } from '@jest/globals';
import type { AirportTotals } from '../src/flight-delays/totals-table';
import type { LoggedDelivery } from '../src/demo/delivery-tail';
import type { Flight } from '../src/demo/flights';
import { answerOf, judge, type Evidence } from '../src/demo/verdict';

const flights: readonly Flight[] = ['LAX', 'JFK', 'LAX', 'JFK', 'LAX', 'SFO'].map((origin, index) => ({
  index,
  date: '2001/01/01 00:47',
  delay: [10, -5, 60, 0, -20, 7][index] ?? 0,
  distance: 100,
  origin,
  destination: 'DFW',
}));

/** Delivered in the order of the file, one a nanosecond. */
const deliveries: readonly LoggedDelivery[] = flights.map(({ index, origin }) => deliveryOf(index, origin, index));

const totals: readonly AirportTotals[] = [...answerOf(flights)].map(([airport, answer]) => ({
  airport,
  ...answer,
  position: '1.0',
}));

const evidence: Evidence = {
  flights,
  produced: flights.length,
  deliveries,
  totals,
  shards: [
    { shardId: 'a', parentShardIds: [], recordCount: 2 },
    { shardId: 'b', parentShardIds: [], recordCount: 2 },
    { shardId: 'c', parentShardIds: ['a'], recordCount: 1 },
    { shardId: 'd', parentShardIds: ['a'], recordCount: 1 },
    { shardId: 'e', parentShardIds: ['d', 'b'], recordCount: 1 },
  ],
  workers: ['stopped', 'killed', 'stopped', 'stopped'].map((state, index) => ({ name: 'ABCD'.charAt(index), state })),
};

describe('judge', () => {
  it('finds all well when every flight is delivered in order and counted once', () => {
    expect(judge(evidence)).toEqual({
      ok: true,
      produced: 6,
      deliveredDistinct: 6,
      missing: 0,
      duplicates: 0,
      duplicatesWithoutCrash: 0,
      orderViolations: 0,
      answerMatches: true,
      workersStarted: 4,
      workersKilled: 1,
      splits: 1,
      merges: 1,
      problems: [],
    });
  });

  it('computes the answer from the file', () => {
    expect(answerOf(flights).get('LAX')).toEqual({ flights: 3, delaySum: 50, worstDelay: 60 });
  });

  it('tells a flight that was never delivered', () => {
    const verdict = judge({ ...evidence, deliveries: deliveries.filter(({ index }) => index !== 3) });
    expect(verdict).toMatchObject({ ok: false, missing: 1, deliveredDistinct: 5, orderViolations: 0 });
  });

  it('counts what is delivered again, in whatever order, and is content', () => {
    const again = [deliveryOf(2, 'LAX', 100), deliveryOf(0, 'LAX', 101), deliveryOf(0, 'LAX', 102)];
    expect(judge({ ...evidence, deliveries: [...again, ...deliveries] })).toMatchObject({
      ok: true,
      duplicates: 3,
      orderViolations: 0,
    });
  });

  it('tells duplicates of what the killed worker had from others', () => {
    const byKilled = deliveries.map((delivery) => ({ ...delivery, worker: delivery.index < 2 ? 'B' : 'A' }));
    const again = [0, 1, 2].map((index) => deliveryOf(index, flights[index]?.origin ?? '', 100 + index));
    const verdict = judge({ ...evidence, deliveries: [...byKilled, ...again] });
    expect(verdict).toMatchObject({ ok: true, duplicates: 3, duplicatesWithoutCrash: 1 });
  });

  it('tells a flight whose first delivery comes after a later one of its airport', () => {
    const late = deliveries.map((delivery) => (delivery.index === 0 ? { ...delivery, timeNs: 3n } : delivery));
    expect(judge({ ...evidence, deliveries: late })).toMatchObject({ ok: false, missing: 0, orderViolations: 1 });
  });

  it('judges the order by time and not by the order of the logs', () => {
    expect(judge({ ...evidence, deliveries: [...deliveries].reverse() })).toMatchObject({ ok: true });
  });

  it('allows any order between airports', () => {
    const late = deliveries.map((delivery) => (delivery.airport === 'JFK' ? { ...delivery, timeNs: 50n } : delivery));
    expect(judge({ ...evidence, deliveries: late })).toMatchObject({ ok: true });
  });

  it.each(['flights', 'delaySum', 'worstDelay'] as const)('tells an airport whose %s is off by one', (name) => {
    const wrong = totals.map((row) => (row.airport === 'JFK' ? { ...row, [name]: row[name] + 1 } : row));
    const verdict = judge({ ...evidence, totals: wrong });
    expect(verdict).toMatchObject({ ok: false, answerMatches: false });
    expect(verdict.problems).toEqual([expect.stringContaining('JFK')]);
  });

  it('tells an airport that has no totals, and one that should have none', () => {
    const wrong = totals.map((row) => (row.airport === 'SFO' ? { ...row, airport: 'OAK' } : row));
    expect(judge({ ...evidence, totals: wrong }).problems).toEqual([
      expect.stringContaining('OAK: the workers have 1 flights'),
      expect.stringContaining('SFO: the workers have no flights'),
    ]);
  });

  it('tells a delivery of a flight that is not in the stream', () => {
    const unknown = [deliveryOf(6, 'LAX', 100), deliveryOf(1, 'LAX', 101)];
    expect(judge({ ...evidence, deliveries: [...deliveries, ...unknown] }).ok).toBe(false);
  });

  it('tells flights that did not get into the stream, without calling them missing', () => {
    const verdict = judge({ ...evidence, produced: 5, deliveries: deliveries.slice(0, 5) });
    expect(verdict).toMatchObject({ ok: false, produced: 5, missing: 0 });
  });

  it('counts a split only if both children got records, and a merge only if the child did', () => {
    const shards = evidence.shards.map((shard) => (/[ce]/.test(shard.shardId) ? { ...shard, recordCount: 0 } : shard));
    expect(judge({ ...evidence, shards })).toMatchObject({ ok: false, splits: 0, merges: 0 });
  });

  it('wants one worker killed, and all others stopped cleanly', () => {
    const none = evidence.workers.map((worker) => ({ ...worker, state: 'stopped' }));
    expect(judge({ ...evidence, workers: none })).toMatchObject({ ok: false, workersKilled: 0 });
    const failed = [...evidence.workers, { name: 'E', state: 'failed' }];
    expect(judge({ ...evidence, workers: failed })).toMatchObject({ ok: false, workersStarted: 5 });
  });
});

function deliveryOf(index: number, airport: string, time: number): LoggedDelivery {
  return { worker: 'A', timeNs: BigInt(time), shardId: 'a', airport, index };
}
