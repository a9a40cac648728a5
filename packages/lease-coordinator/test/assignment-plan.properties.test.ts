import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { evenPlan, type LeaseView, type WorkerView } from '../src';
import { carriedOut, loadsOf, shard } from './lease-view-builder';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];

interface World {
  readonly workers: readonly WorkerView[];
  readonly leases: readonly LeaseView[];
}

/** Any state of a fleet: leases of live workers, of one that leaves, of nobody, some of them on their way. */
function worlds({ limits, fixed }: { readonly limits: boolean; readonly fixed: boolean }): fc.Arbitrary<World> {
  const lease = fc.record({
    owner: fc.integer({ min: -1, max: fixed ? 6 : 5 }),
    isFixed: fc.boolean(),
    acquiredAtMs: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  });
  return fc
    .record({
      maxLeases: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
      unlimited: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      leases: fc.array(lease, { maxLength: 40 }),
    })
    .map(({ maxLeases, unlimited, leases }) => {
      const workers = maxLeases.map((max, index) => ({
        workerId: names[index] ?? '',
        maxLeases: limits && unlimited[index] !== true ? max : Infinity,
      }));
      return {
        workers,
        leases: leases.map(({ owner, isFixed, acquiredAtMs }, index): LeaseView => {
          const leaseKey = shard(index);
          if (owner === -1) return { leaseKey, acquiredAtMs, owner: undefined, state: isFixed ? 'unclaimed' : 'free' };
          if (owner === 6) return { leaseKey, acquiredAtMs, owner: 'leaver', state: 'fixed' };
          const name = workers[owner % workers.length]?.workerId;
          return { leaseKey, acquiredAtMs, owner: name, state: fixed && isFixed ? 'fixed' : 'movable' };
        }),
      };
    });
}

function afterARound({ leases, workers }: World, nowMs: number): readonly LeaseView[] {
  return carriedOut(leases, evenPlan.assign({ leases, workers }), nowMs);
}

/** What was on its way has arrived, and who was about to leave has left. */
function settled(leases: readonly LeaseView[]): readonly LeaseView[] {
  return leases.map((view) =>
    view.owner === 'leaver'
      ? { ...view, owner: undefined, state: 'free' }
      : { ...view, state: view.owner === undefined ? 'free' : 'movable' },
  );
}

function expectEven(leases: readonly LeaseView[], workers: readonly WorkerView[]): void {
  const loads = loadsOf(leases, workers);
  expect(leases.every(({ owner }) => owner !== undefined)).toBe(true);
  expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
}

/** The fewest owned leases that have to move until the loads are even. */
function fewestMoves({ leases, workers }: World): number {
  const loads = loadsOf(leases, workers);
  const share = Math.floor(leases.length / workers.length);
  const withOneMore = leases.length % workers.length;
  const above = loads.filter((load) => load > share);
  return above.reduce((sum, load) => sum + load - share, 0) - Math.min(withOneMore, above.length);
}

