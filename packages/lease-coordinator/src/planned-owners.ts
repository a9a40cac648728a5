import type { AssignmentPlan, LeaseView, WorkerView } from './assignment-plan';
import type { FleetView } from './lease-views';

/**
 * Who is to get the leases of a worker that gives them up: all of them, or the one that is named. By the plan for the fleet
 * without that worker, so that together they are shared out evenly.
 */
export function planSuccessors(
  plan: AssignmentPlan,
  { leases, workers }: Pick<FleetView, 'leases' | 'workers'>,
  leaver: string,
  onlyLeaseKey?: string,
): ReadonlyMap<string, string> {
  // What the leaver keeps is not to be shared out, and must not make the others' shares look greater.
  const isKept = ({ owner, leaseKey }: LeaseView): boolean =>
    owner === leaver && onlyLeaseKey !== undefined && leaseKey !== onlyLeaseKey;
  const views = leases
    .filter((view) => !isKept(view))
    .map((view): LeaseView => {
      if (view.owner === leaver) return { ...view, owner: undefined, state: 'free' };
      return { ...view, state: 'fixed' };
    });
  return plan.assign({ leases: views, workers: workers.filter(({ workerId }) => workerId !== leaver) });
}

/** Who each lease of a table that is being filled is for. The first one may have an owner already. */
export function planFirstOwners(
  plan: AssignmentPlan,
  workers: readonly WorkerView[],
  leaseKeys: readonly string[],
  firstOwner: string | undefined,
): ReadonlyMap<string, string> {
  const leases = leaseKeys.map((leaseKey, index): LeaseView => {
    const owner = index === 0 && workers.some(({ workerId }) => workerId === firstOwner) ? firstOwner : undefined;
    return { leaseKey, acquiredAtMs: undefined, owner, state: owner === undefined ? 'free' : 'fixed' };
  });
  return plan.assign({ leases, workers });
}
