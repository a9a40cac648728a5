import { compareSequenceNumbers, isInitial, type Lease, type Shard } from '@millrace/core';

/** What the rules need of a lease: whether it exists, and whether its shard was begun or finished. */
export type LeaseByShard = ReadonlyMap<string, Lease>;

export function byShardId(leases: readonly Lease[]): LeaseByShard {
  return new Map(leases.map((lease) => [lease.leaseKey, lease]));
}

/** The shards that came out of each shard, by what the listing and the lease rows say of parents. */
export class ShardLineage {
  readonly #children = new Map<string, Set<string>>();
  readonly #leases: LeaseByShard;

  constructor(shards: readonly Shard[], leases: LeaseByShard) {
    this.#leases = leases;
    for (const { shardId, parentShardIds } of shards) this.#add(shardId, parentShardIds);
    for (const { leaseKey, parentShardIds } of leases.values()) this.#add(leaseKey, parentShardIds);
  }

  /**
   * Whether the shard is known to have been read to its end although its lease row is gone: a shard is begun only after
   * its parents have ended, so one descendant that has left its initial position proves it.
   */
  hasStartedDescendant(shardId: string): boolean {
    const seen = new Set<string>();
    const pending = [...(this.#children.get(shardId) ?? [])];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const lease = this.#leases.get(next);
      if (lease !== undefined && !isInitial(lease.checkpoint)) return true;
      pending.push(...(this.#children.get(next) ?? []));
    }
    return false;
  }

  #add(shardId: string, parentShardIds: readonly string[]): void {
    for (const parentShardId of parentShardIds) {
      const children = this.#children.get(parentShardId) ?? new Set();
      children.add(shardId);
      this.#children.set(parentShardId, children);
    }
  }
}

/** Oldest first: by starting sequence number, then by id. A shard is never before its parents. */
export function oldestFirst(shards: readonly Shard[]): readonly Shard[] {
  return shards.toSorted(
    (a, b) =>
      compareSequenceNumbers(a.startingSequenceNumber ?? '0', b.startingSequenceNumber ?? '0') ||
      (a.shardId < b.shardId ? -1 : 1),
  );
}
