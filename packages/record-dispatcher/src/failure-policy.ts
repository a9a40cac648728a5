import type { ResolvedRetryOptions } from './retry-options';

/**
 * What becomes of records that the user's code fails at.
 *
 * - `block`: the batch is tried again, as it is, for as long as it takes.
 * - `bisect`: a batch that has failed twice is split, until the failing record stands alone; that one is tried for as long
 *   as it takes, and everything before it is done.
 * - `skip`, `dead-letter`: as `bisect`, and the record is let go once it has failed `maxAttempts` times by itself, or is
 *   older than `maxRecordAgeMs`.
 */
export type FailurePolicy = 'block' | 'bisect' | 'skip' | 'dead-letter';

/** Whether the policy gives up records at all. */
export function letsRecordsGo(policy: FailurePolicy): boolean {
  return policy === 'skip' || policy === 'dead-letter';
}

/**
 * Why a record was let go. `key`: one before it with the same key was. `crashes`: the process has ended while it was in hand, again
 * and again.
 */
export type GiveUpReason = 'attempts' | 'age' | 'key' | 'crashes';

export interface PieceFailure {
  /** How often the piece has failed in a row; 1 for the first time. */
  readonly failures: number;
  /** How often its first record has failed by itself: alone in a call, or named by the user's code. */
  readonly attempts: number;
  readonly recordCount: number;
  /** The user's code has named the record that failed: the first one, or one that it was not given in this call. */
  readonly named: 'first' | 'elsewhere' | undefined;
  /** Since the first record arrived in the stream, in milliseconds. */
  readonly ageMs: number;
}

export type FailureDecision =
  | { readonly kind: 'retry' }
  /** `at`: so many records make the first piece. */
  | { readonly kind: 'split'; readonly at: number }
  /** The first record only. */
  | { readonly kind: 'let-go'; readonly reason: GiveUpReason };

/** The first failure of a piece may have passed a moment later; from the second on it is looked for the record. */
const splitFrom = 2;

export function decideOnFailure(
  policy: FailurePolicy,
  { failures, attempts, recordCount, named, ageMs }: PieceFailure,
  { maxAttempts, maxRecordAgeMs }: ResolvedRetryOptions,
): FailureDecision {
  if (policy === 'block' || named === 'elsewhere') return { kind: 'retry' };
  if (recordCount > 1 && named === undefined) {
    return failures >= splitFrom ? { kind: 'split', at: recordCount >> 1 } : { kind: 'retry' };
  }
  if (letsRecordsGo(policy) && attempts > 0) {
    if (attempts >= maxAttempts) return { kind: 'let-go', reason: 'attempts' };
    if (ageMs > maxRecordAgeMs) return { kind: 'let-go', reason: 'age' };
  }
  return recordCount > 1 ? { kind: 'split', at: 1 } : { kind: 'retry' };
}
