import type { FaultKind } from './fault-kinds';
import type { Fleet } from './fleet';
import type { FleetSettings } from './fleet-settings';
import type { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import { isWrite, type ServiceCall } from './service-call';
import { rowKeyOf } from './table-call';
import type { VirtualTime } from './virtual-time';
import { writeKindOf } from './write-kinds';

export interface FullFleetParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly fleet: Fleet;
  readonly leases: LeaseWatch;
  readonly onHappening: (kind: FaultKind, what: string) => void;
}

/** As long as an answer may take. */
const readingHeldUpMs = 4_500;
/** Nearly as long as who stops waits for a reading of what is in the table by then: two looks of half a second. */
const lastReadingHeldUpMs = 900;
/** Most fleets have filled their table by then. */
const fillsWithinMs = 20_000;

/**
 * A fleet that may have fewer leases than there are, where a worker comes to its limit in two ways at once:
 *
 * - Who fills the table gets one reading late, of the moment in which another has created a row that anybody may take; it may have
 *   taken that by then.
 * - When one comes to a fleet that is big enough without it, and there is something free that it takes, another stops: it gives the
 *   newcomer one more, because of a reading from before the take, which it gets late.
 */
export class FullFleet {
  readonly #parts: FullFleetParts;
  /** Those that have yet to read the table since somebody has created a row of nobody's; absent before. */
  #overtaken: Set<Machine> | undefined;
  readonly #known = new Set<Machine>();
  /** Who was told to stop; and whether it has said so to the others. The first reading after that, as a rule its last, is late. */
  readonly #leavers = new Map<Machine, { hasSaidSo: boolean }>();

  constructor(parts: FullFleetParts) {
    this.#parts = parts;
  }

  /** A call has taken effect just now. Returns for how long its answer is held up. */
  performed(machine: Machine, call: ServiceCall): number {
    if (call.operation === 'Scan') return this.#heldUpMs(machine);
    if (!isWrite(call)) return 0;
    const kind = writeKindOf(call);
    if (kind === 'creates') this.#created(machine, rowKeyOf(call.input));
    else if (kind === 'shows life') this.#showsLife(machine);
    return 0;
  }

  #heldUpMs(machine: Machine): number {
    if (this.#leavers.get(machine)?.hasSaidSo === true) {
      this.#leavers.delete(machine);
      return lastReadingHeldUpMs;
    }
    if (this.#overtaken?.delete(machine) !== true) return 0;
    this.#parts.onHappening('late-read', `${machine.name} hears late of a row that anybody may take`);
    return readingHeldUpMs;
  }

  #created(machine: Machine, leaseKey = ''): void {
    const { fleet, leases } = this.#parts;
    const row = leases.rows.get(leaseKey);
    if (this.#overtaken !== undefined || row === undefined || row.leaseOwner !== undefined) return;
    this.#overtaken = new Set(fleet.live().map((worker) => worker.machine));
    this.#overtaken.delete(machine);
  }

  #showsLife(machine: Machine): void {
    const { fleet, leases, time, settings, onHappening } = this.#parts;
    const leaver = this.#leavers.get(machine);
    if (leaver !== undefined) leaver.hasSaidSo = true;
    if (this.#known.has(machine)) return;
    this.#known.add(machine);
    const hasFree = leases.readable().some((row) => row.leaseOwner === undefined);
    const isBigEnough = fleet.live().length > settings.workers && fleet.workerOn(machine).isLive;
    if (!hasFree || !isBigEnough || time.nowMs < settings.startsToMs + fillsWithinMs) return;
    const others = fleet.live().filter((worker) => worker.machine !== machine);
    const owner = others.find(({ worker }) => worker.snapshot().ownedShardIds.length > 0);
    if (owner === undefined) return;
    this.#leavers.set(owner.machine, { hasSaidSo: false });
    onHappening('leave', `${owner.machine.name}, as ${machine.name} comes`);
    fleet.stop(owner);
  }
}
