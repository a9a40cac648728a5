import { backoffDelayMs, isFatal, type Clock, type Logger, type Random, type StartPosition } from '@millrace/core';
import type { RecordBatch, RecordSource } from '@millrace/record-fetcher';
import type { ProgressWatchdog, ShowLife } from './progress-watchdog';
import { sleepOrAbort } from './repeated-step';
import type { ReadingListener } from './shard-consumer-parts';
import type { WorkerEvents } from './worker-events';

export type RecordsBatch = Extract<RecordBatch, { kind: 'records' }>;
export type ShardEnd = Extract<RecordBatch, { kind: 'shard-end' }>;

export interface ShardReadingParts {
  readonly shardId: string;
  readonly openSource: (start: StartPosition, listener: ReadingListener) => RecordSource;
  /** Right behind the last record that was handed over. */
  readonly start: () => StartPosition;
  /** Deals with a batch; nothing is read meanwhile. */
  readonly take: (batch: RecordsBatch) => Promise<'taken' | 'aborted'>;
  readonly watchdog: ProgressWatchdog;
  readonly stallTimeoutMs: number;
  /** Ends reading. */
  readonly signal: AbortSignal;
  /** Told why the shard cannot be read; `undefined` when it can again. */
  readonly setProblem: (problem: string | undefined) => void;
  /** Reading is in vain here, since so many milliseconds: `signal` is to abort. */
  readonly giveUp: (stalledMs: number) => void;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Delays between attempts to read a shard after a fault. */
const readBackoff = { baseMs: 500, maxMs: 30_000 };

/**
 * Reads one shard, batch by batch, to its end, and opens its source again after a fault.
 *
 * A source that shows no sign of life is left to itself: its signal aborts, what it gives later is not looked at, and a new
 * one is opened at the same place. Reading is given up when that one stalls too before it has lived for a stall time, and when
 * for the stall time there was no answer but faults that another attempt does not mend: the position is refused, an
 * error is unknown, this worker is not allowed to read. Faults of the network and of Kinesis itself don't count,
 * because they meet all workers alike.
 */
export class ShardReading {
  readonly #parts: ShardReadingParts;
  /** Faults only, since then. */
  #failingSinceMs: number | undefined;
  /** When the source before this one had stalled. */
  #reopenedAtMs = -Infinity;
  /** Batches with records that were dealt with. */
  #handedOver = 0;

  constructor(parts: ShardReadingParts) {
    this.#parts = parts;
  }

  /** Until shard end, or until reading is to end. Rejects only with a fault that ends the worker. */
  async untilEnd(): Promise<ShardEnd | undefined> {
    const { signal, clock, random } = this.#parts;
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
  }

  /** Until shard end, a stall, or until reading is to end. */
  async #readOnce(): Promise<ShardEnd | { readonly kind: 'stalled'; readonly stalledMs: number } | undefined> {
    const { openSource, start, take, watchdog, signal } = this.#parts;
    const left = new AbortController();
    let showLife: ShowLife = () => undefined;
    const source = openSource(
      start(),
      this.#listener(left.signal, (quietMs) => showLife(quietMs)),
    );
    const batches = source.batches(AbortSignal.any([signal, left.signal]));
    try {
      for (;;) {
        const next = await watchdog.watch(signal, (show) => {
          showLife = show;
          return batches.next();
        });
        if (next.kind === 'stalled') return next;
        if (next.kind === 'aborted' || next.value.done === true) return undefined;
        const batch = next.value.value;
        this.#answered();
        if (batch.kind === 'shard-end') return batch;
        if ((await take(batch)) === 'aborted') return undefined;
        if (batch.records.length > 0) this.#handedOver++;
      }
    } finally {
      left.abort();
      // Not awaited: of a source that hangs it never settles.
      batches.return().catch(() => undefined);
    }
  }

  #listener(left: AbortSignal, showLife: ShowLife): ReadingListener {
    const { setProblem } = this.#parts;
    return {
      waiting: (delayMs) => {
        showLife(delayMs);
      },
      failing: (kind) => {
        // A source that was left behind.
        if (left.aborted) return;
        setProblem(kind === 'unauthorized' ? 'reading is not allowed' : 'reads fail');
        if (kind === 'unauthorized') this.#giveUpIfInVain();
      },
    };
  }

  #answered(): void {
    this.#failingSinceMs = undefined;
    this.#parts.setProblem(undefined);
  }

  #failed(error: unknown, attempt: number): void {
    const { shardId, setProblem, logger, emit } = this.#parts;
    setProblem('the shard cannot be read');
    logger.error({ err: error, attempt }, 'shard cannot be read, it will be tried again');
    emit('shardFailed', { shardId, error });
    this.#giveUpIfInVain();
  }

  #giveUpIfInVain(): void {
    const { clock, stallTimeoutMs, giveUp } = this.#parts;
    this.#failingSinceMs ??= clock.now();
    const failingMs = clock.now() - this.#failingSinceMs;
    if (failingMs >= stallTimeoutMs) giveUp(Math.round(failingMs));
  }

  #stalled(stalledMs: number): void {
    const { shardId, stallTimeoutMs, setProblem, clock, logger, emit, giveUp } = this.#parts;
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

/** Asked anew after an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
