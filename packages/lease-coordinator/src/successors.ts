import { type Clock, withDeadline } from '@millrace/core';
import type { FleetPlanner } from './fleet-planner';
import type { ResolvedLeaseOptions } from './lease-options';

export interface SuccessorsDependencies {
  readonly planner: FleetPlanner;
  readonly options: ResolvedLeaseOptions;
  readonly clock: Clock;
  /** Tells the others that this worker stops, and reads the table then. */
  readonly announceAndRead: () => Promise<void>;
}

/** Who gets the leases that this worker gives up by itself. */
export class Successors {
  readonly #deps: SuccessorsDependencies;
  #ofStop: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(deps: SuccessorsDependencies) {
    this.#deps = deps;
  }

  /** To be called once, before the first lease of a stop is given up: together they are shared out evenly. */
  planStop(): void {
    this.#ofStop = this.#plan();
  }

  /** Resolves when no reading for a stop is under way. */
  async planned(): Promise<void> {
    await this.#ofStop;
  }

  /** Undefined: nobody. */
  async of(leaseKey: string): Promise<string | undefined> {
    const { planner } = this.#deps;
    const ofStop = this.#ofStop;
    const planned = (await ofStop)?.get(leaseKey);
    if (ofStop !== undefined && (planned === undefined || planner.takesPart(planned))) return planned;
    // By itself, or because the one that was to have it has left by now, or is about to.
    return planner.successors(leaseKey).get(leaseKey);
  }

  /**
   * Others may be stopping too: those who have said so by the time that this worker has said it are left out. Nobody
   * waits long for that.
   */
  async #plan(): Promise<ReadonlyMap<string, string>> {
    const { planner, options, clock, announceAndRead } = this.#deps;
    if (options.registry) {
      const what = 'reading the lease table for successors';
      await withDeadline(clock, 2 * options.settleMs, { what }, announceAndRead).catch(() => undefined);
    }
    return planner.successors();
  }
}
