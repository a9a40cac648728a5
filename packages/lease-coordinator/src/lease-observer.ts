import { effectiveOwner, type Lease } from '@millrace/core';
import { expiryMarginMs } from './lease-options';
import { Sightings } from './sightings';
import type { WorkerRow } from './worker-row';

/** Of the time after which a worker is gone: enough if one of its leases has expired, or its row was never seen to move. */
const SUSPECT_AFTER = 1 / 2;

/**
 * Judges which leases have expired and which workers are gone, by nothing but their counters and this machine's monotonic
 * clock.
 *
 * A lease has expired when its counter has stood still for the failover time, counted from the *arrival* of the answer
 * that first showed it: the write behind it was started before, and its owner's deadline runs from that start. The
 * conditions of a take do the rest: it names the counter that stood still.
 *
 * That a worker is gone decides only who is counted on. Its leases expire each by itself.
 */
export class LeaseObserver {
  readonly #failoverTimeMs: number;
  readonly #leases = new Sightings();
  readonly #workers = new Sightings();
  #readAtMs: number | undefined;

  constructor({ failoverTimeMs }: { readonly failoverTimeMs: number }) {
    this.#failoverTimeMs = failoverTimeMs;
  }

  /** Takes in rows whose answer arrived at `nowMs`: a page of the table, or some that were asked for. */
  observe(leases: readonly Lease[], workers: readonly WorkerRow[], nowMs: number): void {
    // While nobody could read the table nobody could renew either: after an outage all would look expired at once.
    const afterGap = this.#readAtMs !== undefined && nowMs - this.#readAtMs > this.#failoverTimeMs / 2;
    if (afterGap) {
      this.#leases.clear();
      this.#workers.clear();
    }
    for (const { leaseKey, leaseCounter } of leases) this.#leases.see(leaseKey, leaseCounter, nowMs);
    for (const { workerId, heartbeat } of workers) this.#workers.see(workerId, heartbeat, nowMs);
    this.#readAtMs = nowMs;
  }

  /** The table holds no other rows than these. */
  keepOnly(leases: readonly Lease[], workers: readonly WorkerRow[]): void {
    this.#leases.keepOnly(new Set(leases.map(({ leaseKey }) => leaseKey)));
    this.#workers.keepOnly(new Set(workers.map(({ workerId }) => workerId)));
  }

  /** The lease's counter, as given, has stood still for the failover time and the margin. */
  isExpired(lease: Lease, nowMs: number): boolean {
    const atMs = this.expiresAtMs(lease);
    return atMs !== undefined && nowMs >= atMs;
  }

  /** When it will have expired, if it does not move; undefined for a counter that was not seen. */
  expiresAtMs(lease: Lease): number | undefined {
    const sinceMs = this.#leases.sinceMs(lease.leaseKey, lease.leaseCounter);
    return sinceMs === undefined ? undefined : sinceMs + this.#expiresAfterMs(lease.failoverTimeMs);
  }

  /** Anybody may take the lease: nobody has it, or it has expired. */
  isFree(lease: Lease, nowMs: number): boolean {
    return isUnowned(lease) || this.isExpired(lease, nowMs);
  }

  /** How long the lease has been free. */
  freeForMs(lease: Lease, nowMs: number): number {
    const sinceMs = this.#leases.sinceMs(lease.leaseKey, lease.leaseCounter);
    if (sinceMs === undefined) return 0;
    const freeSinceMs = isUnowned(lease) ? sinceMs : sinceMs + this.#expiresAfterMs(lease.failoverTimeMs);
    return Math.max(0, nowMs - freeSinceMs);
  }

  /** For how long the lease's counter has not moved. */
  leaseStillForMs(lease: Lease, nowMs: number): number {
    return nowMs - (this.#leases.sinceMs(lease.leaseKey, lease.leaseCounter) ?? nowMs);
  }

  /** Its row moves. `hasExpiredLease`: one of its leases has expired, which it would not let happen. */
  isAlive(worker: WorkerRow, nowMs: number, hasExpiredLease: boolean): boolean {
    const stillForMs = this.stillForMs(worker, nowMs);
    const limitMs = this.#expiresAfterMs(worker.failoverTimeMs);
    const isSuspect = hasExpiredLease || !this.#workers.hasMoved(worker.workerId);
    return stillForMs < (isSuspect ? limitMs * SUSPECT_AFTER : limitMs);
  }

  /** For how long the worker's row has not moved. */
  stillForMs(worker: WorkerRow, nowMs: number): number {
    return nowMs - (this.#workers.sinceMs(worker.workerId, worker.heartbeat) ?? nowMs);
  }

  /** Fleets change their settings: whoever waits longer is right, and the margin grows with the time. */
  #expiresAfterMs(theirFailoverTimeMs: number | undefined): number {
    const failoverTimeMs = Math.max(this.#failoverTimeMs, theirFailoverTimeMs ?? 0);
    return failoverTimeMs + expiryMarginMs(failoverTimeMs);
  }
}

/**
 * Nobody has the lease, and nobody may still be reading under it: a healed row counts as owned until it expires, since
 * whoever held the deleted one may be inside its deadline; so does one that was evicted, and a row with half of a hand-over
 * left in it.
 */
function isUnowned(lease: Lease): boolean {
  return effectiveOwner(lease) === undefined && lease.checkpointOwner === undefined && !lease.healed && !lease.evicted;
}
