import type { ShardCheckpointer } from '@millrace/checkpointer';
import {
  type AbortSignalLike,
  checkpointAt,
  compareCheckpoints,
  comparePositions,
  type AttemptedRange,
  type Checkpoint,
  type Clock,
  type Logger,
  type UserRecord,
} from '@millrace/core';
import { openAttempts } from '@millrace/lease-coordinator';
import { firstSize, pieceSize, rangeOf, withPiece, type Piece } from './careful-pieces';
import type { CarefulTurn } from './careful-turn';
import type { Delivery } from './delivery';
import type { ResolvedFailurePolicy } from './failure-policy-option';
import { sleepOrAbort } from './repeated-step';
import type { WorkerEvents } from './worker-events';

export interface CarefulDeliveryParts {
  readonly shardId: string;
  readonly heldLease: {
    /** One worker after another has lost the lease without giving it up, and none has got on. */
    readonly mayBeCrashLoop: boolean;
    /** Records in the row what is about to be delivered, in place of what it says. Returns whether it says so. Never rejects. */
    attempt(attempted: readonly AttemptedRange[]): Promise<boolean>;
  };
  /** What the row said to have been attempted when the lease was acquired, as far as that is not acknowledged. */
  readonly attempted: readonly AttemptedRange[];
  /** Where the shard was left. */
  readonly start: Checkpoint;
  readonly checkpointer: Pick<ShardCheckpointer, 'stored' | 'flush'>;
  readonly turn: CarefulTurn;
  readonly policy: ResolvedFailurePolicy['kind'];
  readonly maxCrashes: number;
  readonly failoverTimeMs: number;
  readonly checkpointIntervalMs: number;
  /** Reading is to end. */
  readonly reading: AbortSignalLike;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The longest pause before a record is delivered that the process has ended with. */
const longestPauseMs = 3_600_000;
/** After a row that could not be written. */
const recordAgainAfterMs = 1_000;
/** So many that were let go are kept in the row, the last ones. */
const maxLetGo = 4;
/** What was in hand when a process ended lies within a checkpoint interval of the last checkpoint, and some time more. */
const intervalsOfCare = 2;

/**
 * Delivers the records of one shard so that one at which the process ends is found, if there may be such a record: the lease went
 * from worker to worker without being given up, or its row says what they were about to deliver.
 *
 * - Before each delivery the row says which records it is of. Not recorded: not delivered. After it the row no longer says so,
 *   before another shard has its turn: of the shards that are read with care only one has records in hand.
 * - What the row said in the beginning is delivered in parts, and each life that ends makes them smaller. A record that stood alone
 *   in `maxCrashes` of them is let go without a delivery, or, where none may be let go, waits for a pause that grows.
 * - A clean end puts back what the row said before: only what nobody gave up counts.
 * - Once a checkpoint has passed all that was suspicious, and some time has gone by, the shard is read as usual.
 */
export class CarefulDelivery {
  readonly #parts: CarefulDeliveryParts;
  readonly #startedAtMs: number;
  /** Not delivered yet, in their order. */
  #suspects: readonly AttemptedRange[];
  /** Let go in this life, and named by the row until a checkpoint passes them: else the next life would find them anew. */
  #letGo: readonly AttemptedRange[] = [];
  /** How many records there are in a piece that is not suspicious; none was delivered yet. */
  #usual: number | undefined;
  /** The row may name records. */
  #isRecorded: boolean;
  #isOver: boolean;
  #problem: string | undefined;

  constructor(parts: CarefulDeliveryParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.now();
    this.#suspects = parts.attempted;
    this.#isRecorded = parts.attempted.length > 0;
    this.#isOver = !this.#isRecorded && !parts.heldLease.mayBeCrashLoop;
  }

