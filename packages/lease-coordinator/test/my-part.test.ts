import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AssignmentPlan, evenPlan, type LeaseView, type WorkerView } from '../src';
import type { ViewedLease } from '../src/lease-views';
import { adoptable, type MyPart, planInForce, planMyPart } from '../src/my-part';
import { shard, unlimited, viewed } from './lease-view-builder';

const me = { workerId: 'me', maxLeases: Infinity };

/** Gives each lease as it is told, and says so. */
function planOf(assigned: Readonly<Record<string, string>>, version = 1): AssignmentPlan {
  return { version, assign: () => new Map(Object.entries(assigned)) };
}

function partOf(
  leases: readonly ViewedLease[],
  assigned: Readonly<Record<string, string>>,
  { worker = me, others = ['other'] }: { readonly worker?: WorkerView; readonly others?: readonly string[] } = {},
): Record<keyof MyPart | 'adopt', unknown> {
  const part = planMyPart(
    planOf(assigned),
    { leases, workers: [worker, ...unlimited(...others)], newcomers: new Set(), fillers: new Set() },
    worker,
  );
  const keys = (of: MyPart['take']): string[] => of.map(({ leaseKey }) => leaseKey);
  const adopt = keys(adoptable(leases, worker));
  return { take: keys(part.take), adopt, request: keys(part.request), leftOver: part.leftOver };
}

const nothing = { take: [], adopt: [], request: [], leftOver: 0 };
const handedToMe = (index: number): ViewedLease =>
  viewed(index, { owner: 'me', state: 'fixed', isOffered: true }, { leaseOwner: 'me', handedOver: true });

