import { compareSequenceNumbers, isInitial, type Lease, type Shard } from '@millrace/core';

/** What is known of the stream's shards, by a listing. */
export interface StreamShards {
  /** Every shard that the stream lists, closed ones included. */
  readonly listed: readonly Shard[];
  /** Those that hold, or may hold, records at or after the application's position. */
  readonly inScope: ReadonlySet<string>;
  /** Shards with a lease row that a listing newer than the row does not have: their retention is over. */
  readonly trimmed: ReadonlySet<string>;
}

/** Who came out of whom, by what the listing and the lease rows say of parents; and what follows from it. */
export class ShardLineage {
  readonly rows: ReadonlyMap<string, Lease>;
  readonly #listedIds: ReadonlySet<string>;
  readonly #inScope: ReadonlySet<string>;
  readonly #trimmed: ReadonlySet<string>;
  readonly #parents = new Map<string, readonly string[]>();
  readonly #children = new Map<string, Set<string>>();
  readonly #toBeRead = new Map<string, boolean>();

  constructor({ listed, inScope, trimmed }: StreamShards, leases: readonly Lease[]) {
    this.rows = new Map(leases.map((lease) => [lease.leaseKey, lease]));
    this.#listedIds = new Set(listed.map(({ shardId }) => shardId));
    this.#inScope = inScope;
    this.#trimmed = trimmed;
    for (const { leaseKey, parentShardIds } of leases) this.#add(leaseKey, parentShardIds);
    for (const { shardId, parentShardIds } of listed) this.#add(shardId, parentShardIds);
  }

  isListed(shardId: string): boolean {
    return this.#listedIds.has(shardId);
  }

  /**
   * Whether the listing is as new as the shard. Only then does the absence of its parents mean that they were trimmed,
   * and not that they, too, came after the listing.
   */
  isKnown(shardId: string): boolean {
    return this.#listedIds.has(shardId) || this.#trimmed.has(shardId);
  }

  isInScope(shardId: string): boolean {
    return this.#inScope.has(shardId);
  }

  /**
   * Whether the application reads this shard, has read it, or will: it is in scope, or has a lease row, or comes after
   * one that is to be read. What lies wholly before the application's start is not.
   */
  isToBeRead(shardId: string): boolean {
    const known = this.#toBeRead.get(shardId);
    if (known !== undefined) return known;
    const toBeRead =
      this.#inScope.has(shardId) ||
      this.rows.has(shardId) ||
      (this.#parents.get(shardId) ?? []).some((parent) => this.isToBeRead(parent));
    this.#toBeRead.set(shardId, toBeRead);
    return toBeRead;
  }

  /**
   * Whether every record of the shard has been acknowledged. Its row says so; or, when the row is gone, a descendant
   * that was begun proves it: a shard is begun only after its parents have ended.
   */
  isFinished(shardId: string): boolean {
    const row = this.rows.get(shardId);
    return row === undefined ? this.hasStartedDescendant(shardId) : row.checkpoint.kind === 'shard-end';
  }

  hasStartedDescendant(shardId: string): boolean {
    const seen = new Set<string>();
    const pending = [...(this.#children.get(shardId) ?? [])];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const lease = this.rows.get(next);
      if (lease !== undefined && hasBegun(lease)) return true;
      pending.push(...(this.#children.get(next) ?? []));
    }
    return false;
  }

  #add(shardId: string, parentShardIds: readonly string[]): void {
    this.#parents.set(shardId, parentShardIds);
    for (const parentShardId of parentShardIds) {
      const children = this.#children.get(parentShardId) ?? new Set();
      children.add(shardId);
      this.#children.set(parentShardId, children);
    }
  }
}

/**
 * Somebody has read the shard, or a worker of ours has had its lease, which none acquires before the parents have ended. Whoever
 * creates a root has it without asking for parents: what lies before the start may differ between workers that start together.
 */
function hasBegun({ checkpoint, acquiredAtMs, root }: Lease): boolean {
  return !isInitial(checkpoint) || (acquiredAtMs !== undefined && !root);
}

/** Oldest first: by starting sequence number, then by id. A shard is never before its parents. */
export function oldestFirst(shards: readonly Shard[]): readonly Shard[] {
  return shards.toSorted(
    (a, b) =>
      compareSequenceNumbers(a.startingSequenceNumber ?? '0', b.startingSequenceNumber ?? '0') ||
      (a.shardId < b.shardId ? -1 : 1),
  );
}
