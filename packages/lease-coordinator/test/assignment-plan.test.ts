import { describe, expect, it } from '@jest/globals';
import { evenPlan, type LeaseView, type WorkerView } from '../src';
import { carriedOut, loadsOf, shard, unlimited, viewsOf } from './lease-view-builder';

function loadsAfter(leases: readonly LeaseView[], workers: readonly WorkerView[]): readonly number[] {
  return loadsOf(carriedOut(leases, evenPlan.assign({ leases, workers }), 0), workers);
}

function many(count: number, owner: string | null): readonly (string | null)[] {
  return Array.from({ length: count }, () => owner);
}

describe('evenPlan', () => {
  it('is the first version', () => {
    expect(evenPlan.version).toBe(1);
  });

  it('gives everything to whoever is alone', () => {
    expect(loadsAfter(viewsOf(many(5, null)), unlimited('a'))).toEqual([5]);
  });

  it('gives nothing to nobody', () => {
    expect(evenPlan.assign({ leases: viewsOf(many(5, null)), workers: [] }).size).toBe(0);
    expect(evenPlan.assign({ leases: [], workers: unlimited('a', 'b') }).size).toBe(0);
  });

  it('shares out what is free in one round, and moves nothing', () => {
    const leases = viewsOf(['a', ...many(7, null)]);
    const assigned = evenPlan.assign({ leases, workers: unlimited('a', 'b', 'c') });
    expect(assigned.has(shard(0))).toBe(false);
    expect(loadsAfter(leases, unlimited('a', 'b', 'c'))).toEqual([3, 3, 2]);
  });

  it('gives nine newcomers their shares in one round, each lease to one of them', () => {
    const workers = unlimited('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
    const leases = viewsOf(many(1_000, 'a'));
    const assigned = evenPlan.assign({ leases, workers });
    expect(assigned.size).toBe(900);
    expect(new Set(loadsAfter(leases, workers))).toEqual(new Set([100]));
  });

  it('moves nothing while the loads are within one, whoever has one more', () => {
    expect(evenPlan.assign({ leases: viewsOf(['b', 'b', 'a']), workers: unlimited('a', 'b') }).size).toBe(0);
    expect(evenPlan.assign({ leases: viewsOf(['b', 'a', 'a']), workers: unlimited('a', 'b') }).size).toBe(0);
    expect(evenPlan.assign({ leases: viewsOf(['a']), workers: unlimited('a', 'b') }).size).toBe(0);
  });

  it('takes from the one that has most, and only as many as it has too many', () => {
    const leases = viewsOf([...many(5, 'a'), ...many(3, 'b'), ...many(1, 'c')]);
    const assigned = evenPlan.assign({ leases, workers: unlimited('a', 'b', 'c') });
    expect([...assigned.values()]).toEqual(['c', 'c']);
    expect([...assigned.keys()].every((key) => key < shard(5))).toBe(true);
  });

  it('moves the leases that their owner acquired last, and of those of one moment the first', () => {
    const times = [30, 10, 40, undefined, 40];
    const leases = viewsOf(many(5, 'a')).map((view, index) => ({ ...view, acquiredAtMs: times[index] }));
    const assigned = evenPlan.assign({ leases, workers: unlimited('a', 'b') });
    expect([...assigned.keys()].sort()).toEqual([shard(2), shard(4)]);
    const three = evenPlan.assign({ leases, workers: unlimited('a', 'b', 'c') });
    expect([...three.keys()].sort()).toEqual([shard(0), shard(2), shard(4)]);
    const alike = viewsOf(many(4, 'a'));
    expect([...evenPlan.assign({ leases: alike, workers: unlimited('a', 'b') }).keys()]).toEqual([shard(0), shard(1)]);
  });

  it('gives the guests of a restarted worker back, and moves nothing else', () => {
    // b has stopped: a and c hold its leases as guests, acquired last. b comes back under another name.
    const leases = viewsOf([...many(6, 'a'), ...many(6, 'c')]).map((view, index) => ({
      ...view,
      acquiredAtMs: index % 6 < 4 ? 1 : 2,
    }));
    const assigned = evenPlan.assign({ leases, workers: unlimited('a', 'b-2', 'c') });
    expect([...assigned.keys()].sort()).toEqual([shard(4), shard(5), shard(10), shard(11)]);
    expect(new Set(assigned.values())).toEqual(new Set(['b-2']));
  });

  it('never moves what is fixed, though it counts for its owner', () => {
    const fixed = viewsOf(many(4, 'a')).map((view) => ({ ...view, state: 'fixed' as const }));
    expect(evenPlan.assign({ leases: fixed, workers: unlimited('a', 'b') }).size).toBe(0);
    const mixed = [...fixed, ...viewsOf(many(6, null)).slice(4)];
    expect([...evenPlan.assign({ leases: mixed, workers: unlimited('a', 'b') }).values()]).toEqual(['b', 'b']);
  });

  it('counts the leases of a worker that leaves, so that nobody gives up what it will need', () => {
    const leases = viewsOf([...many(10, 'a'), ...many(10, 'b'), ...many(10, 'leaver')]).map((view) =>
      view.owner === 'leaver' ? { ...view, state: 'fixed' as const } : view,
    );
    expect(evenPlan.assign({ leases, workers: unlimited('a', 'b') }).size).toBe(0);
  });

  it('takes what nobody claims for free', () => {
    const leases = viewsOf([null, 'a']).map((view) => ({
      ...view,
      state: view.owner === undefined ? ('unclaimed' as const) : view.state,
    }));
    expect([...evenPlan.assign({ leases, workers: unlimited('a', 'b') })]).toEqual([[shard(0), 'b']]);
  });

  it('gives nobody more than it may have, and the rest to the others', () => {
    const workers = [
      { workerId: 'a', maxLeases: 1 },
      { workerId: 'b', maxLeases: 4 },
      { workerId: 'c', maxLeases: Infinity },
    ];
    expect(loadsAfter(viewsOf(many(20, null)), workers)).toEqual([1, 4, 15]);
    expect(loadsAfter(viewsOf(many(9, null)), workers)).toEqual([1, 4, 4]);
    expect(loadsAfter(viewsOf(many(20, 'a')), workers)).toEqual([1, 4, 15]);
  });

  it('leaves over what nobody may have', () => {
    const workers = [
      { workerId: 'a', maxLeases: 1 },
      { workerId: 'b', maxLeases: 2 },
    ];
    expect(evenPlan.assign({ leases: viewsOf(many(5, null)), workers }).size).toBe(3);
    expect(evenPlan.assign({ leases: viewsOf(['a', 'b', 'b', null]), workers }).size).toBe(0);
  });

  it('gives two that see nearly the same nearly the same', () => {
    const workers = unlimited('a', 'b', 'c', 'd');
    const all = viewsOf(many(200, null));
    const more = evenPlan.assign({ leases: all, workers });
    const less = evenPlan.assign({ leases: all.slice(0, 190), workers });
    const same = [...less].filter(([key, worker]) => more.get(key) === worker).length;
    expect(same).toBeGreaterThan(150);
  });

  it('has newcomers ask for different leases, though some have not seen all of them', () => {
    const all = unlimited('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
    const leases = viewsOf(many(1_000, 'a'));
    const early = evenPlan.assign({ leases, workers: all.slice(0, 9) });
    const late = evenPlan.assign({ leases, workers: all });
    const disputed = [...late].filter(([key, worker]) => worker !== 'j' && early.has(key) && early.get(key) !== worker);
    expect(disputed.length).toBeLessThan(90);
  });
});
