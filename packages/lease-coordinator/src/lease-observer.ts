import { effectiveOwner, type Lease } from '@millrace/core';
import { expiryMarginMs } from './lease-options';

interface Sighting {
  readonly counter: number;
  /** When the answer that first showed this counter had arrived. */
  readonly sinceMs: number;
}

/**
 * Judges which leases have expired, by nothing but their counters and this machine's monotonic clock.
 *
 * A lease has expired when its counter has stood still for the failover time, counted from the *arrival* of the answer
 * that first showed it: the write behind it was started before, and its owner's deadline runs from that start. The
 * conditions of a take do the rest: it names the counter that stood still.
 */
export class LeaseObserver {
  readonly #failoverTimeMs: number;
  #sightings = new Map<string, Sighting>();
  #readAtMs: number | undefined;

  constructor({ failoverTimeMs }: { readonly failoverTimeMs: number }) {
    this.#failoverTimeMs = failoverTimeMs;
  }

  /** Takes in a reading of the whole table whose answer arrived at `nowMs`. */
  observe(leases: readonly Lease[], nowMs: number): void {
    // While nobody could read the table nobody could renew either: after an outage all would look expired at once.
    const afterGap = this.#readAtMs !== undefined && nowMs - this.#readAtMs > this.#failoverTimeMs / 2;
    const sightings = new Map<string, Sighting>();
    for (const { leaseKey, leaseCounter } of leases) {
      const before = afterGap ? undefined : this.#sightings.get(leaseKey);
      sightings.set(leaseKey, before?.counter === leaseCounter ? before : { counter: leaseCounter, sinceMs: nowMs });
    }
    this.#sightings = sightings;
    this.#readAtMs = nowMs;
  }

  /** The lease's counter, as given, has stood still for the failover time and the margin. */
  isExpired(lease: Lease, nowMs: number): boolean {
    const sinceMs = this.#seenSinceMs(lease);
    return sinceMs !== undefined && nowMs >= sinceMs + this.#expiresAfterMs(lease);
  }

  /** Anybody may take the lease: nobody has it, or it has expired. */
  isFree(lease: Lease, nowMs: number): boolean {
    return isUnowned(lease) || this.isExpired(lease, nowMs);
  }

  /** How long the lease has been free. */
  freeForMs(lease: Lease, nowMs: number): number {
    const sinceMs = this.#seenSinceMs(lease);
    if (sinceMs === undefined) return 0;
    return Math.max(0, nowMs - (isUnowned(lease) ? sinceMs : sinceMs + this.#expiresAfterMs(lease)));
  }

  #seenSinceMs({ leaseKey, leaseCounter }: Lease): number | undefined {
    const sighting = this.#sightings.get(leaseKey);
    return sighting?.counter === leaseCounter ? sighting.sinceMs : undefined;
  }

  /** Fleets change their settings: whoever waits longer is right, and the margin grows with the time. */
  #expiresAfterMs(lease: Lease): number {
    const failoverTimeMs = Math.max(this.#failoverTimeMs, lease.failoverTimeMs ?? 0);
    return failoverTimeMs + expiryMarginMs(failoverTimeMs);
  }
}

/**
 * Nobody has the lease, and nobody may still be reading under it: a healed row counts as owned until it expires, since
 * whoever held the deleted one may be inside its deadline; so does a row with half of a hand-over left in it.
 */
function isUnowned(lease: Lease): boolean {
  return effectiveOwner(lease) === undefined && lease.checkpointOwner === undefined && !lease.healed;
}
