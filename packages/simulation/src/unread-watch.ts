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
  readonly settings: Pick<FleetSettings, 'weather' | 'failoverTimesMs' | 'scanIntervalMs' | 'givesUpEarly'>;
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

  /**
   * A lease that was handed to a worker goes back unread. Who has room for it reads it, if it was begun: whatever it knows of the
   * parents; unless it is about to stop, or comes so late that the lease may have expired.
   */
  declined(before: LeaseRow, { machine, maxLeases, isLive }: SimulatedWorker): void {
    const { time, violate, settings } = this.#parts;
    const unreadMs = time.nowMs - (this.#sinceMs.get(before.leaseKey) ?? -Infinity);
    const isOfUse =
      before.checkpoint.kind === 'sequence-number' && unreadMs < Math.min(...settings.failoverTimesMs) / 2;
    // Who gave it up lately because it could not read it must not have it.
    if (!isOfUse || !isLive || maxLeases < Infinity || settings.givesUpEarly) return;
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
