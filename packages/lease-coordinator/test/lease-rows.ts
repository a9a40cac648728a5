import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { effectiveOwner, formatCheckpoint, type Lease } from '@millrace/core';

/** A row as the test wants it, attribute by attribute, written without the code under test. */
export function rowOf(lease: Lease): Record<string, AttributeValue> {
  const { checkpoint, subSequenceNumber } = formatCheckpoint(lease.checkpoint);
  const row: Record<string, AttributeValue | undefined> = {
    leaseKey: { S: lease.leaseKey },
    leaseCounter: { N: String(lease.leaseCounter) },
    leaseOwner: textOf(lease.leaseOwner),
    checkpointOwner: textOf(lease.checkpointOwner),
    ownerSwitchesSinceCheckpoint: { N: String(lease.ownerSwitchesSinceCheckpoint) },
    checkpoint: { S: checkpoint },
    checkpointSubSequenceNumber: { N: String(subSequenceNumber) },
    parentShardId: setOf(lease.parentShardIds),
    childShardIds: setOf(lease.childShardIds),
    startingHashKey: textOf(lease.hashKeyRange?.start),
    endingHashKey: textOf(lease.hashKeyRange?.end),
    entityType: textOf(lease.typed ? 'LEASE' : undefined),
    millraceReceiver: textOf(lease.receiver),
    millraceHandedOver: textOf(lease.handedOver ? effectiveOwner(lease) : undefined),
    millraceEvicted: flagOf(lease.evicted),
    millraceHealed: flagOf(lease.healed),
    millraceRoot: flagOf(lease.root),
    millraceFailoverMs: numberOf(lease.failoverTimeMs),
    millraceAcquired: numberOf(lease.acquiredAtMs),
    millraceWrite: textOf(lease.writeId),
    millraceInitialTimestamp: numberOf(lease.initialTimestampMs),
    millraceStreamArn: textOf(lease.streamArn),
    millraceStreamCreated: numberOf(lease.streamCreatedAtMs),
    millraceAttempted: textOf(attemptedOf(lease)),
  };
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function attemptedOf({ attempted }: Lease): string | undefined {
  const words = attempted.map(({ first, last, recordCount, attempts }) =>
    [
      `${first.sequenceNumber}/${String(first.subSequenceNumber)}`,
      `${last.sequenceNumber}/${String(last.subSequenceNumber)}`,
      recordCount,
      attempts,
    ].join(' '),
  );
  return words.length === 0 ? undefined : words.join(', ');
}

const textOf = (text: string | undefined): AttributeValue | undefined => (text === undefined ? undefined : { S: text });
const numberOf = (value: number | undefined): AttributeValue | undefined =>
  value === undefined ? undefined : { N: String(value) };
const setOf = (texts: readonly string[]): AttributeValue | undefined =>
  texts.length === 0 ? undefined : { SS: [...texts] };
const flagOf = (flag: boolean): AttributeValue | undefined => (flag ? { BOOL: true } : undefined);
