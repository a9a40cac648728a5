import { compareCheckpoints, parseCheckpoint, type Checkpoint } from '@millrace/core';

/** An item as DynamoDB keeps it. */
export type Item = Readonly<
  Record<string, { readonly S?: string; readonly N?: string; readonly BOOL?: boolean; readonly SS?: readonly string[] }>
>;

/** A row of the lease table, read by the simulation's own eyes: not by the code that is under test. */
export interface LeaseRow {
  readonly leaseKey: string;
  readonly counter: number;
  readonly leaseOwner: string | undefined;
  readonly checkpointOwner: string | undefined;
  readonly receiver: string | undefined;
  readonly checkpoint: Checkpoint;
  readonly checkpointText: string;
  readonly parentShardIds: readonly string[];
  readonly writeId: string | undefined;
  readonly failoverMs: number | undefined;
  /** Some worker of ours has had the lease. */
  readonly wasAcquired: boolean;
  readonly marks: string;
  /** What it says to have been attempted. */
  readonly attempted: string;
}

/** `undefined` for what is no lease: the same table may hold other rows. */
export function leaseRowOf(item: Item): LeaseRow | undefined {
  const leaseKey = item['leaseKey']?.S;
  const counter = item['leaseCounter']?.N;
  const entityType = item['entityType']?.S ?? 'LEASE';
  if (leaseKey === undefined || counter === undefined || entityType !== 'LEASE') return undefined;
  const checkpointText = item['checkpoint']?.S ?? '';
  const subSequenceNumber = Number(item['checkpointSubSequenceNumber']?.N ?? 0);
  const failoverMs = item['millraceFailoverMs']?.N;
  const owners = {
    leaseOwner: item['leaseOwner']?.S,
    checkpointOwner: item['checkpointOwner']?.S,
    receiver: item['millraceReceiver']?.S,
  };
  return {
    leaseKey,
    counter: Number(counter),
    ...owners,
    checkpoint: parseCheckpoint(checkpointText, subSequenceNumber) ?? { kind: 'trim-horizon' },
    checkpointText,
    parentShardIds: item['parentShardId']?.SS ?? [],
    writeId: item['millraceWrite']?.S,
    failoverMs: failoverMs === undefined ? undefined : Number(failoverMs),
    wasAcquired: item['millraceAcquired'] !== undefined,
    marks: marksOf(item, effectiveOwnerOf(owners)),
    attempted: item['millraceAttempted']?.S ?? '',
  };
}

function marksOf(item: Item, owner: string | undefined): string {
  let marks = '';
  if (owner !== undefined && item['millraceHandedOver']?.S === owner) marks += ' HandedOver';
  if (item['millraceEvicted'] !== undefined) marks += ' Evicted';
  if (item['millraceHealed'] !== undefined) marks += ' Healed';
  if (item['millraceRoot'] !== undefined) marks += ' Root';
  return marks;
}

/** Who may write as the holder: the old owner as long as a hand-over is pending. */
export function effectiveOwnerOf({
  leaseOwner,
  checkpointOwner,
  receiver,
}: Pick<LeaseRow, 'leaseOwner' | 'checkpointOwner' | 'receiver'>): string | undefined {
  const isPending = checkpointOwner !== undefined && receiver !== undefined && receiver === leaseOwner;
  return isPending ? checkpointOwner : leaseOwner;
}

export function isFinished({ checkpoint }: LeaseRow): boolean {
  return checkpoint.kind === 'shard-end';
}

export function isBehind(a: LeaseRow, b: LeaseRow): boolean {
  return compareCheckpoints(a.checkpoint, b.checkpoint) < 0;
}

/** For a trace. */
export function describeRow(row: LeaseRow | undefined): string {
  if (row === undefined) return '(no row)';
  const { counter, leaseOwner, checkpointOwner, checkpointText, writeId, marks, attempted } = row;
  const asked = checkpointOwner === undefined ? '' : ` (asked of ${checkpointOwner})`;
  const tried = attempted === '' ? '' : ` attempted ${attempted.replaceAll(/\d{56}/g, shortly)}`;
  return `[${counter} ${leaseOwner ?? 'nobody'}${asked} at ${shortly(checkpointText)} by ${writeId ?? '?'}${marks}${tried}]`;
}

/** Sequence numbers of a stream differ in their middle: the number in the stream. */
export function shortly(sequenceNumber: string): string {
  return sequenceNumber.length === 56 ? `#${Number(sequenceNumber.slice(14, 30))}` : sequenceNumber;
}
