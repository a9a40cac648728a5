import type { Clock, Lease, Logger } from '@millrace/core';
import { type AssignmentPlan, evenPlan, type WorkerView } from './assignment-plan';
import type { ResolvedLeaseOptions } from './lease-options';
import { type FleetView, isHandedOverTo } from './lease-views';
import { adoptable, type MyPart, planInForce, planMyPart } from './my-part';
import { planFirstOwners, planSuccessors } from './planned-owners';
import type { OwnKnowledge, TableView } from './table-view';

export interface FleetPlannerDependencies {
  readonly workerId: string;
  readonly options: ResolvedLeaseOptions;
  readonly table: TableView;
  readonly own: OwnKnowledge;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A fleet in which workers appear all the time must be balanced all the same. */
const MAX_UNSETTLED = 8;

/** What this worker makes of the table: who is there, and who is to do what. */
export class FleetPlanner {
  readonly #deps: FleetPlannerDependencies;
  readonly #me: WorkerView;
  #knownWorkers: ReadonlySet<string> = new Set();
  #unsettled = 0;

  constructor(deps: FleetPlannerDependencies) {
    this.#deps = deps;
    this.#me = { workerId: deps.workerId, maxLeases: deps.options.maxLeases };
  }

  fleet(): FleetView {
    const { table, own, clock } = this.#deps;
    return table.fleet(own, clock.now());
  }

  /**
   * Whether shares may be computed: not in the moment in which a worker has appeared, since others may come with it.
   * To be asked once after each reading of the table.
   */
  isSettled(fleet: FleetView): boolean {
    const workers = new Set(fleet.workers.map(({ workerId }) => workerId));
    const hasNew = [...workers].some((workerId) => !this.#knownWorkers.has(workerId));
    this.#knownWorkers = workers;
    const waits = this.#deps.options.registry && hasNew && this.#unsettled < MAX_UNSETTLED;
    this.#unsettled = waits ? this.#unsettled + 1 : 0;
    return !waits;
  }

  takesPart(workerId: string): boolean {
    return this.fleet().workers.some((worker) => worker.workerId === workerId);
  }

  /** What others handed over to me. */
  adoptable(fleet?: FleetView): readonly Lease[] {
    const { table, own, workerId } = this.#deps;
    const isOffered = (lease: Lease): boolean =>
      isHandedOverTo(workerId, lease) && !own.isHeld(lease.leaseKey) && !own.isMoving(lease.leaseKey);
    // To see who is there takes a look at all leases: not for mail that only asks for something.
    return table.leases.some(isOffered) ? adoptable((fleet ?? this.fleet()).leases, this.#me) : [];
  }

  myPart(fleet: FleetView): MyPart {
    return planMyPart(this.#plan(fleet), fleet, this.#me);
  }

  /** Who is to get all that this worker has, or the one lease that is named. */
  successors(onlyLeaseKey?: string): ReadonlyMap<string, string> {
    const fleet = this.fleet();
    return planSuccessors(this.#plan(fleet), fleet, this.#me.workerId, onlyLeaseKey);
  }

  /** Who of these workers each lease of a table that is being filled is for; the first may have an owner already. */
  firstOwners(
    leaseKeys: readonly string[],
    workers: readonly WorkerView[],
    firstOwner: string | undefined,
  ): ReadonlyMap<string, string> {
    return planFirstOwners(this.#plan(this.fleet()), workers, leaseKeys, firstOwner);
  }

  #plan(fleet: FleetView): AssignmentPlan {
    const { table, options, logger } = this.#deps;
    const plan = planInForce(options.plans, table.planVersions(fleet));
    const { version } = plan;
    return {
      version,
      assign: (request) => {
        if (request.workers.length === 0) return new Map();
        try {
          return plan.assign(request);
        } catch (err) {
          // A plan of the user's own must not cost leases.
          logger.error({ err, version }, 'plan failed, the even one is used instead');
          return evenPlan.assign(request);
        }
      },
    };
  }
}
