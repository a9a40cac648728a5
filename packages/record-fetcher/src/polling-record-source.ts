import assert from 'node:assert';
import {
  type AbortSignalLike,
  isShardThroughputExceeded,
  isTimeout,
  type Shard,
  ShardUnreadableError,
  StreamNotFoundError,
  type Clock,
  type Logger,
  type Random,
  type StartPosition,
} from '@millrace/core';
import { FailureStreak } from './failure-streak';
import type { FetchObserver } from './fetch-observer';
import type { ResolvedFetchOptions } from './fetch-options';
import type { KinesisReader, RecordsPage } from './kinesis-reader';
import { longReservation } from './long-reservation';
import type { MemoryShare, Reservation } from './memory-budget';
import { classifyReadFault, mayHaveBeenRead } from './read-fault';
import { ReadPace, sizeOf } from './read-pace';
import { ReadPosition } from './read-position';
import type { RecordBatch, RecordSource, ShardStatus } from './record-source';
import { affordableLimit, heldBytes, requestFor, type CallPlan } from './reply-cost';

/** Fresh iterators that are refused one after another are no accident any more. */
const MAX_REFUSED_ITERATORS = 3;

/** They live five minutes. The longest rest between two reads that can be asked for, of four minutes, must not cost one. */
const MAX_ITERATOR_AGE_MS = 270_000;

export interface PollingRecordSourceParts {
  readonly reader: KinesisReader;
  /** Asked when Kinesis does not find the shard or the stream. Its faults are handled like the reader's. */
  readonly shardStatus: (shardId: string, signal: AbortSignalLike) => Promise<ShardStatus>;
  /** Name or ARN of the stream, for messages. */
  readonly stream: string;
  readonly shardId: string;
  /** Where to begin, for as long as no record has been handed over. */
  readonly start: StartPosition;
  readonly options: ResolvedFetchOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: FetchObserver;
  /** From which calls reserve what their answers may cost. Without it they cost what they cost. */
  readonly memory?: MemoryShare;
}

/**
 * Reads a shard by polling it with GetRecords.
 *
 * There is no loop of its own and no buffer: each call is made because the consumer asked for the next batch, and a
 * record counts as handed over when its batch is. The invariant is that reading goes on right behind the last record that
 * was handed over, so that throttles, lost answers and expired iterators neither lose nor repeat one. A new iterator
 * begins at that record, which is dropped when it comes and reported when it does not: it has aged out then. An iterator
 * that grew old while a batch was dealt with is replaced before it is used, without a word.
 *
 * With a memory budget what an answer may cost is reserved before the call, and the call asks for no more records than that will
 * do for. What the answer really holds goes to the consumer with its batch, who releases it; anything else is released here.
 *
 * Faults that may pass are retried for ever, with backoff, telling the observer. `batches()` rejects with
 * - `ShardUnreadableError`: Kinesis does not know our position, or answered out of sequence. It never goes on from
 *   another place instead;
 * - `StreamNotFoundError`: the stream is gone;
 * - the error itself when nobody recognised it.
 */
export class PollingRecordSource implements RecordSource {
  readonly #parts: PollingRecordSourceParts;
  readonly #position: ReadPosition;
  readonly #streak: FailureStreak;
  #wasCalled = false;
  readonly #pace: ReadPace;
  #limit: number;
  #iterator: string | undefined;
  /** The last answer had no iterator for another one. */
  #hasReadAll = false;
  /** When the GetRecords call began, or the other one was answered, that gave the iterator. */
  #iteratorSinceMs = -Infinity;
  /** Iterators that turned out useless since the last answer. */
  #refreshes = 0;
  /** The last fault said that the shard does not exist. */
  #notFound: { readonly error: unknown } | undefined;
  /** For the call under way, or for its answer until that is handed over. */
  #reserved: Reservation | undefined;
  /**
   * The last answer until it is handed over. Here, and not what a promise resolves with: what promises resolved with outlives
   * scavenges, and with pages in them collecting garbage was a fifth of the processor time that reading takes (measured, decision 0028).
   */
  #page: RecordsPage | undefined;
  /** Of the last answer: they come with its last one. */
  #childShards: readonly Shard[] = [];

