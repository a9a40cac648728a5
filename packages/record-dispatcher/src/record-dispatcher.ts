import {
  type AbortSignalLike,
  checkpointAt,
  compareCheckpoints,
  comparePositions,
  failedRecord,
  type Checkpoint,
  type Clock,
  type Logger,
  type Random,
  type RecordPosition,
  type UserRecord,
} from '@millrace/core';
import {
  logFailure,
  logSinkFailure,
  recheckLeaseMs,
  retryDelayMs,
  type DeliveryFailure,
  type LostCause,
} from './failed-delivery';
import { decideOnFailure, type FailureDecision, type FailurePolicy, type PieceFailure } from './failure-policy';
import type { ResolvedRetryOptions } from './retry-options';

/** What the dispatcher needs to know of the shard that it works for. */
export interface DispatchTarget {
  /** Hands records to the user's code; settles when that code has. `records` is never empty. */
  deliver(records: readonly UserRecord[]): Promise<void>;
  /** The user's code is done with all records up to this one: it resolved, or failed at a later one that it named. */
  resolved(position: RecordPosition): void;
  /** Up to where the user's code has acknowledged. */
  acknowledged(): Checkpoint;
  /** Whether the lease is ours for certain at this very moment. Asked in the same turn as {@link deliver}. */
  mayDeliver(): boolean;
  /** Told of every failure of the user's code. */
  failed(failure: DeliveryFailure): void;
  /**
   * Lets the record go: skips it, or puts it where it is kept for a person to look at, and resolves once it is safe there. Called
   * again if it rejects, and under the same condition as {@link deliver}. `before`: up to and including the record that was
   * handed over before it.
   */
  letGo(record: UserRecord, before: Checkpoint, cause: LostCause): Promise<void>;
}

/** A part of a batch that is handed over in one call. */
interface Piece {
  readonly records: readonly UserRecord[];
  /** Up to and including the record that was handed over before its first one. */
  readonly before: Checkpoint;
  /** In a row. */
  readonly failures: number;
  /** Of its first record by itself: alone in a call, or named. */
  readonly attempts: number;
}

/** What of a piece that has failed is still to be done. */
interface Rest extends Piece, Pick<PieceFailure, 'named'> {}

type Attempt =
  { readonly kind: 'resolved' } | { readonly kind: 'aborted' } | { readonly kind: 'failed'; readonly error: unknown };

export interface RecordDispatcherParts {
  readonly target: DispatchTarget;
  readonly policy: FailurePolicy;
  readonly retry: ResolvedRetryOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Hands the batches of one shard to the user's code, one after another.
 *
 * A batch that fails is handed over again, from behind the last record of it that is done, after a delay that grows. What
 * happens if it goes on failing is for the {@link FailurePolicy} to say. Nothing behind a failing record is delivered
 * before it has succeeded or was let go, and the position never moves because of a failure alone.
 */
export class RecordDispatcher {
  readonly #parts: RecordDispatcherParts;

