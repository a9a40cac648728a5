import { isInitial, type Lease, type Shard } from '@millrace/core';
import { byShardId, oldestFirst, ShardLineage } from './shard-lineage';

export interface MissingLease {
  readonly shard: Shard;
  /** `initial-position`: a root, whose parents lie before the application's start. `trim-horizon`: a child. */
  readonly start: 'initial-position' | 'trim-horizon';
}

/**
 * Which lease rows must be created, oldest first: all of them at the first start, and later those that went missing.
 *
 * `listed` are the shards from the application's position on ({@link ShardLister}), `leases` all rows, both fresh.
 * - A shard with no parent in that listing is a root: it starts at the initial position.
 * - A child is created when a parent has been read to its end. Otherwise whoever finishes the parent will create it.
 * - Never when a descendant has left its initial position: then the shard has been read, and its row was deleted.
 */
export function planMissingLeases(listed: readonly Shard[], leases: readonly Lease[]): readonly MissingLease[] {
  const rows = byShardId(leases);
  const listedIds = new Set(listed.map(({ shardId }) => shardId));
  const lineage = new ShardLineage(listed, rows);
  const missing: MissingLease[] = [];
  for (const shard of oldestFirst(listed)) {
    if (rows.has(shard.shardId) || lineage.hasStartedDescendant(shard.shardId)) continue;
    const parents = shard.parentShardIds.filter((parent) => listedIds.has(parent));
    if (parents.length === 0) {
      missing.push({ shard, start: 'initial-position' });
    } else if (parents.some((parent) => isFinished(parent))) {
      missing.push({ shard, start: 'trim-horizon' });
    }
  }
  return missing;

  function isFinished(shardId: string): boolean {
    const row = rows.get(shardId);
    return row === undefined ? lineage.hasStartedDescendant(shardId) : row.checkpoint.kind === 'shard-end';
  }
}

/** Finished rows whose shards are no longer listed. Deleted earlier, an audit would bring them back and read them again. */
export function planFinishedLeases(listed: readonly Shard[], leases: readonly Lease[]): readonly Lease[] {
  const listedIds = new Set(listed.map(({ shardId }) => shardId));
  return leases.filter(({ leaseKey, checkpoint }) => checkpoint.kind === 'shard-end' && !listedIds.has(leaseKey));
}

/**
 * The leases whose shards may be read now: not finished, and not waiting for a parent.
 *
 * A shard that has left its initial position is never stopped again. One that has not waits until every parent is at
 * shard end. A parent without a row counts as unread as long as its shard is listed (its row went missing and will be
 * put back), unless the shard is a root, or a begun descendant proves that the parent was finished.
 */
export function selectReadable(listed: readonly Shard[], leases: readonly Lease[]): readonly Lease[] {
  const rows = byShardId(leases);
  const listedIds = new Set(listed.map(({ shardId }) => shardId));
  const lineage = new ShardLineage(listed, rows);
  return leases.filter((lease) => {
    if (lease.checkpoint.kind === 'shard-end') return false;
    if (!isInitial(lease.checkpoint) || lease.root) return true;
    return lease.parentShardIds.every((parent) => {
      const row = rows.get(parent);
      if (row !== undefined) return row.checkpoint.kind === 'shard-end';
      return !listedIds.has(parent) || lineage.hasStartedDescendant(parent);
    });
  });
}
