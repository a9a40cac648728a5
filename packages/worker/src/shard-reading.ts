import {
  type AbortSignalLike,
  StopSignal,
  backoffDelayMs,
  isFatal,
  type Logger,
  type StartPosition,
} from '@millrace/core';
import type { RecordBatch, RecordSource } from '@millrace/record-fetcher';
import type { ProgressWatchdog, ShowLife } from './progress-watchdog';
import { dropBatch, ReadAhead } from './read-ahead';
import { sleepOrAbort } from './repeated-step';
import type { ConsumerSettings, ReadingListener } from './shard-consumer-parts';

export type RecordsBatch = Extract<RecordBatch, { kind: 'records' }>;
export type ShardEnd = Extract<RecordBatch, { kind: 'shard-end' }>;

export interface ShardReadingParts {
  readonly settings: Pick<ConsumerSettings, 'clock' | 'emit' | 'random' | 'readAheadPages' | 'stallTimeoutMs'>;
  readonly shardId: string;
  readonly openSource: (start: StartPosition, listener: ReadingListener) => RecordSource;
  /** Right behind the last record that was handed over. */
  readonly start: () => StartPosition;
  /** Deals with a batch, read at this time by the clock's `now()`, and releases its memory. One batch at a time. */
  readonly take: (batch: RecordsBatch, readAtMs: number) => Promise<'taken' | 'aborted'>;
  /** There was nothing to read at this time, behind all that was dealt with. */
  readonly nothingRead: (batch: RecordsBatch, readAtMs: number) => void;
  readonly watchdog: ProgressWatchdog;
  /** Ends reading. */
  readonly signal: AbortSignalLike;
  /** Told why the shard cannot be read; `undefined` when it can again. */
  readonly setProblem: (problem: string | undefined) => void;
  /** Reading is in vain here, since so many milliseconds: `signal` is to abort. */
  readonly giveUp: (stalledMs: number) => void;
  readonly logger: Logger;
}

interface Stall {
  readonly kind: 'stalled';
  readonly stalledMs: number;
}

interface OpenedSource {
  readonly batches: AsyncGenerator<RecordBatch, void, void>;
  showLife: ShowLife;
  /** What was asked for, and is not there. */
  asked: Promise<IteratorResult<RecordBatch, void>> | undefined;
}

/** The last batch that could not be dealt with. */
interface Stuck {
  readonly error: unknown;
  /** The last record that was handed over before it. */
  readonly behind: string | undefined;
  /** No batch behind that one was dealt with since. */
  readonly sinceMs: number;
}

/** Delays between attempts to read a shard after a fault. */
const readBackoff = { baseMs: 500, maxMs: 30_000 };

/**
 * Reads one shard, batch by batch, to its end, and opens its source again after a fault. While a batch is dealt with the next
 * ones are read, as many as may wait; a source that is opened meanwhile begins behind them.
 *
 * A source that shows no sign of life is left to itself: its signal aborts, what it gives later is not looked at, and a new
 * one is opened at the same place. Reading is given up when that one stalls too before it has lived for a stall time, and when
 * for the stall time there was no answer but faults that another attempt does not mend: the position is refused, an
 * error is unknown, this worker is not allowed to read. Faults of the network and of Kinesis itself don't count,
 * because they meet all workers alike. Nor does an answer count for a batch that cannot be dealt with: reading is given up
 * when for the stall time each attempt at it has failed.
 */
export class ShardReading {
  readonly #parts: ShardReadingParts;
  readonly #ahead: ReadAhead;
  /** Faults only, since then. */
  #failingSinceMs: number | undefined;
  #stuck: Stuck | undefined;
  /** When the source before this one had stalled. */
  #reopenedAtMs = -Infinity;
  /** Batches with records that were dealt with. */
  #handedOver = 0;

