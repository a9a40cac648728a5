import { type Checkpoint, compareCheckpoints, effectiveOwner, type Lease } from '@millrace/core';
import type { UnansweredWrites } from './unanswered-writes';

/** What a write of a holder came to. */
export type WriteOutcome =
  | { readonly kind: 'applied'; readonly lease: Lease }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'lost'; readonly row: Lease | undefined; readonly ambiguous: boolean; readonly error?: unknown };

/** A write that was refused, by the one who held the lease when it was sent. */
export interface RefusedWrite {
  readonly writeId: string;
  readonly me: string;
  /** The counter that the write named. */
  readonly counter: number;
  /** Earlier writes under the same lease that nobody answered. */
  readonly unanswered: Pick<UnansweredWrites, 'has'>;
  /** A release or the completion of a hand-over: when it got through, the row is no longer mine. */
  readonly givesBack: boolean;
}

/**
 * What the row says about the refused write. `through`: an earlier attempt of it was applied. `earlier-write-through`:
 * an earlier write was, and nothing since: this one may go on from its counter. `unchanged`: still mine and as it was,
 * but for a request to hand over. `lost`: another has the lease, or had it.
 */
export type RefusalVerdict =
  | { readonly kind: 'through' | 'earlier-write-through' | 'unchanged'; readonly row: Lease }
  | { readonly kind: 'lost'; readonly row: Lease | undefined };

/**
 * Only the id of a write proves that it got through. "The owner is me and the counter is one more" does not: this
 * worker may have lost the lease and acquired it again since, for another consumer.
 */
export function judgeRefusal(row: Lease | undefined, write: RefusedWrite): RefusalVerdict {
  if (row === undefined) return { kind: 'lost', row };
  const bearsThisWrite = row.writeId === write.writeId;
  if (bearsThisWrite && write.givesBack) return { kind: 'through', row };
  if (effectiveOwner(row) !== write.me) return { kind: 'lost', row };
  if (bearsThisWrite) return { kind: 'through', row };
  if (row.leaseCounter === write.counter) return { kind: 'unchanged', row };
  const bearsEarlierWrite = row.writeId !== undefined && write.unanswered.has(row.writeId);
  return bearsEarlierWrite && row.leaseCounter > write.counter
    ? { kind: 'earlier-write-through', row }
    : { kind: 'lost', row };
}

export interface LostCheckpoint {
  readonly checkpoint: Checkpoint;
  /** As much of it as somebody waits for. */
  readonly asked: Checkpoint;
  /** A write that nobody answered was to store as much as was asked for. */
  readonly inDoubt: boolean;
}

/**
 * Whether what was asked for got through before the lease was lost. The row cannot take it any more: it has moved on. What is
 * in doubt may have been stored, and then overtaken by the next holder.
 */
export function storedAfterLoss(
  row: Lease | undefined,
  { checkpoint, asked, inDoubt }: LostCheckpoint,
): 'yes' | 'no' | 'unknown' {
  if (row === undefined) return inDoubt ? 'unknown' : 'no';
  const order = compareCheckpoints(row.checkpoint, asked);
  if (order === 0 || compareCheckpoints(row.checkpoint, checkpoint) === 0) return 'yes';
  return inDoubt && order > 0 ? 'unknown' : 'no';
}