  /** Why the shard is not getting on right now; `undefined` when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** As {@link Delivery.take}. */
  async take(
    records: readonly UserRecord[],
    before: Checkpoint,
    delivery: Delivery,
    done: () => void,
  ): Promise<'taken' | 'aborted'> {
    let left = records;
    let previous = before;
    for (let [first] = left; first !== undefined; [first] = left) {
      if (this.#isOver || (await this.#ends())) return delivery.take(left, previous, done);
      this.#begin(left);
      const piece: Piece = [first, ...left.slice(1, pieceSize(left, this.#suspects, this.#usual ?? 1))];
      if ((await this.#deliver(piece, previous, delivery)) === 'aborted') return 'aborted';
      previous = checkpointAt(piece.at(-1) ?? first);
      left = left.slice(piece.length);
    }
    done();
    return 'taken';
  }

  #begin(records: readonly UserRecord[]): void {
    if (this.#usual !== undefined) return;
    const { shardId, emit, logger } = this.#parts;
    const [suspect] = this.#suspects;
    this.#usual = firstSize(records);
    if (suspect === undefined) {
      // As after two crashes of whatever reason, for a shard without records between them.
      logger.info({}, 'shard is read with care, its last workers lost it');
      return;
    }
    const { recordCount, attempts } = suspect;
    logger.warn({ recordCount, attempts }, 'shard is read with care, a process may have ended at one of its records');
    emit('crashSuspected', { shardId, recordCount, attempts });
  }

  /** Whether nothing is suspicious any more. */
  async #ends(): Promise<boolean> {
    const { start, attempted, checkpointer, checkpointIntervalMs, heldLease, clock, logger } = this.#parts;
    const { stored } = checkpointer;
    const isPassed = attempted.every(({ last }) => compareCheckpoints(checkpointAt(last), stored) <= 0);
    if (!isPassed || compareCheckpoints(stored, start) <= 0) return false;
    if (clock.now() - this.#startedAtMs < intervalsOfCare * checkpointIntervalMs) return false;
    // What it says would be held against records that have nothing to do with the next end.
    if (this.#isRecorded && !(await heldLease.attempt([]))) return false;
    this.#isRecorded = false;
    this.#isOver = true;
    if (this.#usual !== undefined) logger.info({}, 'shard is read as usual again');
    return true;
  }

  async #deliver(records: Piece, before: Checkpoint, delivery: Delivery): Promise<'taken' | 'aborted'> {
    const { policy, maxCrashes } = this.#parts;
    const range = rangeOf(records, this.#suspects);
    const crashes = records.length === 1 ? range.attempts : 0;
    const isLetGo = crashes >= maxCrashes && (policy === 'skip' || policy === 'dead-letter');
    // A sink may be what the process ends at.
    const pauseFrom = isLetGo ? 2 * maxCrashes : maxCrashes;
    if (crashes >= pauseFrom && !(await this.#pause(records[0], crashes, crashes - pauseFrom))) return 'aborted';
    const leave = await this.#recorded({ ...range, attempts: range.attempts + 1 });
    if (leave === undefined) return 'aborted';
    try {
      const outcome = isLetGo
        ? await delivery.letGo(records[0], before, { reason: 'crashes', attempts: crashes, error: crashError(crashes) })
        : await delivery.take(records, before, () => undefined);
      await delivery.settled();
      const isDone = outcome === 'taken' && !delivery.isBusy;
      if (isDone && isLetGo) this.#letGo = [...this.#letGo, range].slice(-maxLetGo);
      await this.#ended(range, isDone);
      return isDone ? 'taken' : 'aborted';
    } finally {
      leave();
    }
  }

  /** Resolves with the end of the turn once the row says what is about to be delivered; with nothing if reading is to end. */
  async #recorded(range: AttemptedRange): Promise<(() => void) | undefined> {
    const { heldLease, turn, reading, clock, logger } = this.#parts;
    for (;;) {
      const leave = await turn.enter(reading);
      if (leave === undefined) return undefined;
      this.#isRecorded = true;
      if (await heldLease.attempt([...this.#letGo, ...withPiece(range, this.#suspects)])) return leave;
      leave();
      if (reading.aborted) return undefined;
      logger.warn({}, 'delivery is held back, the lease row could not be told of it');
      if (!(await sleepOrAbort(clock, recordAgainAfterMs, reading))) return undefined;
    }
  }

  /** The row is not to hold against these records what happens from now on. */
  async #ended({ last, recordCount }: AttemptedRange, isDone: boolean): Promise<void> {
    const { checkpointer, heldLease } = this.#parts;
    if (isDone) {
      this.#suspects = this.#suspects.filter((suspect) => comparePositions(suspect.last, last) > 0);
      if (recordCount >= (this.#usual ?? 1)) this.#usual = recordCount * 2;
      // A failure shows in what is stored; the next attempt to store it says more.
      await checkpointer.flush().catch(() => undefined);
    }
    const isPassed = isDone && compareCheckpoints(checkpointAt(last), checkpointer.stored) <= 0;
    // Of one that the piece was a part of the row does not know any more.
    const areRecorded = this.#suspects.every(({ first }) => comparePositions(first, last) > 0);
    if (isPassed) this.#letGo = openAttempts(this.#letGo, checkpointer.stored);
    const left = [...this.#letGo, ...this.#suspects];
    if ((isPassed && areRecorded) || (await heldLease.attempt(left))) {
      this.#isRecorded = left.length > 0;
    }
  }

  /** False when reading is to end before it is over. */
  async #pause(record: UserRecord, crashes: number, pauses: number): Promise<boolean> {
    const { shardId, failoverTimeMs, reading, emit, clock, logger } = this.#parts;
    const { sequenceNumber, subSequenceNumber } = record;
    const resumesInMs = Math.min(failoverTimeMs * 2 ** pauses, longestPauseMs);
    const held = { sequenceNumber, subSequenceNumber, crashes, resumesInMs };
    logger.error(held, 'record is held back, the process has ended again and again with it in hand');
    emit('recordHeldBack', { shardId, ...held });
    this.#problem = 'a record is held back, the process has ended with it in hand';
    const isOver = await sleepOrAbort(clock, resumesInMs, reading);
    this.#problem = undefined;
    return isOver;
  }
}

function crashError(crashes: number): Error {
  return new Error(`the process has ended, or lost the lease, ${String(crashes)} times with this record alone in hand`);
}
