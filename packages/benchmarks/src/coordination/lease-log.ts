/** That a worker now holds a lease, or holds it no longer. */
export interface LeaseEvent {
  readonly worker: string;
  readonly shardId: string;
  readonly what: 'acquired' | 'gave-up';
  readonly atMs: number;
}

/** What the shards of each worker are. */
export type Holdings = ReadonlyMap<string, ReadonlySet<string>>;

/** Whom it matters to: who died is not among them, whatever it held. */
export interface Fleetmates {
  readonly workers: readonly string[];
  readonly shards: number;
}

/** Events in the order in which they happened. They arrive from several processes, each a little late. */
export class LeaseLog {
  #events: LeaseEvent[] = [];
  #isSorted = true;

  add(event: LeaseEvent): void {
    this.#isSorted &&= event.atMs >= (this.#events.at(-1)?.atMs ?? -Infinity);
    this.#events.push(event);
  }

  get events(): readonly LeaseEvent[] {
    if (!this.#isSorted) this.#events = this.#events.toSorted((a, b) => a.atMs - b.atMs);
    this.#isSorted = true;
    return this.#events;
  }
}

export function holdingsOf(events: readonly LeaseEvent[]): Holdings {
  const holdings = new Map<string, Set<string>>();
  for (const event of events) apply(event, holdings);
  return holdings;
}

/** Each shard is held, by one worker only, and no worker holds two more than another. */
export function isEven(holdings: Holdings, { workers, shards }: Fleetmates): boolean {
  const counts = workers.map((worker) => holdings.get(worker)?.size ?? 0);
  if (sum(counts) !== shards || Math.max(...counts) - Math.min(...counts) > 1) return false;
  return new Set(workers.flatMap((worker) => [...(holdings.get(worker) ?? [])])).size === shards;
}

/** When they became even for the last time; undefined while they are not. */
export function evenSinceMs(events: readonly LeaseEvent[], fleet: Fleetmates): number | undefined {
  const holdings = new Map<string, Set<string>>();
  let sinceMs: number | undefined;
  for (const event of events) {
    apply(event, holdings);
    sinceMs = isEven(holdings, fleet) ? (sinceMs ?? event.atMs) : undefined;
  }
  return sinceMs;
}

/** How often each lease was acquired from `fromMs` on. One that was not is not there. */
export function acquisitionsOf(events: readonly LeaseEvent[], fromMs: number): ReadonlyMap<string, number> {
  const acquisitions = new Map<string, number>();
  for (const { what, shardId, atMs } of events) {
    if (what === 'acquired' && atMs >= fromMs) acquisitions.set(shardId, (acquisitions.get(shardId) ?? 0) + 1);
  }
  return acquisitions;
}

function apply({ worker, shardId, what }: LeaseEvent, holdings: Map<string, Set<string>>): void {
  let held = holdings.get(worker);
  if (held === undefined) holdings.set(worker, (held = new Set()));
  if (what === 'acquired') held.add(shardId);
  else held.delete(shardId);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