describe('planMyPart', () => {
  it('takes what is free and asks for the rest, of what the plan gives to me', () => {
    const leases = [
      viewed(0),
      viewed(1, { state: 'unclaimed' }),
      viewed(2, { owner: 'a', state: 'movable' }),
      viewed(3),
      viewed(4, { owner: 'a', state: 'movable' }),
    ];
    const assigned = { [shard(0)]: 'me', [shard(1)]: 'me', [shard(2)]: 'me', [shard(3)]: 'other', [shard(4)]: 'other' };
    expect(partOf(leases, assigned)).toEqual({ ...nothing, take: [shard(0), shard(1)], request: [shard(2)] });
  });

  it('hands the plan what it sees', () => {
    const leases = [viewed(0), viewed(1, { owner: 'a', state: 'movable' })];
    const seen: { leases: readonly LeaseView[]; workers: readonly WorkerView[] }[] = [];
    const plan: AssignmentPlan = {
      version: 1,
      assign: (request) => {
        seen.push(request);
        return new Map();
      },
    };
    planMyPart(plan, { leases, workers: [me], newcomers: new Set(), fillers: new Set() }, me);
    expect(seen).toEqual([{ leases, workers: [me] }]);
  });

  it('never takes or asks for what is fixed, whatever a plan says', () => {
    const leases = [viewed(0, { owner: 'a', state: 'fixed' })];
    expect(partOf(leases, { [shard(0)]: 'me' })).toEqual(nothing);
  });

  it('takes its share of what the plan gives to others and nobody claims', () => {
    const leases = Array.from({ length: 6 }, (_, index) => viewed(index, { state: 'unclaimed' }));
    const assigned = Object.fromEntries(leases.map(({ leaseKey }) => [leaseKey, 'gone']));
    expect((partOf(leases, assigned).take as string[]).length).toBe(3);
    expect((partOf(leases, assigned, { others: ['b', 'c'] }).take as string[]).length).toBe(2);
    expect(partOf(leases.slice(0, 1), { [shard(0)]: 'gone' })).toEqual({ ...nothing, take: [shard(0)] });
  });

  it('begins with others than the next worker does', () => {
    const leases = Array.from({ length: 12 }, (_, index) => viewed(index, { state: 'unclaimed' }));
    const assigned = Object.fromEntries(leases.map(({ leaseKey }) => [leaseKey, 'gone']));
    const worker = { workerId: 'you', maxLeases: Infinity };
    expect(partOf(leases, assigned).take).not.toEqual(partOf(leases, assigned, { worker }).take);
  });

  it('takes nothing beyond its limit of what others leave', () => {
    const unclaimed = Array.from({ length: 6 }, (_, index) => viewed(index, { state: 'unclaimed' }));
    const own = [7, 8].map((index) => viewed(index, { owner: 'me', state: 'movable' }));
    const assigned = { ...Object.fromEntries(unclaimed.map(({ leaseKey }) => [leaseKey, 'gone'])), [shard(0)]: 'me' };
    const leases = [...unclaimed, ...own];
    const takenWith = (maxLeases: number): number =>
      (partOf(leases, assigned, { worker: { workerId: 'me', maxLeases }, others: [] }).take as string[]).length;
    expect([3, 4, 5].map(takenWith)).toEqual([1, 2, 3]);
    expect(takenWith(2)).toBe(0);
  });

  it('adopts what was handed over to it, and nothing else that names it', () => {
    const unheld = viewed(1, { owner: 'me', state: 'fixed' }, { leaseOwner: 'me' });
    const others = viewed(2, { owner: 'b', state: 'fixed' }, { leaseOwner: 'b', handedOver: true });
    expect(partOf([handedToMe(0), unheld, others], {})).toEqual({ ...nothing, adopt: [shard(0)] });
  });

  it('adopts no more than it may hold', () => {
    const held = viewed(0, { owner: 'me', state: 'movable' });
    const onItsWay = viewed(1, { owner: 'me', state: 'fixed' }, { leaseOwner: 'a' });
    const leases = [held, onItsWay, handedToMe(2), handedToMe(3)];
    const adoptedWith = (maxLeases: number): unknown =>
      partOf(leases, {}, { worker: { workerId: 'me', maxLeases } }).adopt;
    expect(adoptedWith(4)).toEqual([shard(2), shard(3)]);
    expect(adoptedWith(3)).toEqual([shard(2)]);
    expect(adoptedWith(2)).toEqual([]);
    expect(adoptedWith(1)).toEqual([]);
  });

  it('does not adopt again what it holds, nor what it is adopting, and counts them', () => {
    const held = viewed(0, { owner: 'me', state: 'movable' }, { leaseOwner: 'me', handedOver: true });
    const moving = viewed(1, { owner: 'me', state: 'fixed' }, { leaseOwner: 'me', handedOver: true });
    const worker = { workerId: 'me', maxLeases: 3 };
    expect(partOf([held, moving, handedToMe(2), handedToMe(3)], {}, { worker }).adopt).toEqual([shard(2)]);
  });

  it('takes and asks for no more than this worker may have, whatever the plan says', () => {
    const leases = [
      viewed(0, { owner: 'me', state: 'movable' }),
      ...[1, 2].map((index) => viewed(index, { owner: undefined, state: 'free' })),
      ...[3, 4, 5].map((index) => viewed(index, { owner: 'other', state: 'movable' })),
    ];
    const assigned = Object.fromEntries(leases.map(({ leaseKey }) => [leaseKey, 'me']));
    const part = (maxLeases: number): object => partOf(leases, assigned, { worker: { workerId: 'me', maxLeases } });
    expect(part(4)).toMatchObject({ take: [shard(1), shard(2)], request: [shard(3)] });
    expect(part(2)).toMatchObject({ take: [shard(1)], request: [] });
    expect(part(1)).toMatchObject({ take: [], request: [] });
  });

  it('counts the free leases that the plan gives to nobody', () => {
    const leases = [
      viewed(0),
      viewed(1, { state: 'unclaimed' }),
      viewed(2),
      viewed(3, { owner: 'a', state: 'movable' }),
    ];
    expect(partOf(leases, { [shard(2)]: 'other' }).leftOver).toBe(2);
  });
});

describe('planInForce', () => {
  const [two, three, five] = [planOf({}, 2), planOf({}, 3), planOf({}, 5)] as const;
  const plans = [evenPlan, five, two, three];

  it.each([
    ['the newest when all have it', [5, 5], five],
    ['the oldest of the newest ones of the workers', [5, 2, 3], two],
    ['the newest that is older when one’s own version is not known here', [5, 4], three],
    ['the built-in one when there is nothing older', [5, 1], evenPlan],
    ['the newest known one among workers that know newer ones', [5, 9], five],
  ])('is %s', (_, versions, plan) => {
    expect(planInForce(plans, versions)).toBe(plan);
  });
});