describe('evenPlan, from any state', () => {
  it('is even after one round, and moves nothing in the next', () => {
    fc.assert(
      fc.property(worlds({ limits: false, fixed: false }), (world) => {
        const { workers } = world;
        const after = afterARound(world, 10);
        expectEven(after, workers);
        expect(evenPlan.assign({ leases: after, workers }).size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('is even after two rounds when leases were on their way, and no lease moves in both', () => {
    fc.assert(
      fc.property(worlds({ limits: false, fixed: true }), (world) => {
        const { workers } = world;
        const first = evenPlan.assign(world);
        const between = settled(carriedOut(world.leases, first, 10));
        const second = evenPlan.assign({ leases: between, workers });
        const after = carriedOut(between, second, 20);
        expectEven(after, workers);
        expect([...second.keys()].filter((key) => first.has(key))).toEqual([]);
        expect(evenPlan.assign({ leases: after, workers }).size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('names the same workers for what is still free when some of it has been taken', () => {
    const isFree = ({ owner }: LeaseView): boolean => owner === undefined;
    fc.assert(
      fc.property(worlds({ limits: true, fixed: true }), fc.infiniteStream(fc.boolean()), (world, chance) => {
        const { workers } = world;
        const plan = evenPlan.assign(world);
        const taken = world.leases.filter((view) => isFree(view) && chance.next().value === true);
        const takes = new Map([...plan].filter(([leaseKey]) => taken.some((view) => view.leaseKey === leaseKey)));
        const after = carriedOut(world.leases, takes, 10);
        const next = evenPlan.assign({ leases: after, workers });
        const stillFree = after.filter(isFree).map(({ leaseKey }) => leaseKey);
        expect(stillFree.map((leaseKey) => next.get(leaseKey))).toEqual(
          stillFree.map((leaseKey) => plan.get(leaseKey)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('names the same workers for what is still to be asked for when some of it has been', () => {
    fc.assert(
      fc.property(worlds({ limits: false, fixed: false }), fc.infiniteStream(fc.boolean()), (world, chance) => {
        const { workers } = world;
        const leases = world.leases.filter(({ owner }) => owner !== undefined);
        const plan = evenPlan.assign({ leases, workers });
        const asked = new Map([...plan].filter(() => chance.next().value === true));
        const after = leases.map((view): LeaseView => {
          const owner = asked.get(view.leaseKey);
          return owner === undefined ? view : { ...view, owner, state: 'fixed' };
        });
        const next = evenPlan.assign({ leases: after, workers });
        expect([...next]).toEqual([...plan].filter(([leaseKey]) => !asked.has(leaseKey)));
      }),
      { numRuns: 500 },
    );
  });

  it('moves no more than evenness needs', () => {
    fc.assert(
      fc.property(worlds({ limits: false, fixed: false }), (world) => {
        const assigned = evenPlan.assign(world);
        const moved = world.leases.filter(({ owner, leaseKey }) => owner !== undefined && assigned.has(leaseKey));
        expect(moved).toHaveLength(fewestMoves(world));
      }),
      { numRuns: 500 },
    );
  });

  it('is even as far as the limits allow, and puts nobody above its limit', () => {
    fc.assert(
      fc.property(worlds({ limits: true, fixed: false }), (world) => {
        const { workers, leases } = world;
        const after = afterARound(world, 10);
        const before = loadsOf(leases, workers);
        const loads = loadsOf(after, workers);
        const hasRoom = workers.map(({ maxLeases }, index) => (loads[index] ?? 0) < maxLeases);
        workers.forEach(({ maxLeases }, index) => {
          expect(loads[index]).toBeLessThanOrEqual(Math.max(maxLeases, before[index] ?? 0));
        });
        if (after.some(({ owner }) => owner === undefined)) expect(hasRoom).not.toContain(true);
        loads.forEach((load, one) => {
          loads.forEach((otherLoad, other) => {
            if (load > otherLoad + 1 && one !== other) expect(hasRoom[other]).toBe(false);
          });
        });
        expect(evenPlan.assign({ leases: after, workers }).size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('gives only what is free or can be asked for, to a live worker, which is not its owner', () => {
    fc.assert(
      fc.property(worlds({ limits: true, fixed: true }), (world) => {
        const byKey = new Map(world.leases.map((view) => [view.leaseKey, view]));
        for (const [leaseKey, worker] of evenPlan.assign(world)) {
          const view = byKey.get(leaseKey);
          expect(view?.state).not.toBe('fixed');
          expect(view?.owner).not.toBe(worker);
          expect(world.workers.map(({ workerId }) => workerId)).toContain(worker);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('puts nobody above its limit while leases are on their way either', () => {
    fc.assert(
      fc.property(worlds({ limits: true, fixed: true }), (world) => {
        const before = loadsOf(world.leases, world.workers);
        loadsOf(afterARound(world, 10), world.workers).forEach((load, index) => {
          expect(load).toBeLessThanOrEqual(Math.max(world.workers[index]?.maxLeases ?? 0, before[index] ?? 0));
        });
      }),
      { numRuns: 500 },
    );
  });

  it('keeps with each worker what it acquired first', () => {
    fc.assert(
      fc.property(worlds({ limits: false, fixed: false }), (world) => {
        const assigned = evenPlan.assign(world);
        for (const { workerId } of world.workers) {
          const own = world.leases.filter(({ owner }) => owner === workerId);
          const timeOf = ({ acquiredAtMs }: LeaseView): number => acquiredAtMs ?? 0;
          const moved = own.filter(({ leaseKey }) => assigned.has(leaseKey)).map(timeOf);
          const kept = own.filter(({ leaseKey }) => !assigned.has(leaseKey)).map(timeOf);
          if (moved.length > 0 && kept.length > 0) expect(Math.min(...moved)).toBeGreaterThanOrEqual(Math.max(...kept));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for everybody: the order of what it is given does not matter, and it changes none of it', () => {
    fc.assert(
      fc.property(
        worlds({ limits: true, fixed: true }).chain((world) =>
          fc.record({
            world: fc.constant(world),
            leases: fc.shuffledSubarray([...world.leases], { minLength: world.leases.length }),
            workers: fc.shuffledSubarray([...world.workers], { minLength: world.workers.length }),
          }),
        ),
        ({ world, leases, workers }) => {
          const before = structuredClone({ leases, workers });
          const sorted = (assigned: ReadonlyMap<string, string>): unknown => [...assigned].sort();
          expect(sorted(evenPlan.assign({ leases, workers }))).toEqual(sorted(evenPlan.assign(world)));
          expect({ leases, workers }).toEqual(before);
        },
      ),
      { numRuns: 500 },
    );
  });
});
