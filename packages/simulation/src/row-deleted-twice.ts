import type { FaultKind } from './fault-kinds';
import type { Fleet } from './fleet';
import { isFinished } from './lease-row';
import type { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import type { ManualHarm } from './manual-harm';
import type { ServiceCall } from './service-call';

export interface RowDeletedTwiceParts {
  readonly fleet: Fleet;
  readonly manual: ManualHarm;
  readonly leases: LeaseWatch;
  readonly onHappening: (kind: FaultKind, what: string) => void;
}

/**
 * Somebody deletes the row of a lease that is being read, and once it was put back deletes it again: the counter that it was put back
 * with is of a wall clock, and the one who puts it back now has one that is behind that. But all who are there have seen it: who
 * has not cannot know better.
 */
export class RowDeletedTwice {
  readonly #parts: RowDeletedTwiceParts;
  #leaseKey: string | undefined;
  readonly #listing = new Set<Machine>();
  /** Those that have looked for missing rows since it was put back. */
  readonly #haveSeen = new Set<Machine>();
  #isOver = false;

  constructor(parts: RowDeletedTwiceParts) {
    this.#parts = parts;
  }

  /** A call has taken effect just now. An audit lists the shards, and then reads the table. */
  performed(machine: Machine, { operation }: ServiceCall): void {
    if (this.#isOver) return;
    if (operation === 'Scan' && this.#listing.delete(machine)) this.#haveSeen.add(machine);
    if (operation !== 'ListShards') return;
    if (this.#leaseKey === undefined) this.#deleteFirst(machine);
    else this.#deleteAgain(machine, this.#leaseKey);
  }

  #deleteFirst(auditor: Machine): void {
    const { fleet, leases, manual, onHappening } = this.#parts;
    if (!fleet.live().some(({ machine }) => machine.wallTime() < auditor.wallTime())) return;
    for (const row of leases.rows.values()) {
      if (isFinished(row) || leases.holder(row.leaseKey) === undefined) continue;
      if (manual.deleteRow(row.leaseKey) === undefined) return;
      this.#leaseKey = row.leaseKey;
      onHappening('row-deleted', row.leaseKey);
      return;
    }
  }

  #deleteAgain(auditor: Machine, leaseKey: string): void {
    const { fleet, leases, manual, onHappening } = this.#parts;
    const row = leases.rows.get(leaseKey);
    if (row === undefined || isFinished(row)) return;
    this.#listing.add(auditor);
    const isKnown = fleet.live().every(({ machine }) => this.#haveSeen.has(machine));
    if (!isKnown || auditor.wallTime() >= row.counter) return;
    if (manual.deleteRow(leaseKey, { isSecond: true }) === undefined) return;
    this.#isOver = true;
    onHappening('row-deleted', `${leaseKey} again, and the clock of ${auditor.name} is behind its counter`);
  }
}