describe('leases that have expired', () => {
  const expired = { hasExpired: true };
  const workers = unlimited('new', 'old-1', 'old-2');
  const leases = [viewed(0, expired), viewed(1, expired), viewed(2, { owner: 'old-1', state: 'movable' })];

  it('are for those who have watched them longest: for a newcomer they expire later', () => {
    const fleet = { leases, workers, newcomers: new Set(['new']), fillers: new Set<string>() };
    const partOf = (workerId: string) => planMyPart(evenPlan, fleet, { workerId, maxLeases: Infinity });
    expect(partOf('new')).toMatchObject({ take: [], request: [] });
    expect([...partOf('old-1').take, ...partOf('old-2').take].map(({ leaseKey }) => leaseKey).sort()).toEqual([
      shard(0),
      shard(1),
    ]);
  });

  it('are for everybody where all are new', () => {
    const fleet = { leases, workers, newcomers: new Set(['new', 'old-1', 'old-2']), fillers: new Set<string>() };
    expect(planMyPart(evenPlan, fleet, { workerId: 'new', maxLeases: Infinity }).take).toHaveLength(1);
  });
});

describe('the leases of a worker that is gone', () => {
  const fleet = { workers: unlimited('a', 'b', 'c'), newcomers: new Set<string>(), fillers: new Set<string>() };
  const takenBy = (workerId: string, expired: ReadonlySet<number>): readonly string[] => {
    const orphans = Array.from({ length: 10 }, (_, index) =>
      viewed(index, expired.has(index) ? { hasExpired: true } : { owner: 'gone', state: 'fixed' }),
    );
    const others = [10, 11, 12, 13, 14].map((index) =>
      viewed(index, { owner: index < 13 ? 'a' : 'b', state: 'movable' }),
    );
    const leases = [...orphans, ...others];
    const { take } = planMyPart(evenPlan, { ...fleet, leases }, { workerId, maxLeases: Infinity });
    return take.map(({ leaseKey }) => leaseKey);
  };

  it('are shown to a plan as if nobody had them, expired or not', () => {
    const seen: (readonly LeaseView[])[] = [];
    const plan: AssignmentPlan = {
      version: 1,
      assign: ({ leases }) => {
        seen.push(leases);
        return new Map();
      },
    };
    const leases = [viewed(0, { owner: 'gone', state: 'fixed' }), viewed(1, { state: 'fixed' }), viewed(2)];
    planMyPart(plan, { ...fleet, leases }, { workerId: 'a', maxLeases: Infinity });
    expect(seen[0]?.map(({ owner, state }) => [owner, state])).toEqual([
      [undefined, 'free'],
      [undefined, 'free'],
      [undefined, 'free'],
    ]);
  });

  it('go to the same workers whichever of them have expired so far', () => {
    const all = new Set(Array.from({ length: 10 }, (_, index) => index));
    const indexes = fc.subarray([...all]).map((some) => new Set(some));
    fc.assert(
      fc.property(fc.constantFrom('a', 'b', 'c'), indexes, (workerId, expired) => {
        const inTheEnd = takenBy(workerId, all);
        const hasExpired = (leaseKey: string): boolean => [...expired].some((index) => shard(index) === leaseKey);
        expect(takenBy(workerId, expired)).toEqual(inTheEnd.filter(hasExpired));
      }),
    );
  });
});

describe('a lease that this worker must not have now', () => {
  const fleet = { workers: unlimited('me', 'other'), newcomers: new Set<string>(), fillers: new Set<string>() };
  const barred = { isBarred: true };

  it('is not taken, not asked for and not adopted, though the plan gives it to it', () => {
    const leases = [
      viewed(0, barred),
      viewed(1, { ...barred, owner: 'other', state: 'movable' }),
      viewed(2, { ...barred, owner: 'me', state: 'fixed', isOffered: true }, { leaseOwner: 'me', handedOver: true }),
      viewed(3, { ...barred, state: 'unclaimed' }),
    ];
    const all = Object.fromEntries([0, 1, 2, 3].map((index) => [shard(index), 'me']));
    expect(planMyPart(planOf(all), { ...fleet, leases }, me)).toMatchObject({ take: [], request: [] });
    expect(adoptable(leases, me)).toEqual([]);
  });

  it('counts all the same: the plan sees what it would see without that', () => {
    const seen: (readonly LeaseView[])[] = [];
    const plan = {
      version: 1,
      assign: ({ leases }: { readonly leases: readonly LeaseView[] }) => {
        seen.push(leases);
        return new Map<string, string>();
      },
    };
    planMyPart(plan, { ...fleet, leases: [viewed(0, barred), viewed(1)] }, me);
    expect(seen[0]?.map(({ leaseKey }) => leaseKey)).toEqual([shard(0), shard(1)]);
  });
});