  constructor(parts: ShardReadingParts) {
    this.#parts = parts;
    const { settings, nothingRead, signal } = parts;
    this.#ahead = new ReadAhead({
      pages: settings.readAheadPages,
      take: (batch, readAtMs) => this.#take(batch, readAtMs),
      nothingRead,
      taken: () => this.#handedOver++,
      signal,
      clock: settings.clock,
    });
  }

  /**
   * Until shard end, with all batches dealt with, or until reading is to end: a batch may be dealt with still then. Rejects only with a
   * fault that ends the worker.
   */
  async untilEnd(): Promise<ShardEnd | undefined> {
    const { settings, signal } = this.#parts;
    const { clock, random } = settings;
    try {
      for (let attempt = 0; !isAborted(signal); attempt++) {
        const before = this.#handedOver;
        try {
          const outcome = await this.#readOnce();
          if (outcome?.kind !== 'stalled') return outcome;
          this.#stalled(outcome.stalledMs);
        } catch (error) {
          if (isAborted(signal)) return undefined;
          if (isFatal(error)) throw error;
          if (before !== this.#handedOver) attempt = 0;
          this.#failed(error, attempt + 1);
          await sleepOrAbort(clock, backoffDelayMs(attempt, readBackoff, random), signal);
        }
      }
      return undefined;
    } finally {
      this.#ahead.end();
    }
  }

  /** Until shard end, a stall, or until reading is to end. */
  async #readOnce(): Promise<ShardEnd | Stall | undefined> {
    const left = new StopSignal();
    const source = this.#parts.openSource(
      this.#start(),
      this.#listener(left, (quietMs) => opened.showLife(quietMs)),
    );
    const batches = source.batches(StopSignal.any([this.#parts.signal, left]));
    const opened: OpenedSource = { batches, showLife: showNothing, asked: undefined };
    try {
      for (;;) {
        // Here, where next to nothing is held: an idle shard rests nearly all the time.
        await this.#rest(source);
        const read = await this.#readBatch(opened);
        if (read !== 'more') return read.outcome;
      }
    } finally {
      left.abort();
      // Neither is awaited: of a source that hangs they never settle.
      opened.asked?.then(releaseLate, () => undefined);
      batches.return().catch(() => undefined);
    }
  }

  /** As long as the source would only rest, or until {@link ReadAhead.room} has something to tell. */
  #rest({ restMs = 0 }: RecordSource): Promise<void> | void {
    // Rounded up: timers drop the fraction.
    if (restMs > 0) return this.#ahead.rest(Math.ceil(restMs));
  }

  /**
   * One batch, when there is room for it. By itself, so that its variables end with it: those of a function that waits for the next
   * batch would keep the one before it in memory.
   */
  async #readBatch(opened: OpenedSource): Promise<'more' | { readonly outcome: ShardEnd | Stall | undefined }> {
    const { watchdog, signal } = this.#parts;
    const ahead = this.#ahead;
    if ((await ahead.room()) === 'aborted') return { outcome: undefined };
    const next = await watchdog.watch(signal, (show) => {
      opened.showLife = show;
      opened.asked = opened.batches.next();
      return ahead.orInterrupted(opened.asked);
    });
    // It holds all that was watched.
    opened.showLife = showNothing;
    if (next.kind === 'stalled') return { outcome: next };
    if (next.kind === 'aborted') return { outcome: undefined };
    // Why is told when there is to be room.
    if (next.value === 'interrupted') return 'more';
    opened.asked = undefined;
    if (next.value.done === true) return { outcome: undefined };
    const batch = next.value.value;
    this.#answered();
    if (batch.kind === 'records') {
      ahead.add(batch);
      return 'more';
    }
    const isAllTaken = (await ahead.settled()) === 'ready';
    return { outcome: isAllTaken ? batch : undefined };
  }

  async #take(batch: RecordsBatch, readAtMs: number): Promise<'taken' | 'aborted'> {
    const { settings, take, start } = this.#parts;
    try {
      return await take(batch, readAtMs);
    } catch (error) {
      const from = start();
      const behind = from.kind === 'at-sequence-number' ? from.sequenceNumber : undefined;
      const before = this.#stuck?.behind === behind ? this.#stuck : undefined;
      this.#stuck = { error, behind, sinceMs: before?.sinceMs ?? settings.clock.now() };
      throw error;
    }
  }

  #start(): StartPosition {
    const { last } = this.#ahead;
    return last === undefined ? this.#parts.start() : { kind: 'at-sequence-number', sequenceNumber: last };
  }

  #listener(left: AbortSignalLike, showLife: ShowLife): ReadingListener {
    const { setProblem } = this.#parts;
    return {
      waiting: (delayMs) => {
        showLife(delayMs);
      },
      failing: (kind) => {
        // A source that was left behind.
        if (left.aborted) return;
        setProblem(kind === 'unauthorized' ? 'reading is not allowed' : 'reads fail');
        if (kind === 'unauthorized') this.#readingFailed();
      },
    };
  }

  #answered(): void {
    this.#failingSinceMs = undefined;
    this.#parts.setProblem(undefined);
  }

  #failed(error: unknown, attempt: number): void {
    const { settings, shardId, setProblem, logger } = this.#parts;
    setProblem('the shard cannot be read');
    logger.error({ err: error, attempt }, 'shard cannot be read, it will be tried again');
    settings.emit('shardFailed', { shardId, error });
    if (this.#stuck !== undefined && this.#stuck.error === error) this.#giveUpIfInVain(this.#stuck.sinceMs);
    else this.#readingFailed();
  }

  #readingFailed(): void {
    this.#failingSinceMs ??= this.#parts.settings.clock.now();
    this.#giveUpIfInVain(this.#failingSinceMs);
  }

  #giveUpIfInVain(sinceMs: number): void {
    const { settings, giveUp } = this.#parts;
    const { clock, stallTimeoutMs } = settings;
    const failingMs = clock.now() - sinceMs;
    if (failingMs >= stallTimeoutMs) giveUp(Math.round(failingMs));
  }

  #stalled(stalledMs: number): void {
    const { settings, shardId, setProblem, logger, giveUp } = this.#parts;
    const { stallTimeoutMs, clock, emit } = settings;
    setProblem('reading shows no sign of life');
    const livedMs = clock.now() - stalledMs - this.#reopenedAtMs;
    if (livedMs < stallTimeoutMs) {
      giveUp(stalledMs);
      return;
    }
    this.#reopenedAtMs = clock.now();
    logger.warn({ stalledMs }, 'reading shows no sign of life, the shard is opened anew');
    emit('shardStalled', { shardId, stalledMs, action: 'reopened' });
  }
}

const showNothing: ShowLife = () => undefined;

/** Nobody waits for it any longer. */
function releaseLate({ value }: IteratorResult<RecordBatch, void>): void {
  if (value?.kind === 'records') dropBatch(value);
}

/** Asked anew after an await. */
function isAborted(signal: AbortSignalLike): boolean {
  return signal.aborted;
}
