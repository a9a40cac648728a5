import { maxReadLagMs } from './fast-table';
import type { FleetSettings } from './fleet-settings';
import { isFinished, type LeaseRow } from './lease-row';
import type { RestWatch } from './rest-watch';
import type { SimulatedWorker } from './simulated-worker';
import type { Violate } from './violation';
import type { VirtualTime } from './virtual-time';

export interface UnreadWatchParts {
  readonly time: VirtualTime;
  readonly violate: Violate;
  readonly rest: Pick<RestWatch, 'disturbedAtMs'>;
  readonly settings: Pick<FleetSettings, 'weather' | 'failoverTimesMs' | 'scanIntervalMs'>;
  /** Whether its parents were read to their end. */
  readonly isReadable: (row: LeaseRow) => boolean;
  readonly isHeld: (leaseKey: string) => boolean;
}

/** In failover times: so long a lease may be left to a worker of which nobody has seen that it had left. */
const leftToTheUnseen = 0.55;
/** In readings of the table: one shows that a lease is free, and to another it belongs after the next. */
const seenAfter = 2;

/**
 * Since when each lease that could be read is nobody's. Checks in calm seeds that it does not stay so for longer than the others need
 * to see it, once workers have ceased to come and go; and that none has to expire, since every worker gives up what it has.
 */
export class UnreadWatch {
  readonly #parts: UnreadWatchParts;
  readonly #sinceMs = new Map<string, number>();
  /** Writes of workers that had something to do with the lease still. */
  readonly #sentWhileBusy = new Set<string>();
  readonly #limitMs: number;

  constructor(parts: UnreadWatchParts) {
    this.#parts = parts;
    const { failoverTimesMs, scanIntervalMs } = parts.settings;
    this.#limitMs = leftToTheUnseen * Math.max(...failoverTimesMs) + seenAfter * scanIntervalMs + maxReadLagMs;
  }

  /** A lease goes to one who will read it. */
  acquired(before: LeaseRow | undefined, { leaseKey }: LeaseRow, by: string): void {
    const { time, rest, violate, settings } = this.#parts;
    const sinceMs = this.#sinceMs.get(leaseKey);
    this.#sinceMs.delete(leaseKey);
    if (settings.weather !== 'calm') return;
    const wasOwned = before?.leaseOwner !== undefined && !before.marks.includes('HandedOver');
    if (wasOwned) violate('G6', `${by} acquired the lease only when it had expired`, leaseKey);
    if (sinceMs === undefined) return;
    const unreadMs = time.nowMs - Math.max(sinceMs, rest.disturbedAtMs);
    if (unreadMs <= this.#limitMs) return;
    violate('G6', `${by} acquired the lease after nobody had it for ${unreadMs.toFixed(0)} ms`, leaseKey);
  }

  /** A worker sends a write by which a lease becomes nobody's. */
  releasing(writeId: string, leaseKey: string | undefined, { worker }: SimulatedWorker): void {
    const isBusy = worker.snapshot().shards.some(({ shardId }) => shardId === leaseKey);
    if (isBusy) this.#sentWhileBusy.add(writeId);
  }

  /**
   * A lease that was handed to a worker goes back unread. Checks, in any weather, that it was of no use to it: one that was begun is
   * read by whoever has room for it, whatever that knows of the parents; unless it is about to stop, or comes so late that the
   * lease may have expired.
   */
  declined(before: LeaseRow, after: LeaseRow, { machine, maxLeases, isLive, hasGivenUp }: SimulatedWorker): void {
    const { time, violate, settings } = this.#parts;
    const unreadMs = time.nowMs - (this.#sinceMs.get(before.leaseKey) ?? -Infinity);
    const mayHaveExpired = unreadMs > Math.min(...settings.failoverTimesMs) / 2;
    if (before.checkpoint.kind !== 'sequence-number' || mayHaveExpired || !isLive || maxLeases < Infinity) return;
    // What it gave up because it could not read it, or lost while code of its user's was at it, it must not have for a while.
    if (hasGivenUp || this.#sentWhileBusy.has(after.writeId ?? '')) return;
    violate('G6', `${machine.name} gave back a lease unread that was handed to it`, before.leaseKey);
  }

  /** Rows as they are after a write, of any kind. */
  written(after: LeaseRow, all: Iterable<LeaseRow>): void {
    // At the end of a shard its children may be read.
    if (isFinished(after)) for (const row of all) this.#note(row);
    else this.#note(after);
  }

  #note(row: LeaseRow): void {
    const { time, isReadable, isHeld } = this.#parts;
    const { leaseKey } = row;
    if (isHeld(leaseKey) || isFinished(row) || !isReadable(row)) this.#sinceMs.delete(leaseKey);
    else if (!this.#sinceMs.has(leaseKey)) this.#sinceMs.set(leaseKey, time.nowMs);
  }
}
