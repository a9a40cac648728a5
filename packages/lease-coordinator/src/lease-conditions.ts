import { attribute as a } from './lease-item';

/*
 * The conditions of the lease writes, by name. In DynamoDB a comparison with an absent attribute is false, so that
 * `millraceReceiver = leaseOwner` implies that both are there.
 */

/** A hand-over of ours is under way. Residue that a KCL worker's steal left behind is not one. */
const handoverPending = `(attribute_exists(${a.checkpointOwner}) AND ${a.receiver} = ${a.leaseOwner})`;

/** Nobody has written since the row was read, but for a request to hand over. */
export const counterAsObserved = `${a.leaseCounter} = :counter`;

export const rowAbsent = `attribute_not_exists(${a.leaseKey})`;

/** I may write as the holder, while a hand-over is pending too. */
export const effectiveOwnerIsMe =
  `(${a.leaseOwner} = :me AND NOT ${handoverPending}) OR ` +
  `(${a.checkpointOwner} = :me AND ${a.receiver} = ${a.leaseOwner})`;

export const namesMeAndNoHandoverIsPending = `${a.leaseOwner} = :me AND NOT ${handoverPending}`;

export const ownerIsMe = `${a.leaseOwner} = :me`;

/** Somebody asked me for the lease, in our way. */
export const askedToHandOver = `${a.checkpointOwner} = :me AND ${a.receiver} = ${a.leaseOwner}`;

/** The lease has the owner that was observed, who was not asked for it yet and is not through with the shard. One that was evicted has none. */
export const mayBeAskedFor = `${a.leaseOwner} = :owner AND attribute_not_exists(${a.checkpointOwner}) AND ${a.checkpoint} <> :shardEnd`;

export const atShardEnd = `${a.checkpoint} = :shardEnd`;

/** All of them. DynamoDB rejects redundant parentheses: a condition given has none around it. */
export function allOf(...conditions: readonly string[]): string {
  return conditions.map((condition) => `(${condition})`).join(' AND ');
}
