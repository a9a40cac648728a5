import { isHandoverPending, type Lease } from '@millrace/core';
import { affinity } from './affinity';
import type { WorkerView } from './assignment-plan';
import { HandoverWatch } from './handover-watch';
import { LeaseObserver } from './lease-observer';
import type { ResolvedLeaseOptions } from './lease-options';
import type { LeaseListing } from './lease-store';
import { type FleetView, mayWrite, viewFleet } from './lease-views';
import type { WorkerRow } from './worker-row';

/** In failover times: after this, whoever was to take a free lease does not. */
const UNCLAIMED_AFTER = 1 / 2;
/** In failover times, beyond the time-out of a hand-over: an owner that has not answered by then never will. */
const DEAF_AFTER = 2;
/** Of an owner that does not say how long it may take: a KCL worker, or one outside of the registry. */
const UNKNOWN_HANDOVER_TIMEOUT_MS = 300_000;
/** In failover times: the row of a worker that is gone for so long is removed, and that there ever was one is forgotten. */
const FORGOTTEN_AFTER = 5;

/** What this worker alone knows. */
export interface OwnKnowledge {
  readonly isHeld: (leaseKey: string) => boolean;
  readonly isMoving: (leaseKey: string) => boolean;
  readonly isBarred: (leaseKey: string) => boolean;
  readonly selectReadable: (leases: readonly Lease[]) => readonly Lease[];
}

/** The table as it was read last, and what follows from when it was read. */
export class TableView {
  readonly #me: WorkerView;
  readonly #options: ResolvedLeaseOptions;
  readonly #observer: LeaseObserver;
  readonly #handovers = new HandoverWatch();
  #leases: readonly Lease[] = [];
  #registered: readonly WorkerRow[] = [];
  /** When each worker that stands in the registry, or stood there, was last seen there, or named as an owner after that. */
  #lastHeardOfMs: ReadonlyMap<string, number> = new Map();
  #firstSeenMs: ReadonlyMap<string, number> = new Map();

  constructor(workerId: string, options: ResolvedLeaseOptions) {
    this.#me = { workerId, maxLeases: options.maxLeases };
    this.#options = options;
    this.#observer = new LeaseObserver(options);
  }

  get leases(): readonly Lease[] {
    return this.#leases;
  }

  /** Of each other worker whose row says that it fills an empty table: what grows as long as it does. */
  get fillProgress(): ReadonlyMap<string, number> {
    const fillers = this.#registered.filter(({ filling, workerId }) => filling && workerId !== this.#me.workerId);
    const leasesOf = (workerId: string): number =>
      this.#leases.filter(({ leaseOwner }) => leaseOwner === workerId).length;
    // Of one that is dead neither grows: others take its leases.
    return new Map(fillers.map(({ workerId, heartbeat }) => [workerId, heartbeat + leasesOf(workerId)]));
  }

  /** A page has arrived. */
  takeInPage(leases: readonly Lease[], workers: readonly WorkerRow[], nowMs: number): void {
    this.#observer.observe(leases, workers, nowMs);
  }

