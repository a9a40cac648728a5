import { describe, expect, it } from '@jest/globals';
import {
  acquisitionsOf,
  evenSinceMs,
  holdingsOf,
  isEven,
  LeaseLog,
  type Holdings,
  type LeaseEvent,
} from '../../src/coordination/lease-log';

function event(atMs: number, worker: string, what: '+' | '-', shardId: string): LeaseEvent {
  return { atMs, worker, shardId, what: what === '+' ? 'acquired' : 'gave-up' };
}

function held(shards: Readonly<Record<string, string>>): Holdings {
  return new Map(Object.entries(shards).map(([worker, ids]) => [worker, new Set(ids)]));
}

describe('a fleet', () => {
  const [one, two, three] = ['one', 'two', 'three'];

  it('is even when each shard has one owner and all have as many, or one more', () => {
    expect(isEven(held({ one: 'abc', two: 'de' }), { workers: [one, two], shards: 5 })).toBe(true);
    expect(isEven(held({ one: 'ab', two: 'cd' }), { workers: [one, two], shards: 4 })).toBe(true);
    expect(isEven(held({ one: 'a' }), { workers: [one, two], shards: 1 })).toBe(true);
    expect(isEven(held({ one: 'abc' }), { workers: [one], shards: 3 })).toBe(true);
  });

  it.each([
    ['one has two more', { one: 'abc', two: 'd' }, 4],
    ['one has none yet', { one: 'ab' }, 2],
    ['a shard is nobody’s', { one: 'ab', two: 'c' }, 4],
    ['a shard is of both', { one: 'ab', two: 'bc' }, 3],
    ['a shard is of both, and another nobody’s', { one: 'ab', two: 'bc' }, 4],
  ])('is not even while %s', (_, shards, count) => {
    expect(isEven(held(shards), { workers: [one, two], shards: count })).toBe(false);
  });

  it('does not count what one that died has held', () => {
    const holdings = held({ one: 'ab', two: 'cd', three: 'ab' });
    expect(isEven(holdings, { workers: [one, two], shards: 4 })).toBe(true);
    expect(isEven(holdings, { workers: [two, three], shards: 4 })).toBe(true);
    expect(isEven(holdings, { workers: [one, three], shards: 4 })).toBe(false);
  });
});

describe('the time since when a fleet is even', () => {
  const mates = { workers: ['one', 'two'], shards: 2 };

  it('is that of the event that made it so', () => {
    const events = [
      event(10, 'one', '+', 'a'),
      event(20, 'one', '+', 'b'),
      event(30, 'one', '-', 'b'),
      event(40, 'two', '+', 'b'),
    ];
    expect(evenSinceMs(events.slice(0, 3), mates)).toBeUndefined();
    expect(evenSinceMs(events, mates)).toBe(40);
  });

  it('is the last one, if it was so for a while before', () => {
    const events = [
      event(10, 'one', '+', 'a'),
      event(20, 'two', '+', 'b'),
      event(30, 'two', '-', 'b'),
      event(50, 'two', '+', 'b'),
    ];
    expect(evenSinceMs(events, mates)).toBe(50);
  });

  it('does not move with what happens to one that left', () => {
    const events = [event(10, 'one', '+', 'a'), event(20, 'two', '+', 'b'), event(30, 'left', '-', 'b')];
    expect(evenSinceMs(events, mates)).toBe(20);
  });
});

describe('moves', () => {
  it('are counted for each lease, from a time on', () => {
    const events = [
      event(10, 'one', '+', 'a'),
      event(20, 'one', '-', 'a'),
      event(20, 'two', '+', 'a'),
      event(30, 'two', '-', 'a'),
      event(40, 'one', '+', 'a'),
      event(50, 'one', '+', 'b'),
    ];
    expect([...acquisitionsOf(events, 20)]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect([...acquisitionsOf(events, 41)]).toEqual([['b', 1]]);
  });
});

describe('the log of leases', () => {
  it('has events in the order in which they happened, not in that in which they were heard of', () => {
    const log = new LeaseLog();
    log.add(event(20, 'one', '-', 'a'));
    log.add(event(30, 'two', '+', 'a'));
    log.add(event(10, 'one', '+', 'a'));
    expect(log.events.map(({ atMs }) => atMs)).toEqual([10, 20, 30]);
    log.add(event(25, 'two', '+', 'b'));
    log.add(event(40, 'two', '+', 'c'));
    expect(log.events.map(({ atMs }) => atMs)).toEqual([10, 20, 25, 30, 40]);
    expect(holdingsOf(log.events)).toEqual(held({ one: '', two: 'abc' }));
  });
});
