import { ManualClock, settle } from '@millrace/core/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SharingPhase } from '@millrace/lease-coordinator';
import { OpeningLimit } from '../src/unhurried-reader';

let clock = new ManualClock();
let phase: SharingPhase = 'settled';
let stopping = new AbortController();
let limit = new OpeningLimit(clock, () => phase, stopping.signal);
let begun: number[] = [];
let finish = new Map<number, (error?: Error) => void>();
let waits: number[] = [];

beforeEach(() => {
  clock = new ManualClock();
  phase = 'settled';
  stopping = new AbortController();
  limit = new OpeningLimit(clock, () => phase, stopping.signal);
  begun = [];
  finish = new Map();
  waits = [];
});

function open(shard: number, signal?: AbortSignal): Promise<void> {
  const task = (): Promise<void> => {
    begun.push(shard);
    return new Promise((resolve, reject) => {
      finish.set(shard, (error) => (error === undefined ? resolve() : reject(error)));
    });
  };
  const opening = limit.run(task, (delayMs) => waits.push(delayMs), signal);
  opening.catch(() => undefined);
  return opening;
}

async function openAll(count: number): Promise<void> {
  for (let shard = 0; shard < count; shard++) void open(shard);
  await settle();
}

async function done(shard: number, error?: Error): Promise<void> {
  finish.get(shard)?.(error);
  await settle();
}

describe('the limit of openings', () => {
  it('lets eight shards be opened at once, and the others in their order, also after a failure', async () => {
    await openAll(10);
    expect(begun).toHaveLength(8);
    await done(3, new Error('no'));
    await done(5);
    expect(begun.slice(8)).toEqual([8, 9]);
  });

  it('lets one be opened at a time while leases are on their way', async () => {
    phase = 'gathering';
    await openAll(3);
    expect(begun).toEqual([0]);
    await done(0);
    expect(begun).toEqual([0, 1]);
  });

  it('lets four be opened in a second while more than a few wait for that', async () => {
    phase = 'gathering';
    await openAll(11);
    await done(0);
    await clock.advance(249);
    expect(begun).toEqual([0]);
    await clock.advance(1);
    expect(begun).toEqual([0, 1]);
    await done(1);
    await clock.advance(250);
    expect(begun).toEqual([0, 1, 2]);
    await done(2);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('goes on with more at once when that is over', async () => {
    phase = 'gathering';
    await openAll(12);
    phase = 'settled';
    await done(0);
    expect(begun).toHaveLength(9);
  });

  it('lets next to none be opened while a table is filled: one in two seconds', async () => {
    phase = 'filling';
    await openAll(3);
    await done(0);
    await clock.advance(1_999);
    expect(begun).toEqual([0]);
    await clock.advance(1);
    expect(begun).toEqual([0, 1]);
  });

  it('does not let one that hangs keep the others from theirs', async () => {
    phase = 'gathering';
    await openAll(2);
    await clock.advance(2_000);
    expect(begun).toEqual([0, 1]);
  });

  it('says how long each that waits may have to, at most', async () => {
    phase = 'gathering';
    await openAll(3);
    expect(waits).toEqual([2_000, 4_000]);
  });

  it('forgets one that is given up while it waits', async () => {
    phase = 'gathering';
    const stop = new AbortController();
    void open(0);
    const second = open(1, stop.signal);
    void open(2);
    stop.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    await done(0);
    expect(begun).toEqual([0, 2]);
  });

  it('keeps no place once the worker stops: a sleep for that would keep the process alive', async () => {
    phase = 'filling';
    void open(0);
    await done(0);
    expect(clock.sleeperCount).toBe(1);
    stopping.abort();
    await settle();
    expect(clock.sleeperCount).toBe(0);
    phase = 'gathering';
    void open(1);
    await done(1);
    expect(clock.sleeperCount).toBe(0);
  });

  it('does not begin one that was given up before', async () => {
    phase = 'gathering';
    void open(0);
    await expect(open(1, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
  });
});
