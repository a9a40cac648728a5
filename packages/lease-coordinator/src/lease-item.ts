import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type Checkpoint,
  CorruptLeaseError,
  effectiveOwner,
  formatCheckpoint,
  type HashKeyRange,
  type Lease,
  type LeaseOwners,
  type LeaseSeed,
  parseCheckpoint,
} from '@millrace/core';
import { parseAttempted } from './attempted-ranges';
import { MAX_TIME_MS } from './lease-options';

export type LeaseItem = Record<string, AttributeValue>;

/** The attributes of a lease row: the KCL's names and types, and ours with a prefix, which the KCL ignores and keeps. */
export const attribute = {
  leaseKey: 'leaseKey',
  leaseCounter: 'leaseCounter',
  leaseOwner: 'leaseOwner',
  checkpointOwner: 'checkpointOwner',
  ownerSwitches: 'ownerSwitchesSinceCheckpoint',
  checkpoint: 'checkpoint',
  checkpointSubSequenceNumber: 'checkpointSubSequenceNumber',
  pendingCheckpoint: 'pendingCheckpoint',
  pendingCheckpointSubSequenceNumber: 'pendingCheckpointSubSequenceNumber',
  pendingCheckpointState: 'pendingCheckpointState',
  parentShardIds: 'parentShardId',
  childShardIds: 'childShardIds',
  startingHashKey: 'startingHashKey',
  endingHashKey: 'endingHashKey',
  entityType: 'entityType',
  writeId: 'millraceWrite',
  requestId: 'millraceRequest',
  receiver: 'millraceReceiver',
  handedOver: 'millraceHandedOver',
  evicted: 'millraceEvicted',
  healed: 'millraceHealed',
  root: 'millraceRoot',
  failoverTimeMs: 'millraceFailoverMs',
  acquiredAtMs: 'millraceAcquired',
  initialTimestampMs: 'millraceInitialTimestamp',
  streamArn: 'millraceStreamArn',
  streamCreatedAtMs: 'millraceStreamCreated',
  attempted: 'millraceAttempted',
} as const;

/** What the KCL writes into `entityType` of a lease; rows without the attribute are leases too. */
const LEASE_ENTITY = 'LEASE';

/** The KCL keeps its leader lock, worker metrics and migration states in the same table. */
export function isLeaseItem(item: LeaseItem): boolean {
  const entityType = item[attribute.entityType];
  return entityType === undefined || entityType.S === LEASE_ENTITY;
}

/** Reads a row. Throws {@link CorruptLeaseError} rather than guess. */
export function parseLeaseItem(item: LeaseItem): Lease {
  const leaseKey = item[attribute.leaseKey]?.S;
  if (leaseKey === undefined) throw new CorruptLeaseError('(unnamed)', 'leaseKey is not a string');
  const row = new ItemReader(leaseKey, item);
  if (!isLeaseItem(item)) throw row.problem('its entityType says that it is not a lease');
  const owners = {
    leaseOwner: row.text(attribute.leaseOwner),
    checkpointOwner: row.text(attribute.checkpointOwner),
    receiver: row.text(attribute.receiver),
  };
  return {
    leaseKey,
    leaseCounter: row.required(attribute.leaseCounter, row.integer(attribute.leaseCounter)),
    ...owners,
    checkpoint: checkpointOf(row),
    parentShardIds: row.texts(attribute.parentShardIds),
    childShardIds: row.texts(attribute.childShardIds),
    hashKeyRange: hashKeyRangeOf(row),
    ownerSwitchesSinceCheckpoint: row.integer(attribute.ownerSwitches) ?? 0,
    typed: row.text(attribute.entityType) !== undefined,
    handedOver: isHandedOver(row.text(attribute.handedOver), owners),
    evicted: row.flag(attribute.evicted),
    healed: row.flag(attribute.healed),
    root: row.flag(attribute.root),
    failoverTimeMs: atMost(MAX_TIME_MS, row.integer(attribute.failoverTimeMs)),
    acquiredAtMs: row.integerIfAny(attribute.acquiredAtMs),
    writeId: row.text(attribute.writeId),
    initialTimestampMs: row.integer(attribute.initialTimestampMs),
    streamArn: row.text(attribute.streamArn),
    streamCreatedAtMs: row.integer(attribute.streamCreatedAtMs),
    attempted: parseAttempted(item[attribute.attempted]?.S),
  };
}

/** To whom it is now: the KCL leaves the attribute where it is when it takes the lease. */
function isHandedOver(to: string | undefined, owners: LeaseOwners): boolean {
  return to !== undefined && to === effectiveOwner(owners);
}

