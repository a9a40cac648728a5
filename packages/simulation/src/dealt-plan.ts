import type { WorkerOptions } from 'millrace';

type AssignmentPlan = NonNullable<NonNullable<WorkerOptions['leases']>['plans']>[number];

/**
 * A second version of the plan, as a later release might bring one: leases in the order of their names are dealt to workers
 * in the opposite order of theirs, whoever has them. Shares are as even as with the first, but it never leaves a lease where
 * it is only because it is there; and what it moves, the first would move back. Both at once would never come to rest.
 */
export const dealtPlan: AssignmentPlan = {
  version: 2,
  assign({ leases, workers }) {
    const takers = workers.map(({ workerId }) => workerId).sort((a, b) => (a < b ? 1 : -1));
    const keys = leases.map(({ leaseKey }) => leaseKey).sort((a, b) => (a < b ? -1 : 1));
    const assigned = new Map<string, string>();
    for (const [index, leaseKey] of keys.entries()) {
      const taker = takers[index % takers.length];
      if (taker !== undefined) assigned.set(leaseKey, taker);
    }
    return assigned;
  },
};
