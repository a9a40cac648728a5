import { beforeEach, describe, expect, it } from '@jest/globals';
import { DeliveryLog } from '../../src/coordination/delivery-log';

let log: DeliveryLog;

beforeEach(() => {
  log = new DeliveryLog(['a', 'b']);
});

function deliver(worker: string, shardId: string, atMs: number, ...numbers: readonly number[]): void {
  log.add({ worker, shardId, atMs, numbers });
}

describe('the account of deliveries', () => {
  it('has nothing amiss when each record of each shard came once', () => {
    deliver('one', 'a', 10, 0, 1);
    deliver('two', 'a', 20, 2);
    deliver('one', 'b', 20, 0, 1, 2);
    expect(log.account(3)).toEqual({ duplicates: 0, missing: 0 });
  });

  it('counts each delivery after the first, by whomever', () => {
    deliver('one', 'a', 10, 0, 1);
    deliver('two', 'a', 20, 1, 2);
    deliver('two', 'a', 30, 1);
    deliver('one', 'b', 30, 0, 1, 2);
    expect(log.account(3)).toEqual({ duplicates: 2, missing: 0 });
  });

  it('does not take the same number of another shard for a duplicate', () => {
    deliver('one', 'a', 10, 0);
    deliver('one', 'b', 10, 0);
    expect(log.account(1)).toEqual({ duplicates: 0, missing: 0 });
  });

  it('counts what never came, also of a shard of which nothing did, and although another record came twice', () => {
    deliver('one', 'a', 10, 0, 2);
    deliver('one', 'a', 20, 2);
    expect(log.account(3)).toEqual({ duplicates: 1, missing: 4 });
  });

  it('takes records of no other shard', () => {
    expect(() => deliver('one', 'c', 10, 0)).toThrow('records of c');
  });
});

describe('the wait for a shard of a worker that left', () => {
  it('ends with the first delivery by another worker after that', () => {
    deliver('leaver', 'a', 90, 0);
    deliver('stayer', 'a', 95, 1);
    deliver('leaver', 'a', 130, 2);
    deliver('stayer', 'a', 180, 4);
    deliver('third', 'a', 150, 3);
    deliver('stayer', 'b', 400, 0);
    expect(log.waitsMs(['a', 'b'], 'leaver', 100)).toEqual([50, 300]);
  });

  it('is not known before', () => {
    deliver('stayer', 'a', 100, 0);
    deliver('leaver', 'a', 130, 1);
    expect(log.waitsMs(['a', 'b'], 'leaver', 100)).toEqual([undefined, undefined]);
  });
});

describe("a worker's first records", () => {
  it('are the earliest of any shard', () => {
    deliver('other', 'a', 10, 0);
    deliver('newcomer', 'b', 40, 0);
    deliver('newcomer', 'a', 30, 1);
    expect(log.firstMs('newcomer')).toBe(30);
  });

  it('are not known while there are none', () => {
    deliver('other', 'a', 10, 0);
    expect(log.firstMs('newcomer')).toBeUndefined();
  });
});

describe('the longest gap', () => {
  it('of each shard is between two deliveries that follow each other, in whatever order they were heard of', () => {
    deliver('one', 'a', 100);
    deliver('two', 'a', 400);
    deliver('one', 'a', 150);
    deliver('one', 'b', 100);
    deliver('one', 'b', 500);
    expect(log.longestGapsMs(0, 1_000)).toEqual([250, 400]);
  });

  it('counts in full if part of it lies in the time that is looked at', () => {
    for (const atMs of [0, 100, 300, 340, 640, 1_640]) deliver('one', 'a', atMs);
    expect(log.longestGapsMs(300, 400)).toEqual([300, 0]);
    expect(log.longestGapsMs(299, 340)).toEqual([200, 0]);
  });
});
