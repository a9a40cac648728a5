import {
  checkpointAt,
  compareCheckpoints,
  comparePositions,
  type AttemptedRange,
  type Checkpoint,
  type UserRecord,
} from '@millrace/core';
import { openAttempts } from '@millrace/lease-coordinator';
import { letsRecordsGo, type LostCause } from '@millrace/record-dispatcher';
import { firstSize, pieceSize, rangeOf, rangesInRow, type Piece, type Suspicion } from './careful-pieces';
import type { Delivery, DeliveryParts } from './delivery';
import { sleepOrAbort } from './repeated-step';

/** The longest pause before a record is delivered that the process has ended with. */
const longestPauseMs = 3_600_000;
/** After a row that could not be written. */
const recordAgainAfterMs = 1_000;
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
  readonly #parts: DeliveryParts;
  readonly #startedAtMs: number;
  #suspicion: Suspicion;
  /** How many records there are in a piece that is not suspicious; none was delivered yet. */
  #usual: number | undefined;
  #isOver: boolean;
  #problem: string | undefined;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.settings.clock.now();
    this.#suspicion = { letGo: [], suspects: parts.attempted };
    this.#isOver = parts.attempted.length === 0 && !parts.heldLease.mayBeCrashLoop;
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
      const piece: Piece = [first, ...left.slice(1, pieceSize(left, this.#suspicion.suspects, this.#usual ?? 1))];
      if ((await this.#deliver(piece, previous, delivery)) === 'aborted') return 'aborted';
      previous = checkpointAt(piece.at(-1) ?? first);
      left = left.slice(piece.length);
    }
    done();
    return 'taken';
  }

  #begin(records: readonly UserRecord[]): void {
    if (this.#usual !== undefined) return;
    const { settings, lease, logger } = this.#parts;
    const [suspect] = this.#suspicion.suspects;
    this.#usual = firstSize(records);
    if (suspect === undefined) {
      // As after two crashes of whatever reason, for a shard without records between them.
      logger.info({}, 'shard is read with care, its last workers lost it');
      return;
    }
    const { recordCount, attempts } = suspect;
    logger.warn({ recordCount, attempts }, 'shard is read with care, a process may have ended at one of its records');
    settings.emit('crashSuspected', { shardId: lease.shardId, recordCount, attempts });
  }

  /** Whether nothing is suspicious any more. */
  async #ends(): Promise<boolean> {
    const { settings, start, attempted, checkpointer, heldLease, logger } = this.#parts;
    const { clock, checkpointIntervalMs } = settings;
    const { stored } = checkpointer;
    const isPassed = attempted.every(({ last }) => compareCheckpoints(checkpointAt(last), stored) <= 0);
    if (!isPassed || compareCheckpoints(stored, start) <= 0) return false;
    if (clock.now() - this.#startedAtMs < intervalsOfCare * checkpointIntervalMs) return false;
    // What it says would be held against records that have nothing to do with the next end.
    if (!(await heldLease.attempt([]))) return false;
    this.#isOver = true;
    if (this.#usual !== undefined) logger.info({}, 'shard is read as usual again');
    return true;
  }

  async #deliver(records: Piece, before: Checkpoint, delivery: Delivery): Promise<'taken' | 'aborted'> {
    const { failurePolicy, retry } = this.#parts.settings;
    const { maxCrashes } = retry;
    const range = rangeOf(records, this.#suspicion.suspects);
    const crashes = records.length === 1 ? range.attempts : 0;
    const isLetGo = crashes >= maxCrashes && letsRecordsGo(failurePolicy.kind);
    // A sink may be what the process ends at.
    const pauseFrom = isLetGo ? 2 * maxCrashes : maxCrashes;
    if (crashes >= pauseFrom && !(await this.#pause(records[0], crashes, crashes - pauseFrom))) return 'aborted';
    const leave = await this.#recorded({ ...range, attempts: range.attempts + 1 });
    if (leave === undefined) {
      // A write that failed may have been applied.
      await this.#ended(range, false);
      return 'aborted';
    }
    let isDone = false;
    try {
      isDone = isLetGo
        ? await isDoneWith(delivery, () => delivery.letGo(records[0], before, lostTo(crashes)))
        : await isDoneWith(delivery, () => delivery.take(records, before, () => undefined));
      if (isDone && isLetGo) this.#letGo(range);
    } finally {
      // Also after a fault of our own: it is not to be held against the records.
      await this.#ended(range, isDone);
      leave();
    }
    return isDone ? 'taken' : 'aborted';
  }

  #letGo(range: AttemptedRange): void {
    const { letGo, suspects } = this.#suspicion;
    this.#suspicion = { letGo: [...letGo, range], suspects };
  }

  /** Resolves with the end of the turn once the row says what is about to be delivered; with nothing if reading is to end. */
  #recorded(range: AttemptedRange): Promise<(() => void) | undefined> {
    const { settings, heldLease, reading } = this.#parts;
    return this.#untilTold(async () => {
      const leave = await settings.carefulTurn.enter(reading);
      if (leave === undefined) return undefined;
      if (await heldLease.attempt(rangesInRow(this.#suspicion, range))) return leave;
      leave();
      return undefined;
    });
  }

  /** The row is not to hold against these records what happens from now on. */
  async #ended({ last, recordCount }: AttemptedRange, isDone: boolean): Promise<void> {
    const { checkpointer, heldLease } = this.#parts;
    let { suspects } = this.#suspicion;
    if (isDone) {
      suspects = suspects.filter((suspect) => comparePositions(suspect.last, last) > 0);
      if (recordCount >= (this.#usual ?? 1)) this.#usual = recordCount * 2;
      // A failure shows in what is stored; the next attempt to store it says more.
      await checkpointer.flush().catch(() => undefined);
    }
    // Suspects that aged out are passed without a delivery.
    const stillOpen = (ranges: readonly AttemptedRange[]): readonly AttemptedRange[] =>
      openAttempts(ranges, checkpointer.stored);
    this.#suspicion = { letGo: stillOpen(this.#suspicion.letGo), suspects: stillOpen(suspects) };
    await this.#untilTold(async () => (await heldLease.attempt(rangesInRow(this.#suspicion))) || undefined);
  }

  /** Tries until it was told, which it resolves with; and once more when reading is to end. */
  async #untilTold<T>(tell: () => Promise<T | undefined>): Promise<T | undefined> {
    const { settings, reading, logger } = this.#parts;
    for (let isLast = false; ;) {
      const told = await tell();
      if (told !== undefined || isLast) {
        this.#problem = undefined;
        return told;
      }
      if (!reading.aborted) {
        this.#problem = 'records are held back, the lease row cannot be told of them';
        logger.warn({}, 'delivery is held back, the lease row could not be told of it');
      }
      isLast = !(await sleepOrAbort(settings.clock, recordAgainAfterMs, reading));
    }
  }

  /** False when reading is to end before it is over. */
  async #pause(record: UserRecord, crashes: number, pauses: number): Promise<boolean> {
    const { settings, lease, reading, logger } = this.#parts;
    const { clock, failoverTimeMs, emit } = settings;
    const { sequenceNumber, subSequenceNumber } = record;
    const resumesInMs = Math.min(failoverTimeMs * 2 ** pauses, longestPauseMs);
    const held = { sequenceNumber, subSequenceNumber, crashes, resumesInMs };
    logger.error(held, 'record is held back, the process has ended again and again with it in hand');
    emit('recordHeldBack', { shardId: lease.shardId, ...held });
    this.#problem = 'a record is held back, the process has ended with it in hand';
    const isOver = await sleepOrAbort(clock, resumesInMs, reading);
    this.#problem = undefined;
    return isOver;
  }
}

/** Whether all that was taken is done with, once no call of the user's code with it is under way. */
async function isDoneWith(delivery: Delivery, take: () => Promise<'taken' | 'aborted'>): Promise<boolean> {
  let outcome: 'taken' | 'aborted';
  try {
    outcome = await take();
  } finally {
    await delivery.settled();
  }
  return outcome === 'taken' && !delivery.isBusy;
}

function lostTo(crashes: number): LostCause {
  const error = new Error(
    `the process has ended, or lost the lease, ${String(crashes)} times with this record alone in hand`,
  );
  return { reason: 'crashes', attempts: crashes, error };
}
