import { isInitial, type Lease, type Shard } from '@millrace/core';
import { oldestFirst, ShardLineage, type StreamShards } from './shard-lineage';

export interface MissingLease {
  readonly shard: Shard;
  /** `initial-position`: a root, whose parents lie before the application's start. `trim-horizon`: a child. */
  readonly start: 'initial-position' | 'trim-horizon';
}

/**
 * Which lease rows must be created, oldest first: all of them at the first start, and later those that went missing.
 * `leases` are all rows, read consistently and after the listing.
 *
 * - A shard in scope none of whose parents is to be read is a root: it starts at the initial position.
 * - A child is created when a parent has been read to its end. Otherwise whoever finishes the parent will create it.
 * - Never when a descendant was begun: then the shard has been read, and its row was deleted.
 */
export function planMissingLeases(stream: StreamShards, leases: readonly Lease[]): readonly MissingLease[] {
  const lineage = new ShardLineage(stream, leases);
  const missing: MissingLease[] = [];
  for (const shard of oldestFirst(stream.listed)) {
    if (lineage.rows.has(shard.shardId) || lineage.hasStartedDescendant(shard.shardId)) continue;
    const parents = shard.parentShardIds.filter((parent) => isAwaited(lineage, parent));
    if (parents.length > 0) {
      if (parents.some((parent) => lineage.isFinished(parent))) missing.push({ shard, start: 'trim-horizon' });
    } else if (lineage.isInScope(shard.shardId)) {
      missing.push({ shard, start: 'initial-position' });
    }
  }
  return missing;
}

/**
 * What of `missing`, planned by a listing from before `leases` were read, is missing by one from after it as well: a shard
 * that has left the stream in between may have had a finished row, which was rightly deleted. How a lease starts is as
 * the older one says: it may know a parent that is gone by now, and a child is never taken for a root.
 */
export function selectStillMissing(
  missing: readonly MissingLease[],
  newer: StreamShards,
  leases: readonly Lease[],
): readonly MissingLease[] {
  const still = new Set(planMissingLeases(newer, leases).map(({ shard }) => shard.shardId));
  return missing.filter(({ shard }) => still.has(shard.shardId));
}

/** Finished rows whose shards are no longer listed. Deleted earlier, an audit would bring them back and read them again. */
export function planFinishedLeases({ listed }: StreamShards, leases: readonly Lease[]): readonly Lease[] {
  const listedIds = new Set(listed.map(({ shardId }) => shardId));
  return leases.filter(({ leaseKey, checkpoint }) => checkpoint.kind === 'shard-end' && !listedIds.has(leaseKey));
}

/**
 * The leases whose shards may be read now: not finished, and not waiting for a parent.
 *
 * A shard that has left its initial position is never stopped again, and a root waits for nobody. Any other waits until
 * each of its parents is finished, or neither has a row nor can get one. That a parent without a row cannot get one is
 * known only from a listing that knows the child.
 */
export function selectReadable(stream: StreamShards, leases: readonly Lease[]): readonly Lease[] {
  const lineage = lineageOnDemand(stream, leases);
  return leases.filter(({ leaseKey, checkpoint, root, parentShardIds }) => {
    if (checkpoint.kind === 'shard-end') return false;
    if (!isInitial(checkpoint) || root) return true;
    return parentShardIds.every((parent) => {
      if (lineage().isFinished(parent)) return true;
      return !lineage().rows.has(parent) && lineage().isKnown(leaseKey) && !isAwaited(lineage(), parent);
    });
  });
}

/** Leases that wait only for a listing that knows them. */
export function selectUnknown(stream: StreamShards, leases: readonly Lease[]): readonly Lease[] {
  const lineage = lineageOnDemand(stream, leases);
  return leases.filter(
    ({ leaseKey, checkpoint, root, parentShardIds }) =>
      isInitial(checkpoint) &&
      !root &&
      !lineage().isKnown(leaseKey) &&
      parentShardIds.some((parent) => !lineage().rows.has(parent) && !lineage().isFinished(parent)),
  );
}

/** Both selections are made again and again, and as a rule no lease asks for its parents. */
function lineageOnDemand(stream: StreamShards, leases: readonly Lease[]): () => ShardLineage {
  let lineage: ShardLineage | undefined;
  return () => (lineage ??= new ShardLineage(stream, leases));
}

/** A parent without a row is awaited as long as its shard is listed: its row went missing, and will be put back. */
function isAwaited(lineage: ShardLineage, parent: string): boolean {
  return lineage.rows.has(parent) || (lineage.isListed(parent) && lineage.isToBeRead(parent));
}
