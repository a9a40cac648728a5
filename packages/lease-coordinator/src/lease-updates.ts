import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type AttemptedRange,
  type Checkpoint,
  effectiveOwner,
  formatCheckpoint,
  type Lease,
  SHARD_END,
} from '@millrace/core';
import { formatAttempted } from './attempted-ranges';
import * as condition from './lease-conditions';
import { attribute as a } from './lease-item';
import type { Acquisition, CheckpointScope, HeldLeaseRef } from './lease-store';

/** One conditional update of a lease row, as DynamoDB is told it. */
export interface LeaseUpdate {
  readonly condition: string;
  readonly update: string;
  readonly values: Record<string, AttributeValue>;
}

const handoverAttributes = [a.checkpointOwner, a.receiver, a.requestId, a.handedOver];
/** What an acquisition ends, whatever came before it. */
const marksOfThePast = [...handoverAttributes, a.evicted, a.healed].join(', ');
const bumpCounter = `${a.leaseCounter} :one`;

/** An update whose expressions are always the same: they are put together once. */
function updateOf(holds: string, update: string): (values: Record<string, AttributeValue>) => LeaseUpdate {
  return (values) => ({ condition: holds, update, values });
}

const text = (value: string): AttributeValue => ({ S: value });
const number = (value: number): AttributeValue => ({ N: String(value) });

export const shardEnd = text(formatCheckpoint(SHARD_END).checkpoint);

function holderValues({ counter, owner }: HeldLeaseRef, writeId: string): Record<string, AttributeValue> {
  return { ':me': text(owner), ':counter': number(counter), ':one': number(1), ':write': text(writeId) };
}

/**
 * Whether there is one more change of owner when `taker` takes the lease. The KCL's rule but for one case, which it does not count:
 * the owner is gone without having answered the taker's own request.
 */
export function switchesOwner(observed: Lease, taker: string): boolean {
  const others = [observed.leaseOwner, effectiveOwner(observed)].filter((owner) => owner !== taker);
  return others.some((owner) => owner !== undefined) || observed.checkpointOwner === taker;
}

/** A row still at LATEST or AT_TIMESTAMP means the moment beside it; the KCL's rows lack the moment. */
export function needsInitialTimestamp({ checkpoint }: Lease): boolean {
  return checkpoint.kind === 'latest' || checkpoint.kind === 'at-timestamp';
}

export function takeUpdate(observed: Lease, acquisition: Acquisition): LeaseUpdate {
  const { owner, writeId, failoverTimeMs, acquiredAtMs, initialTimestampMs, identity } = acquisition;
  const values: Record<string, AttributeValue> = {
    ...holderValues({ leaseKey: observed.leaseKey, counter: observed.leaseCounter, owner }, writeId),
    ':failover': number(failoverTimeMs),
    ':acquired': number(acquiredAtMs),
    ':arn': text(identity.streamArn),
    ':created': number(identity.streamCreatedAtMs),
  };
  const sets = [
    `${a.leaseOwner} = :me`,
    `${a.writeId} = :write`,
    `${a.failoverTimeMs} = :failover`,
    `${a.acquiredAtMs} = :acquired`,
    `${a.streamArn} = if_not_exists(${a.streamArn}, :arn)`,
    `${a.streamCreatedAtMs} = if_not_exists(${a.streamCreatedAtMs}, :created)`,
  ];
  if (initialTimestampMs !== undefined && needsInitialTimestamp(observed)) {
    values[':timestamp'] = number(initialTimestampMs);
    sets.push(`${a.initialTimestampMs} = if_not_exists(${a.initialTimestampMs}, :timestamp)`);
  }
  const adds = switchesOwner(observed, owner) ? `${bumpCounter}, ${a.ownerSwitches} :one` : bumpCounter;
  return {
    condition: condition.counterAsObserved,
    update: `SET ${sets.join(', ')} ADD ${adds} REMOVE ${marksOfThePast}`,
    values,
  };
}

const adopt = updateOf(
  condition.allOf(condition.counterAsObserved, condition.namesMeAndNoHandoverIsPending),
  `SET ${a.writeId} = :write, ${a.failoverTimeMs} = :failover, ${a.acquiredAtMs} = :acquired ` +
    `ADD ${bumpCounter} REMOVE ${marksOfThePast}`,
);

export function adoptUpdate(
  observed: Lease,
  { owner, writeId, failoverTimeMs, acquiredAtMs }: Acquisition,
): LeaseUpdate {
  const values = holderValues({ leaseKey: observed.leaseKey, counter: observed.leaseCounter, owner }, writeId);
  values[':failover'] = number(failoverTimeMs);
  values[':acquired'] = number(acquiredAtMs);
  return adopt(values);
}

const holdsAsObserved = condition.allOf(condition.counterAsObserved, condition.effectiveOwnerIsMe);

const renew = updateOf(holdsAsObserved, `SET ${a.writeId} = :write ADD ${bumpCounter}`);

export function renewUpdate(held: HeldLeaseRef, writeId: string): LeaseUpdate {
  return renew(holderValues(held, writeId));
}