  constructor(parts: RecordDispatcherParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with `'delivered'` once the user's code has taken the whole batch, but for records that were let go, or with
   * `'aborted'` when `signal` ended the attempts before that; the records not acknowledged by then are for whoever reads the
   * shard next. A call of the user's code that is under way is always waited for. Must not overlap with itself.
   * `before`: up to and including the record that was handed over before this batch.
   */
  async dispatch(
    batch: readonly UserRecord[],
    before: Checkpoint,
    signal: AbortSignalLike,
  ): Promise<'delivered' | 'aborted'> {
    const { target } = this.#parts;
    // The next one is the last.
    const pieces: Piece[] = [{ records: batch, before, failures: 0, attempts: 0 }];
    for (let next = pieces.pop(); next !== undefined; next = pieces.pop()) {
      // The whole batch may have been handed over, and some of it acknowledged since.
      const piece = behind(next, firstOpen(next, target.acknowledged()));
      const { records } = piece;
      const last = records.at(-1);
      if (last === undefined) continue;
      // A copy: code that takes records off its array must not take them out of the retry.
      const attempt = await this.#attempt(() => target.deliver([...records]), signal);
      if (attempt.kind === 'aborted') return 'aborted';
      if (attempt.kind === 'resolved') {
        target.resolved(last);
        continue;
      }
      const rest = this.#rest(piece, attempt.error);
      const others = rest === undefined ? [] : await this.#afterFailure(rest, attempt.error, signal);
      if (others === 'aborted') return 'aborted';
      pieces.push(...others.toReversed());
    }
    return 'delivered';
  }

  /**
   * Lets one record go that was not handed over. As {@link dispatch}, with which it must not overlap: `'aborted'` when `signal` has
   * ended the attempts before it was safe.
   */
  async letGo(
    record: UserRecord,
    before: Checkpoint,
    cause: LostCause,
    signal: AbortSignalLike,
  ): Promise<'delivered' | 'aborted'> {
    return (await this.#letGo(record, before, cause, signal)) ? 'delivered' : 'aborted';
  }

  /** Calls the user's code once the lease is certain to be ours. No await stands between the check and the call. */
  async #attempt(call: () => Promise<void>, signal: AbortSignalLike): Promise<Attempt> {
    while (!signal.aborted && !this.#parts.target.mayDeliver()) await this.#sleep(recheckLeaseMs, signal);
    if (signal.aborted) return { kind: 'aborted' };
    try {
      await call();
      return { kind: 'resolved' };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  /** `undefined`: nothing. */
  #rest(piece: Piece, error: unknown): Rest | undefined {
    const { target, logger } = this.#parts;
    const { records, failures, attempts } = piece;
    const failed = failedRecord(error);
    const namedAt = failed === undefined ? -1 : records.findIndex((record) => comparePositions(record, failed) === 0);
    if (failed !== undefined && namedAt < 0) {
      logger.warn({ err: error, ...failed }, 'record processor named a record that this call did not have');
    }
    const lastDone = records[namedAt - 1];
    if (lastDone !== undefined) target.resolved(lastDone);
    const done = Math.max(firstOpen(piece, target.acknowledged()), namedAt);
    if (done === records.length) {
      logger.warn({ err: error }, 'record processor failed after it had acknowledged the whole batch');
      return undefined;
    }
    const named = failed === undefined ? undefined : namedAt < 0 ? 'elsewhere' : done === namedAt ? 'first' : undefined;
    if (done === 0) {
      const isByItself = named === 'first' || (records.length === 1 && named === undefined);
      return { ...piece, failures: failures + 1, attempts: attempts + (isByItself ? 1 : 0), named };
    }
    // Progress was made: what failed now is another record than before.
    return { ...behind(piece, done), failures: 1, attempts: named === 'first' ? 1 : 0, named };
  }

  /** Resolves with what is to be handed over in place of the piece, after the delay that is due. */
  async #afterFailure(piece: Rest, error: unknown, signal: AbortSignalLike): Promise<readonly Piece[] | 'aborted'> {
    const { policy, retry, clock } = this.#parts;
    const { records, failures, attempts, named } = piece;
    const [first] = records;
    if (first === undefined) return [];
    const ageMs = clock.wallTime() - first.approximateArrivalTimestamp.getTime();
    const recordCount = records.length;
    // Who was told to stop may have failed because of that.
    const decision: FailureDecision = signal.aborted
      ? { kind: 'retry' }
      : decideOnFailure(policy, { failures, attempts, recordCount, named, ageMs }, retry);
    const retryInMs = decision.kind === 'let-go' ? 0 : this.#delayMs(failures);
    this.#tell(piece, first, { error, action: decision.kind, retryInMs });
    if (decision.kind === 'let-go') {
      const isGone = await this.#letGo(first, piece.before, { reason: decision.reason, attempts, error }, signal);
      return isGone ? [behind(piece, 1)] : 'aborted';
    }
    if (!(await this.#sleep(retryInMs, signal))) return 'aborted';
    return decision.kind === 'retry' ? [piece] : split(piece, decision.at);
  }

  #tell(
    { records, failures: attempt }: Piece,
    { sequenceNumber: firstSequenceNumber }: UserRecord,
    { error, action, retryInMs }: Pick<DeliveryFailure, 'error' | 'action' | 'retryInMs'>,
  ): void {
    const failure = { error, attempt, action, recordCount: records.length, firstSequenceNumber, retryInMs };
    logFailure(this.#parts.logger, failure);
    this.#parts.target.failed(failure);
  }

  /** Resolves with whether the record is gone; not before `signal` aborts otherwise. Until then it blocks. */
  async #letGo(record: UserRecord, before: Checkpoint, cause: LostCause, signal: AbortSignalLike): Promise<boolean> {
    const { target, logger } = this.#parts;
    const { sequenceNumber, subSequenceNumber } = record;
    for (let failures = 1; ; failures++) {
      const attempt = await this.#attempt(() => target.letGo(record, before, cause), signal);
      if (attempt.kind !== 'failed') return attempt.kind === 'resolved';
      const retryInMs = this.#delayMs(failures);
      const { error } = attempt;
      logSinkFailure(logger, { error, sequenceNumber, subSequenceNumber, attempt: failures, retryInMs });
      if (!(await this.#sleep(retryInMs, signal))) return false;
    }
  }

  #delayMs(failures: number): number {
    const { retry, random } = this.#parts;
    return retryDelayMs(failures, retry, random);
  }

  async #sleep(delayMs: number, signal: AbortSignalLike): Promise<boolean> {
    try {
      await this.#parts.clock.sleep(delayMs, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** How many records of the piece, from the first, are acknowledged. */
function firstOpen({ records }: Piece, acknowledged: Checkpoint): number {
  const index = records.findIndex((record) => compareCheckpoints(acknowledged, checkpointAt(record)) < 0);
  return index < 0 ? records.length : index;
}

/** What comes behind so many records. */
function behind(piece: Piece, count: number): Piece {
  const previous = piece.records[count - 1];
  if (previous === undefined) return piece;
  return { records: piece.records.slice(count), before: checkpointAt(previous), failures: 0, attempts: 0 };
}

/** A longer half is split at its next failure; a record that comes to stand alone has not failed by itself yet, unless it was named. */
function split(piece: Rest, at: number): readonly Piece[] {
  const isNamed = piece.named === 'first';
  const first = { ...piece, records: piece.records.slice(0, at) };
  const second = behind(piece, at);
  const failuresOf = ({ records }: Piece): number => (!isNamed && records.length > 1 ? 1 : 0);
  return [
    isNamed ? { ...first, failures: first.attempts } : { ...first, failures: failuresOf(first), attempts: 0 },
    { ...second, failures: failuresOf(second) },
  ];
}