/** A new row. What is empty is absent, as the KCL has it. */
export function newLeaseItem(seed: LeaseSeed, writeId: string): LeaseItem {
  const { checkpoint, subSequenceNumber } = formatCheckpoint(seed.checkpoint);
  const item: LeaseItem = {
    [attribute.leaseKey]: { S: seed.leaseKey },
    [attribute.leaseCounter]: { N: String(seed.leaseCounter) },
    [attribute.ownerSwitches]: { N: '0' },
    [attribute.checkpoint]: { S: checkpoint },
    [attribute.checkpointSubSequenceNumber]: { N: String(subSequenceNumber) },
    [attribute.entityType]: { S: LEASE_ENTITY },
    [attribute.writeId]: { S: writeId },
    [attribute.streamArn]: { S: seed.streamArn },
    [attribute.streamCreatedAtMs]: { N: String(seed.streamCreatedAtMs) },
  };
  if (seed.parentShardIds.length > 0) item[attribute.parentShardIds] = { SS: [...seed.parentShardIds] };
  if (seed.hashKeyRange !== undefined) {
    item[attribute.startingHashKey] = { S: seed.hashKeyRange.start };
    item[attribute.endingHashKey] = { S: seed.hashKeyRange.end };
  }
  if (seed.first !== undefined) {
    const { owner, failoverTimeMs, acquiredAtMs } = seed.first;
    item[attribute.leaseOwner] = { S: owner };
    item[attribute.failoverTimeMs] = { N: String(failoverTimeMs) };
    item[attribute.acquiredAtMs] = { N: String(acquiredAtMs) };
  }
  if (seed.healed) item[attribute.healed] = { BOOL: true };
  if (seed.failoverTimeMs !== undefined) item[attribute.failoverTimeMs] = { N: String(seed.failoverTimeMs) };
  if (seed.root) item[attribute.root] = { BOOL: true };
  if (seed.initialTimestampMs !== undefined) {
    item[attribute.initialTimestampMs] = { N: String(seed.initialTimestampMs) };
  }
  return item;
}

function checkpointOf(row: ItemReader): Checkpoint {
  const text = row.required(attribute.checkpoint, row.text(attribute.checkpoint));
  const subSequenceNumber = row.integer(attribute.checkpointSubSequenceNumber) ?? 0;
  const checkpoint = parseCheckpoint(text, subSequenceNumber);
  if (checkpoint === undefined) {
    throw row.problem(`checkpoint ${JSON.stringify(text)} is neither a sequence number nor a named position`);
  }
  return checkpoint;
}

function hashKeyRangeOf(row: ItemReader): HashKeyRange | undefined {
  const start = row.text(attribute.startingHashKey);
  const end = row.text(attribute.endingHashKey);
  return start === undefined || end === undefined ? undefined : { start, end };
}

function atMost(max: number, value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.min(max, value);
}

type AttributeName = (typeof attribute)[keyof typeof attribute];

/** Reads one row's attributes, absent or of the right type. */
class ItemReader {
  constructor(
    private readonly leaseKey: string,
    private readonly item: LeaseItem,
  ) {}

  problem(problem: string): CorruptLeaseError {
    return new CorruptLeaseError(this.leaseKey, problem);
  }

  required<T>(name: AttributeName, value: T | undefined): T {
    if (value === undefined) throw this.problem(`${name} is missing`);
    return value;
  }

  text(name: AttributeName): string | undefined {
    const value = this.item[name];
    if (value !== undefined && value.S === undefined) throw this.problem(`${name} is not a string`);
    // Never written by the KCL or by us, but by hand: an empty owner is no owner.
    return value?.S === '' ? undefined : value?.S;
  }

  integer(name: AttributeName): number | undefined {
    const value = this.item[name];
    if (value === undefined) return undefined;
    const number = value.N === undefined ? NaN : Number(value.N);
    if (!Number.isSafeInteger(number) || number < 0) throw this.problem(`${name} is not a whole number`);
    return number;
  }

  /** Of an attribute whose number decides nothing: an odd one is as good as none. */
  integerIfAny(name: AttributeName): number | undefined {
    const number = Number(this.item[name]?.N);
    return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
  }

  texts(name: AttributeName): readonly string[] {
    const value = this.item[name];
    if (value !== undefined && value.SS === undefined) throw this.problem(`${name} is not a string set`);
    return value?.SS ?? [];
  }

  flag(name: AttributeName): boolean {
    const value = this.item[name];
    if (value !== undefined && value.BOOL === undefined) throw this.problem(`${name} is not a boolean`);
    return value?.BOOL ?? false;
  }
}