  constructor(parts: PollingRecordSourceParts) {
    this.#parts = parts;
    this.#position = new ReadPosition(parts.shardId, parts.start);
    this.#streak = new FailureStreak(parts);
    this.#pace = new ReadPace(parts.random);
    this.#limit = parts.options.maxRecords;
  }

  /** What is left to say when all was read need not wait. */
  get restMs(): number {
    return this.#hasReadAll ? 0 : this.#callDueInMs;
  }

  get #callDueInMs(): number {
    return Math.max(0, this.#pace.nextCallAtMs - this.#parts.clock.now());
  }

  async *batches(signal: AbortSignalLike): AsyncGenerator<RecordBatch, void, void> {
    assert(!this.#wasCalled, 'batches() may be called once');
    this.#wasCalled = true;
    try {
      while (!this.#hasReadAll) {
        if ((await this.#readNext(signal)) === 'aged-out') {
          yield { kind: 'shard-end', childShards: [], agedOut: true };
          return;
        }
        const batch = this.#dealWithPage();
        if (batch !== undefined) yield batch;
        this.#release();
        signal.throwIfAborted();
      }
      yield { kind: 'shard-end', childShards: this.#childShards, agedOut: false };
    } catch (error) {
      // An abort is how reading stops, and what fails while it does is of no use to anybody.
      if (!signal.aborted) throw error;
    } finally {
      this.#release();
    }
  }

  /**
   * The batch that the page gives, if any. By itself, so that nothing but the batch holds its records while the consumer has it, and
   * rests: it empties it once it has dealt with them.
   */
  #dealWithPage(): RecordBatch | undefined {
    const page = this.#takePage();
    const { millisBehindLatest, nextIterator, childShards } = page;
    const { records, missing } = this.#position.advance(page);
    if (missing !== undefined) this.#reportAgedOut(missing, records[0]?.sequenceNumber);
    this.#iterator = nextIterator;
    this.#hasReadAll = nextIterator === undefined;
    this.#childShards = childShards;
    // No batch for the known record alone: dealing with one may last until the iterator has expired, and with a
    // limit of one record reading would then never get any further.
    const isOnlyKnown = page.records.length > 0 && records.length === 0;
    if (!isOnlyKnown) this.#rest(records.length, millisBehindLatest);
    if (records.length === 0 && (nextIterator === undefined || isOnlyKnown)) return undefined;
    const memory = records.length > 0 ? this.#handOver() : {};
    return { kind: 'records', records, millisBehindLatest, ...memory };
  }

  #takePage(): RecordsPage {
    const page = this.#page;
    assert(page !== undefined, 'there is no answer to hand over');
    this.#page = undefined;
    return page;
  }

  /** `'read'`: the page is in `#page`. */
  async #readNext(signal: AbortSignalLike): Promise<'read' | 'aged-out'> {
    for (;;) {
      try {
        const outcome = await this.#attempt(signal);
        signal.throwIfAborted();
        return outcome;
      } catch (error) {
        this.#release();
        signal.throwIfAborted();
        await this.#sleep(this.#delayAfter(error), signal);
      }
    }
  }