  /** All pages have. */
  takeIn({ leases, workers }: LeaseListing, nowMs: number): void {
    this.#observer.keepOnly(leases, workers);
    this.#handovers.observe(leases, nowMs);
    this.#leases = leases;
    this.#registered = this.#options.registry ? workers : [];
    const present = [this.#me.workerId, ...this.#registered.map(({ workerId }) => workerId)];
    this.#firstSeenMs = new Map(present.map((workerId) => [workerId, this.#firstSeenMs.get(workerId) ?? nowMs]));
    this.#lastHeardOfMs = this.#remember(leases, nowMs);
  }

  /** Whoever has left may be named after that, by one who had not seen it leave: that is no sign of life. */
  #remember(leases: readonly Lease[], nowMs: number): ReadonlyMap<string, number> {
    const named = new Set(leases.map(({ leaseOwner }) => leaseOwner));
    const lastedMs = FORGOTTEN_AFTER * this.#options.failoverTimeMs;
    const remembered = new Map<string, number>();
    for (const [workerId, atMs] of this.#lastHeardOfMs) {
      if (named.has(workerId)) remembered.set(workerId, nowMs);
      else if (nowMs - atMs <= lastedMs) remembered.set(workerId, atMs);
    }
    for (const { workerId } of this.#registered) remembered.set(workerId, nowMs);
    return remembered;
  }

  /**
   * Some rows were read by themselves. Returns whether all of them could be taken in: one that no reading of the table has
   * shown may have parents that were not seen either, unless it is a root.
   */
  takeInRows(rows: readonly Lease[], nowMs: number): boolean {
    this.#observer.observe(rows, [], nowMs);
    const byKey = new Map(this.#leases.map((lease) => [lease.leaseKey, lease]));
    let isComplete = true;
    for (const row of rows) {
      const known = byKey.get(row.leaseKey);
      if (known === undefined && !row.root) isComplete = false;
      else if (known === undefined || row.leaseCounter >= known.leaseCounter) byKey.set(row.leaseKey, row);
    }
    this.#leases = [...byKey.values()];
    return isComplete;
  }

  fleet({ isHeld, isMoving, isBarred, selectReadable }: OwnKnowledge, nowMs: number): FleetView {
    return viewFleet({
      leases: selectReadable(this.#leases),
      registered: this.#registered,
      wasRegistered: (workerId) => this.#lastHeardOfMs.has(workerId),
      isNew: (workerId) => nowMs - (this.#firstSeenMs.get(workerId) ?? -Infinity) < this.#expiryTimeMs(),
      me: this.#me,
      observer: this.#observer,
      nowMs,
      isHeld,
      isMoving,
      isBarred,
      unclaimedAfterMs: this.#options.failoverTimeMs * UNCLAIMED_AFTER,
    });
  }

  /** The newest plans of the workers that take part. */
  planVersions(fleet: FleetView): readonly number[] {
    const taking = new Set(fleet.workers.map(({ workerId }) => workerId));
    const others = this.#registered.filter(({ workerId }) => workerId !== this.#me.workerId && taking.has(workerId));
    const own = Math.max(...this.#options.plans.map(({ version }) => version));
    return [own, ...others.map(({ planVersion }) => planVersion)];
  }

  /**
   * A worker that was seen in the registry, and has left it, is about to, or does not move any more. Others remove the row of one
   * that stands still for long: who goes on after that, and has a lease, is not gone.
   */
  isGone(workerId: string, nowMs: number): boolean {
    const row = this.#registered.find((candidate) => candidate.workerId === workerId);
    if (row === undefined) return this.#lastHeardOfMs.has(workerId) && !this.#hasLease(workerId, nowMs);
    return row.stopping || !this.#observer.isAlive(row, nowMs, false);
  }

  #hasLease(workerId: string, nowMs: number): boolean {
    return this.#leases.some((lease) => mayWrite(workerId, lease) && !this.#observer.isExpired(lease, nowMs));
  }

  /** Leases whose owners were asked, go on renewing, and do not answer. */
  deaf(nowMs: number): readonly Lease[] {
    const { handoverTimeoutMs, failoverTimeMs } = this.#options;
    return this.#leases.filter(
      (lease) =>
        isHandoverPending(lease) &&
        lease.checkpointOwner !== this.#me.workerId &&
        this.#handovers.pendingForMs(lease, nowMs) >=
          Math.max(handoverTimeoutMs, this.#handoverTimeoutMs(lease.checkpointOwner)) +
            DEAF_AFTER * Math.max(failoverTimeMs, lease.failoverTimeMs ?? 0),
    );
  }

  /** How long the owner itself may take. */
  #handoverTimeoutMs(workerId: string | undefined): number {
    const row = this.#registered.find((candidate) => candidate.workerId === workerId);
    return row?.handoverTimeoutMs ?? UNKNOWN_HANDOVER_TIMEOUT_MS;
  }

  #expiryTimeMs(): number {
    return this.#options.failoverTimeMs + this.#options.expiryMarginMs;
  }

  /** Rows of workers that are long gone, as far as it is mine to remove them: one worker does, or all if it does not. */
  forgotten({ workers }: FleetView, nowMs: number): readonly WorkerRow[] {
    return this.#registered.filter((row) => {
      const stillForMs = this.#observer.stillForMs(row, nowMs);
      const limitMs = FORGOTTEN_AFTER * Math.max(this.#options.failoverTimeMs, row.failoverTimeMs);
      if (row.workerId === this.#me.workerId || stillForMs <= limitMs) return false;
      const mine = affinity(row.workerId, this.#me.workerId);
      return stillForMs > 2 * limitMs || workers.every(({ workerId }) => affinity(row.workerId, workerId) <= mine);
    });
  }

  /**
   * When the next lease of another expires, if it stands still: the first after `readAtMs`, also if that has passed by
   * now. What has expired since the table was read has not been planned.
   */
  nextExpiryAtMs(isHeld: (leaseKey: string) => boolean, readAtMs: number): number {
    let nextMs = Infinity;
    for (const lease of this.#leases) {
      if (lease.leaseOwner === undefined && !lease.evicted && !lease.healed) continue;
      if (lease.checkpoint.kind === 'shard-end' || isHeld(lease.leaseKey)) continue;
      const atMs = this.#observer.expiresAtMs(lease) ?? Infinity;
      if (atMs > readAtMs) nextMs = Math.min(nextMs, atMs);
    }
    return nextMs;
  }
}
