import type { Lease } from '@millrace/core';
import { aLease, seededRandom } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AssignmentPlan, type LeaseView, planAssignment } from '../src/assignment-plan';

function key(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

/** `owners[i]` owns lease i; null: it is free. */
function rows(owners: readonly (string | null)[]): Lease[] {
  return owners.map((owner, index) =>
    aLease({ leaseKey: key(index), leaseOwner: owner ?? undefined, leaseCounter: 1 }),
  );
}

function viewOf(leases: readonly Lease[], me: string): LeaseView[] {
  return leases.map((lease) => ({
    lease,
    state: lease.leaseOwner === undefined ? 'free' : 'owned',
    held: lease.leaseOwner === me && !lease.handedOver && lease.checkpointOwner === undefined,
  }));
}

function plan(leases: readonly Lease[], me: string, maxLeases = Infinity): AssignmentPlan {
  return planAssignment({ leases: viewOf(leases, me), me, maxLeases });
}

function loadsOf(leases: readonly Lease[], workers: readonly string[]): number[] {
  return workers.map((worker) => leases.filter(({ leaseOwner }) => leaseOwner === worker).length);
}

function spread(loads: readonly number[]): number {
  return Math.max(...loads) - Math.min(...loads);
}

/** All workers act on the same view, their writes arrive in a random order, hand-overs complete before the next look. */
function round(leases: readonly Lease[], workers: readonly string[], seed: number): { after: Lease[]; moves: number } {
  const random = seededRandom(seed);
  const moves = workers
    .flatMap((worker) => {
      const { take, adopt, request } = plan(leases, worker);
      expect(adopt).toEqual([]);
      return [...take, ...request].map((lease) => ({ worker, lease, order: random.next() }));
    })
    .sort((a, b) => a.order - b.order);
  const owners = new Map(leases.map((lease) => [lease.leaseKey, lease.leaseOwner]));
  for (const { worker, lease } of moves) {
    if (owners.get(lease.leaseKey) === lease.leaseOwner) owners.set(lease.leaseKey, worker);
  }
  return {
    moves: moves.length,
    after: leases.map((lease) => ({ ...lease, leaseOwner: owners.get(lease.leaseKey) })),
  };
}

describe('planAssignment', () => {
  it('takes everything when it is alone', () => {
    expect(plan(rows([null, null, null]), 'me').take).toHaveLength(3);
  });

  it('takes its share, rounded up, of what is free', () => {
    expect(plan(rows(['a', null, null, null, null]), 'me').take).toHaveLength(2);
    expect(plan(rows(['a', null, null, null, null, null]), 'me').take).toHaveLength(3);
  });

  it('takes no more than it may', () => {
    expect(plan(rows([null, null, null]), 'me', 2).take).toHaveLength(2);
    expect(plan(rows(['me', null, null]), 'me', 2).take).toHaveLength(1);
  });

  it('takes what nobody takes, beyond its share', () => {
    const leases = rows(['me', 'me', 'b', null, null]);
    expect(plan(leases, 'me').take).toHaveLength(1);
    const views = viewOf(leases, 'me').map((view) => ({
      ...view,
      state: view.lease.leaseOwner ? ('owned' as const) : ('unclaimed' as const),
    }));
    expect(planAssignment({ leases: views, me: 'me', maxLeases: Infinity }).take).toHaveLength(2);
    expect(planAssignment({ leases: views, me: 'me', maxLeases: 3 }).take).toHaveLength(1);
  });

  it('asks the busiest for the rest of its share', () => {
    const { take, request } = plan(rows(['a', 'a', 'a', 'a', 'b', 'b']), 'me');
    expect(take).toEqual([]);
    expect(request.map(({ leaseOwner }) => leaseOwner)).toEqual(['a', 'a']);
  });

  it('asks nobody while the loads are within one', () => {
    expect(plan(rows(['a', 'a', 'me']), 'me').request).toEqual([]);
    expect(plan(rows(['a']), 'me').request).toEqual([]);
  });

  it('asks for what it may have, not more', () => {
    expect(plan(rows(Array.from({ length: 10 }, () => 'a')), 'me', 3).request).toHaveLength(3);
  });

  it('counts a lease that is asked for as the receiver’s, and asks for it no more', () => {
    const leases = rows(['a', 'a', 'a', 'a']).map((lease, index) =>
      index < 2 ? { ...lease, leaseOwner: 'me', checkpointOwner: 'a', receiver: 'me' } : lease,
    );
    expect(plan(leases, 'me').request).toEqual([]);
    expect(plan(leases, 'a')).toEqual({ take: [], adopt: [], request: [] });
  });

  it('does not ask a receiver for what it has not got yet', () => {
    const leases = rows(['b', 'b', 'b', 'b']).map((lease) => ({ ...lease, checkpointOwner: 'a', receiver: 'b' }));
    expect(plan(leases, 'me').request).toEqual([]);
  });

  it('does not ask for a lease that its owner has not adopted yet', () => {
    const leases = rows(['a', 'a', 'a', 'a']).map((lease) => ({ ...lease, handedOver: true }));
    expect(plan(leases, 'me').request).toEqual([]);
  });

  it('adopts what was handed over to it, and nothing else that names it', () => {
    const [handedOver, notMine, unheld] = rows(['me', 'a', 'me']);
    const views: LeaseView[] = [
      { lease: { ...handedOver!, handedOver: true }, state: 'owned', held: false },
      { lease: { ...notMine!, handedOver: true }, state: 'owned', held: false },
      { lease: unheld!, state: 'owned', held: false },
    ];
    expect(planAssignment({ leases: views, me: 'me', maxLeases: Infinity }).adopt).toEqual([views[0]!.lease]);
  });

  it('adopts no more than it may hold', () => {
    const leases = rows(['me', 'me', 'me']).map((lease, index) => ({ ...lease, handedOver: index > 0 }));
    expect(plan(leases, 'me', 2).adopt).toHaveLength(1);
  });

  it('leaves a healed row alone until it expires', () => {
    const healed = { ...rows([null])[0]!, healed: true };
    const views: LeaseView[] = [{ lease: healed, state: 'owned', held: false }];
    expect(planAssignment({ leases: views, me: 'me', maxLeases: Infinity })).toEqual({
      take: [],
      adopt: [],
      request: [],
    });
  });

  it('lets two newcomers that do not know each other ask for the same leases, not for all of them', () => {
    const leases = rows(Array.from({ length: 12 }, () => 'a'));
    const asked = new Set([...plan(leases, 'b').request, ...plan(leases, 'c').request].map(({ leaseKey }) => leaseKey));
    expect(asked.size).toBe(6);
  });

  it('goes through what is free in an order of each worker’s own', () => {
    const leases = rows(Array.from({ length: 12 }, () => null));
    const first = (me: string): string[] => plan(leases, me).take.map(({ leaseKey }) => leaseKey);
    expect(first('b')).not.toEqual(first('c'));
    expect(first('b')).toEqual(first('b'));
  });

  const workerNames = ['a', 'b', 'c', 'd', 'e', 'f'];
  const fleets = fc
    .record({
      workers: fc.integer({ min: 1, max: 6 }),
      owners: fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { maxLength: 40 }),
      seed: fc.integer(),
    })
    .map(({ workers, owners, seed }) => ({
      workers: workerNames.slice(0, workers),
      leases: rows(owners.map((owner) => (owner === null ? null : workerNames[owner % workers]!))),
      seed,
    }));

  it('comes within one lease of even, with every lease owned, whoever acts on the same view', () => {
    fc.assert(
      fc.property(fleets, ({ workers, leases, seed }) => {
        let current = leases;
        let rounds = 0;
        for (; rounds < 12; rounds++) {
          const { after, moves } = round(current, workers, seed + rounds);
          if (moves === 0) break;
          current = after;
        }
        expect(rounds).toBeLessThan(12);
        expect(current.every(({ leaseOwner }) => leaseOwner !== undefined)).toBe(true);
        expect(spread(loadsOf(current, workers))).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it('moves nothing once the loads are even', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 5 }),
        (workers, count, shift) => {
          const leases = rows(
            Array.from({ length: count }, (_, index) => workerNames[(index + shift) % workers] ?? null),
          );
          for (const worker of workerNames.slice(0, workers)) {
            expect(plan(leases, worker)).toEqual({ take: [], adopt: [], request: [] });
          }
        },
      ),
    );
  });

  it('takes no more leases from an owner than it has too many of, when all know each other', () => {
    fc.assert(
      fc.property(fleets, ({ workers, leases }) => {
        const owned = leases.filter(({ leaseOwner }) => leaseOwner !== undefined);
        const known = workers.filter((worker) => owned.some(({ leaseOwner }) => leaseOwner === worker));
        if (known.length === 0) return;
        const asked = known.flatMap((worker) => plan(owned, worker).request);
        expect(new Set(asked).size).toBe(asked.length);
        const fair = Math.floor(owned.length / known.length);
        known.forEach((worker) => {
          const left = owned.filter((lease) => lease.leaseOwner === worker && !asked.includes(lease)).length;
          const before = owned.filter((lease) => lease.leaseOwner === worker).length;
          expect(left).toBeGreaterThanOrEqual(Math.min(before, fair));
        });
      }),
    );
  });

  it('does not depend on the order of the view', () => {
    fc.assert(
      fc.property(fleets, ({ leases, workers }) => {
        const me = workers[0] ?? 'a';
        expect(plan([...leases].reverse(), me)).toEqual(plan(leases, me));
      }),
    );
  });
});
