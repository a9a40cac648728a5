import { HeldLease } from './held-lease';
import type { HeldLeaseParts } from './held-lease-parts';
import type { AcquiredLease } from './lease-moves';
import type { Tasks } from './tasks';

export interface LeaseHoldingsDependencies extends HeldLeaseParts {
  readonly tasks: Tasks;
  /** Called once for each lease acquired. Must not throw. */
  readonly onAcquired: (held: HeldLease) => void;
  /** A lease has ended, in whatever way. `to`: who has it now, and is to be told. */
  readonly onEnded: (leaseKey: string, to: string | undefined) => void;
}

/** The leases that this worker holds, from their acquisition to their end. */
export class LeaseHoldings {
  readonly #deps: LeaseHoldingsDependencies;
  readonly #held = new Map<string, HeldLease>();
  #hasAbandoned = false;

  constructor(deps: LeaseHoldingsDependencies) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Some were left to expire: until they have, this worker is not quite gone. */
  get hasAbandoned(): boolean {
    return this.#hasAbandoned;
  }

  /** Others have asked for some. */
  get isGiving(): boolean {
    for (const { receiver } of this.#held.values()) if (receiver !== undefined) return true;
    return false;
  }

  has(leaseKey: string): boolean {
    return this.#held.has(leaseKey);
  }

  get(leaseKey: string): HeldLease | undefined {
    return this.#held.get(leaseKey);
  }

  all(): readonly HeldLease[] {
    return [...this.#held.values()];
  }

  /** Keeps a lease that was just acquired, and lets it be used; or gives it back at once if it is `unwanted` by now. */
  hold(acquired: AcquiredLease, { unwanted }: { readonly unwanted: boolean }): void {
    const { logger, tasks, onAcquired } = this.#deps;
    const held = new HeldLease(this.#deps, acquired);
    this.#held.set(held.leaseKey, held);
    tasks.add(this.#keep(held));
    if (unwanted) {
      tasks.add(held.release());
      return;
    }
    try {
      onAcquired(held);
    } catch (err) {
      logger.error({ leaseKey: held.leaseKey, err }, 'lease could not be used');
      held.abandon();
    }
  }

  /** Until the lease ends. */
  async #keep(held: HeldLease): Promise<void> {
    const { logger, reporter, onEnded } = this.#deps;
    const { leaseKey, fencingToken } = held;
    try {
      await held.run();
    } finally {
      this.#held.delete(leaseKey);
    }
    const { ending, receiver } = held;
    if (ending === 'abandoned') this.#hasAbandoned = true;
    if (ending === 'released' || ending === 'handed-over') {
      logger.info({ leaseKey, fencingToken, ending, to: receiver }, 'lease given back');
    }
    onEnded(leaseKey, ending === 'handed-over' ? receiver : undefined);
    reporter.notify((observer) => {
      if (ending === 'handed-over') observer.handedOver?.({ leaseKey, to: receiver ?? '' });
      else if (ending === 'released') observer.released?.({ leaseKey });
      else observer.lost?.({ leaseKey, abandoned: ending === 'abandoned' });
    });
  }
}
