import { describe, expect, it } from '@jest/globals';
import { evenPlan, type AssignmentPlan, type LeaseView } from '@millrace/lease-coordinator';
import { dealtPlan } from '../src/dealt-plan';

const workers = ['w1', 'w2', 'w3'].map((workerId) => ({ workerId, maxLeases: Infinity }));
const leaseKeys = ['a', 'b', 'c', 'd', 'e', 'f'];

function views(owners: ReadonlyMap<string, string>): readonly LeaseView[] {
  return leaseKeys.map((leaseKey) => {
    const owner = owners.get(leaseKey);
    return { leaseKey, owner, acquiredAtMs: 0, state: owner === undefined ? ('free' as const) : ('movable' as const) };
  });
}

/** Who has what when a plan was carried out. */
function after(plan: AssignmentPlan, owners: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...owners, ...plan.assign({ leases: views(owners), workers })]);
}

describe('the second version of the plan', () => {
  it('shares evenly, and comes to rest', () => {
    const once = after(dealtPlan, new Map());
    const loads = workers.map(({ workerId }) => [...once.values()].filter((owner) => owner === workerId).length);
    expect(loads).toEqual([2, 2, 2]);
    expect(after(dealtPlan, once)).toEqual(once);
  });

  it('moves what the first would leave, and the first takes back what is moved alone', () => {
    const first = after(evenPlan, new Map());
    expect(after(evenPlan, first)).toEqual(first);
    const wanted = after(dealtPlan, first);
    const moved = leaseKeys.find((key) => wanted.get(key) !== first.get(key));
    if (moved === undefined) throw new Error('the two plans agree by chance: take other names');
    const halfWay = new Map(first).set(moved, wanted.get(moved) ?? '');
    expect(after(evenPlan, halfWay)).not.toEqual(halfWay);
  });
});
