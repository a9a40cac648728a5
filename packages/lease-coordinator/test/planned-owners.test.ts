import { describe, expect, it } from '@jest/globals';
import { evenPlan } from '../src';
import type { ViewedLease } from '../src/lease-views';
import { planFirstOwners, planSuccessors } from '../src/planned-owners';
import { shard, unlimited, viewed } from './lease-view-builder';

function owned(index: number, owner: string): ViewedLease {
  return viewed(index, { owner, state: 'movable' });
}

function counts(assigned: ReadonlyMap<string, string>): Record<string, number> {
  const result: Record<string, number> = {};
  for (const worker of assigned.values()) result[worker] = (result[worker] ?? 0) + 1;
  return result;
}

describe('planSuccessors', () => {
  const fleet = {
    leases: [
      ...[0, 1, 2, 3].map((index) => owned(index, 'leaver')),
      ...[4, 5, 6].map((index) => owned(index, 'a')),
      ...[7, 8, 9].map((index) => owned(index, 'b')),
      viewed(10, { owner: 'c', state: 'movable' }),
    ],
    workers: unlimited('a', 'b', 'c', 'leaver'),
  };

  it('shares all leases of the leaver out evenly, and moves nothing else', () => {
    const successors = planSuccessors(evenPlan, fleet, 'leaver');
    expect([...successors.keys()].sort()).toEqual([0, 1, 2, 3].map(shard));
    expect(counts(successors)).toEqual({ a: 1, b: 1, c: 2 });
  });

  it('names somebody for the one lease that is given up', () => {
    const successors = planSuccessors(evenPlan, fleet, 'leaver', shard(2));
    expect([...successors.keys()]).toEqual([shard(2)]);
    expect(['a', 'b', 'c']).toContain(successors.get(shard(2)));
    expect(planSuccessors(evenPlan, fleet, 'leaver', shard(4)).size).toBe(0);
  });

  it('names nobody who is full, and nobody at all when the leaver is alone', () => {
    const full = { ...fleet, workers: fleet.workers.map(({ workerId }) => ({ workerId, maxLeases: 1 })) };
    expect(planSuccessors(evenPlan, full, 'leaver').size).toBe(0);
    expect(planSuccessors(evenPlan, { ...fleet, workers: unlimited('leaver') }, 'leaver').size).toBe(0);
  });

  it('gives no free lease away, which is not the leaver’s', () => {
    const withFree = { ...fleet, leases: [...fleet.leases, viewed(11)] };
    expect(planSuccessors(evenPlan, withFree, 'leaver').has(shard(11))).toBe(false);
  });
});

describe('planFirstOwners', () => {
  const keys = Array.from({ length: 10 }, (_, index) => shard(index));

  it('shares the leases of an empty table out evenly, within the limits', () => {
    const workers = [...unlimited('a', 'b'), { workerId: 'c', maxLeases: 1 }];
    const shares = counts(planFirstOwners(evenPlan, workers, keys, undefined));
    expect(shares).toMatchObject({ c: 1 });
    expect(Object.values(shares).sort()).toEqual([1, 4, 5]);
  });

  it('names nobody where all are full', () => {
    const workers = [{ workerId: 'a', maxLeases: 2 }];
    expect(planFirstOwners(evenPlan, workers, [shard(0), shard(1), shard(2)], undefined).size).toBe(2);
  });

  it('counts the first lease for whoever has it already, if that is one of them', () => {
    for (const owner of ['a', 'b']) {
      const assigned = planFirstOwners(evenPlan, unlimited('a', 'b'), keys, owner);
      expect(assigned.has(shard(0))).toBe(false);
      expect(counts(assigned)).toMatchObject({ [owner]: 4 });
    }
    expect(planFirstOwners(evenPlan, unlimited('a', 'b'), keys, 'gone').size).toBe(10);
  });
});