const attempt = updateOf(holdsAsObserved, `SET ${a.writeId} = :write, ${a.attempted} = :attempted ADD ${bumpCounter}`);
const forgetAttempt = updateOf(holdsAsObserved, `SET ${a.writeId} = :write ADD ${bumpCounter} REMOVE ${a.attempted}`);

/** A renewal that says what is about to be handed over; nothing: the row forgets what was. */
export function attemptUpdate(held: HeldLeaseRef, attempted: readonly AttemptedRange[], writeId: string): LeaseUpdate {
  const values = holderValues(held, writeId);
  if (attempted.length === 0) return forgetAttempt(values);
  values[':attempted'] = text(formatAttempted(attempted));
  return attempt(values);
}

const checkpointExpression =
  `SET ${a.writeId} = :write, ${a.checkpoint} = :checkpoint, ${a.checkpointSubSequenceNumber} = :sub, ` +
  `${a.ownerSwitches} = :zero ADD ${bumpCounter} ` +
  `REMOVE ${a.pendingCheckpoint}, ${a.pendingCheckpointSubSequenceNumber}, ${a.pendingCheckpointState}`;
const storeCheckpoint = updateOf(holdsAsObserved, checkpointExpression);
const storePastAttempted = updateOf(holdsAsObserved, `${checkpointExpression}, ${a.attempted}`);

/** As the KCL does, a checkpoint ends a two-phase one and starts the count of owner switches anew. */
export function checkpointUpdate(
  held: HeldLeaseRef,
  checkpoint: Checkpoint,
  writeId: string,
  { passesAttempted }: CheckpointScope,
): LeaseUpdate {
  const words = formatCheckpoint(checkpoint);
  const values = holderValues(held, writeId);
  values[':checkpoint'] = text(words.checkpoint);
  values[':sub'] = number(words.subSequenceNumber);
  values[':zero'] = number(0);
  return passesAttempted ? storePastAttempted(values) : storeCheckpoint(values);
}

const requestHandover = updateOf(
  condition.mayBeAskedFor,
  `SET ${a.leaseOwner} = :receiver, ${a.checkpointOwner} = :owner, ${a.receiver} = :receiver, ${a.requestId} = :write`,
);

/**
 * The request bears its id beside the holder's last one, not over it: the holder needs its own to tell, after a lost
 * reply, that its write got through.
 */
export function requestHandoverUpdate(owner: string, receiver: string, writeId: string): LeaseUpdate {
  return requestHandover({
    ':owner': text(owner),
    ':receiver': text(receiver),
    ':write': text(writeId),
    ':shardEnd': shardEnd,
  });
}

const isAskedAsObserved = condition.allOf(condition.counterAsObserved, condition.askedToHandOver);

const completeHandover = updateOf(
  isAskedAsObserved,
  `SET ${a.writeId} = :write, ${a.handedOver} = ${a.leaseOwner} ADD ${bumpCounter}, ${a.ownerSwitches} :one ` +
    `REMOVE ${a.checkpointOwner}, ${a.receiver}, ${a.requestId}`,
);

export function completeHandoverUpdate(held: HeldLeaseRef, writeId: string): LeaseUpdate {
  return completeHandover(holderValues(held, writeId));
}

const cancelHandover = updateOf(
  isAskedAsObserved,
  `SET ${a.writeId} = :write, ${a.leaseOwner} = :me ADD ${bumpCounter} ` +
    `REMOVE ${a.checkpointOwner}, ${a.receiver}, ${a.requestId}`,
);

/** By the owner, to whom its receiver is known to be gone: the lease stays where it is. */
export function cancelHandoverUpdate(held: HeldLeaseRef, writeId: string): LeaseUpdate {
  return cancelHandover(holderValues(held, writeId));
}

const ownsAsObserved = condition.allOf(condition.counterAsObserved, condition.ownerIsMe);
const noOwner = `REMOVE ${[a.leaseOwner, ...handoverAttributes].join(', ')}`;

const release = updateOf(ownsAsObserved, `SET ${a.writeId} = :write ADD ${bumpCounter} ${noOwner}`);
const releaseToSuccessor = updateOf(
  ownsAsObserved,
  `SET ${a.writeId} = :write, ${a.leaseOwner} = :successor, ${a.handedOver} = :successor ` +
    `ADD ${bumpCounter}, ${a.ownerSwitches} :one REMOVE ${a.checkpointOwner}, ${a.receiver}, ${a.requestId}`,
);

/** To the successor, who may adopt it at once, or to nobody. */
export function releaseUpdate(held: HeldLeaseRef, writeId: string, successor: string | undefined): LeaseUpdate {
  const values = holderValues(held, writeId);
  if (successor === undefined) return release(values);
  values[':successor'] = text(successor);
  return releaseToSuccessor(values);
}

const evict = updateOf(
  condition.counterAsObserved,
  `SET ${a.writeId} = :write, ${a.evicted} = :true ADD ${bumpCounter} ${noOwner}`,
);

/** By anybody: the owner loses the lease with its next write. */
export function evictUpdate(observed: Lease, writeId: string): LeaseUpdate {
  return evict({
    ':counter': number(observed.leaseCounter),
    ':one': number(1),
    ':write': text(writeId),
    ':true': { BOOL: true },
  });
}