  async #attempt(signal: AbortSignalLike): Promise<'read' | 'aged-out'> {
    if (this.#notFound !== undefined && (await this.#isGone(this.#notFound.error, signal))) return 'aged-out';
    const dueInMs = this.#callDueInMs;
    if (dueInMs > 0) await this.#sleep(dueInMs, signal);
    // A shard that is opened may have to wait for others to be: not with memory in hand.
    if (!this.#hasUsableIterator()) await this.#renewIterator(signal);
    const limit = await this.#affordableLimit(signal);
    if (!this.#hasUsableIterator()) await this.#renewIterator(signal);
    await this.#read(limit, signal);
    return 'read';
  }

  /** Reserves what the next call may cost, and returns how many records it may ask for. */
  async #affordableLimit(signal: AbortSignalLike): Promise<number> {
    const { memory: share, clock, observer, shardId, options } = this.#parts;
    const limit = Math.min(this.#limit, this.#pace.maxRecords(clock.now()));
    if (share === undefined) return limit;
    const plan: CallPlan = {
      // By then there is more to read, if it has to wait.
      expected: (records) => this.#pace.expected(records, clock.now()),
      ...{ limit, enough: this.#pace.recordsPerCall(options.minTimeBetweenReadsMs) },
    };
    // The request stands for as long as it waits: the shard could be asked for more by then, but no more is needed.
    const request = requestFor(plan, share.budgetBytes);
    signal.throwIfAborted();
    this.#reserved =
      share.tryReserve(request) ??
      (await longReservation({
        waiting: (delayMs) => observer.waiting?.({ shardId, delayMs }),
        ...{ share, request, clock, signal },
        waitsLong: (waitedMs) => observer.waitingForMemory?.({ shardId, waitedMs }),
      }));
    return affordableLimit(plan, this.#reserved.bytes);
  }

  /** The memory of the answer belongs to the consumer from now on. */
  #handOver(): { readonly memory?: Reservation } {
    const memory = this.#reserved;
    this.#reserved = undefined;
    return memory === undefined ? {} : { memory };
  }

  #release(): void {
    this.#reserved?.release();
    this.#reserved = undefined;
    this.#page = undefined;
  }

  #hasUsableIterator(): boolean {
    return this.#iterator !== undefined && this.#parts.clock.now() - this.#iteratorSinceMs <= MAX_ITERATOR_AGE_MS;
  }

  async #renewIterator(signal: AbortSignalLike): Promise<void> {
    const { reader, shardId, clock } = this.#parts;
    this.#iterator = undefined;
    this.#iterator = await reader.getShardIterator({ shardId, position: this.#position.next }, signal);
    // Not since the call: it may have waited for others long before it was made.
    this.#iteratorSinceMs = clock.now();
    this.#position.iteratorRenewed();
    await this.#sleep(0, signal);
  }

