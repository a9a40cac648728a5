import { comparePositions, type AttemptedRange, type UserRecord } from '@millrace/core';

/** Records that are delivered together. */
export type Piece = readonly [UserRecord, ...UserRecord[]];

/** Of a range at which the process may have ended a piece is such a part: 10,000 records are one after four of them. */
const partOfRange = 16;
/** So many suspects are kept in the row behind a piece at most, those that come first. */
const maxSuspects = 4;
/** So many that were let go are kept in the row before a piece at most, the last ones. */
const maxLetGo = 4;

/** What may have ended the process, in its order. */
export interface Suspicion {
  /** Let go in this life, and named by the row until a checkpoint passes them: else the next life would find them anew. */
  readonly letGo: readonly AttemptedRange[];
  /** Not delivered yet. */
  readonly suspects: readonly AttemptedRange[];
}

/** How many records come next, of these: a part of the suspect that they begin in, or else what lies before the next one, `usual` at most. */
export function pieceSize(records: readonly UserRecord[], suspects: readonly AttemptedRange[], usual: number): number {
  const [first] = records;
  if (first === undefined) return 0;
  const around = suspects.find((suspect) => isIn(first, suspect));
  const size = around === undefined ? usual : Math.ceil(around.recordCount / partOfRange);
  const next = suspects.find((suspect) => comparePositions(first, suspect.first) < 0);
  const isOver = (record: UserRecord): boolean =>
    (around !== undefined && comparePositions(record, around.last) > 0) ||
    (next !== undefined && comparePositions(record, next.first) >= 0);
  const end = records.findIndex((record, at) => at > 0 && (at >= size || isOver(record)));
  return end < 0 ? records.length : end;
}

/** A part of the first batch, as nobody knows which records it is about. */
export function firstSize(records: readonly UserRecord[]): number {
  return Math.max(1, Math.ceil(records.length / partOfRange));
}

/** As it would stand in the row, if it was attempted as often as the same range is said to have been. */
export function rangeOf(records: Piece, suspects: readonly AttemptedRange[]): AttemptedRange {
  const first = positionOf(records[0]);
  const last = positionOf(records.at(-1) ?? records[0]);
  const same = suspects.find(
    (suspect) => comparePositions(suspect.first, first) === 0 && comparePositions(suspect.last, last) === 0,
  );
  return { first, last, recordCount: records.length, attempts: same?.attempts ?? 0 };
}

/**
 * What the row is to say: while a piece is delivered that, in place of the suspect that it lies in, with what comes before and behind
 * it; while none is, all.
 */
export function rangesInRow({ letGo, suspects }: Suspicion, piece?: AttemptedRange): readonly AttemptedRange[] {
  if (piece === undefined) return [...letGo, ...suspects];
  const behind = suspects.filter(({ first }) => comparePositions(first, piece.last) > 0);
  return [...letGo.slice(-maxLetGo), piece, ...behind.slice(0, maxSuspects)];
}

function isIn(record: UserRecord, { first, last }: AttemptedRange): boolean {
  return comparePositions(first, record) <= 0 && comparePositions(record, last) <= 0;
}

function positionOf({ sequenceNumber, subSequenceNumber }: UserRecord): AttemptedRange['first'] {
  return { sequenceNumber, subSequenceNumber };
}