  async #read(limit: number, signal: AbortSignalLike): Promise<void> {
    const { reader, shardId, clock, options } = this.#parts;
    const iterator = this.#iterator;
    assert(iterator !== undefined, 'there is an iterator to read with');
    const calledAtMs = clock.now();
    this.#pace.called(calledAtMs, limit);
    let page: RecordsPage;
    try {
      page = await reader.getRecords({ shardId, iterator, limit }, signal);
    } catch (error) {
      this.#failed(limit, error);
      throw error;
    }
    const { records } = page;
    const bytes = sizeOf(records);
    this.#reserved?.resize(heldBytes({ bytes, records: records.length }));
    const isCaughtUp = page.millisBehindLatest === 0;
    this.#pace.answered({ nowMs: clock.now(), recordCount: records.length, bytes, isCaughtUp });
    this.#iteratorSinceMs = calledAtMs;
    this.#limit = Math.min(options.maxRecords, this.#limit + Math.ceil(this.#limit / 20));
    this.#refreshes = 0;
    this.#streak.ended();
    this.#page = takenFrom(page);
  }

  /** Draws the conclusions from the failure of a call for so many records: what it has cost, and what to ask for. */
  #failed(limit: number, error: unknown): void {
    if (isShardThroughputExceeded(error)) this.#pace.refused();
    if (mayHaveBeenRead(error)) this.#pace.unanswered();
    // An answer too big for the deadline would be so again: ask for less, and come back to more bit by bit.
    if (isTimeout(error)) this.#limit = Math.max(1, Math.floor(limit / 2));
  }

  /** While more is to come, although there was nothing in the answer, reading goes on as fast as the limits allow. */
  #rest(recordCount: number, millisBehindLatest: number): void {
    const { minTimeBetweenReadsMs, idleTimeBetweenReadsMs } = this.#parts.options;
    if (recordCount > 0) this.#pace.rest(minTimeBetweenReadsMs);
    else if (millisBehindLatest === 0) this.#pace.restIdly(idleTimeBetweenReadsMs);
  }

  /** Decides what a failed attempt means: how long to wait before the next one, or throws what ends reading. */
  #delayAfter(error: unknown): number {
    const fault = classifyReadFault(error);
    switch (fault) {
      case 'throttled':
        return this.#streak.throttled(error);
      case 'transient':
      case 'unauthorized':
        return this.#streak.failed(fault, error);
      case 'expired-iterator':
        return this.#delayAfterRefresh('expired', error);
      case 'invalid-argument':
        if (this.#notFound !== undefined) throw error;
        if (this.#iterator === undefined || this.#refreshes >= MAX_REFUSED_ITERATORS) throw this.#unreadable(error);
        return this.#delayAfterRefresh('refused', error);
      case 'not-found':
        if (this.#notFound !== undefined) throw error;
        this.#notFound = { error };
        return 0;
      case 'unknown':
        throw error;
    }
  }

  #delayAfterRefresh(reason: 'expired' | 'refused', error: unknown): number {
    const { shardId, logger, observer } = this.#parts;
    this.#iterator = undefined;
    this.#refreshes++;
    logger.debug({ err: error, reason, position: this.#position.next }, 'shard iterator replaced');
    observer.iteratorRefreshed?.({ shardId, reason });
    return this.#refreshes === 1 ? 0 : this.#streak.failed('transient', error);
  }

  async #isGone(error: unknown, signal: AbortSignalLike): Promise<boolean> {
    const { shardStatus, shardId, stream, logger } = this.#parts;
    const status = await shardStatus(shardId, signal);
    this.#notFound = undefined;
    if (status === 'stream-gone') throw new StreamNotFoundError(stream, { cause: error });
    if (status === 'gone') {
      logger.warn({ err: error, position: this.#position.next }, 'shard was deleted before it was read to its end');
      return true;
    }
    // Listed, so it is there: a contradiction that has to pass.
    this.#iterator = undefined;
    await this.#sleep(this.#streak.failed('transient', error), signal);
    return false;
  }

  #unreadable(cause: unknown): ShardUnreadableError {
    const { shardId } = this.#parts;
    const position = JSON.stringify(this.#position.next);
    return new ShardUnreadableError(
      shardId,
      `Kinesis refuses the position ${position}; it may belong to another shard or to an earlier stream of this name`,
      { cause },
    );
  }

  /** Without the last record acknowledged, or handed over, nobody knows whether the one behind it is still here. */
  #reportAgedOut(wanted: string, found: string | undefined): void {
    const { shardId, logger, observer } = this.#parts;
    logger.warn({ wanted, found }, 'record to go on from is no longer in the shard: others may have aged out unread');
    observer.startAgedOut?.({ shardId, wanted, found });
  }

  async #sleep(delayMs: number, signal: AbortSignalLike): Promise<void> {
    const { clock, observer, shardId } = this.#parts;
    // Rounded up: timers drop the fraction, and a call must not start too early.
    const restMs = Math.max(0, Math.ceil(delayMs));
    observer.waiting?.({ shardId, delayMs: restMs });
    if (restMs > 0) await clock.sleep(restMs, signal);
  }
}

/** The same page, but one that no promise has, with nothing left in the other one: promises outlive scavenges (decision 0028). */
function takenFrom(page: RecordsPage): RecordsPage {
  const { records } = page;
  if (records.length === 0) return page;
  page.records = [];
  return { ...page, records };
}
