import type { AbortSignalLike, Clock } from '@millrace/core';
import type { RecordsBatch } from './shard-reading';

export interface ReadAheadParts {
  /** So many batches with records may wait behind the one that is dealt with. */
  readonly pages: number;
  /** Deals with a batch, and releases its memory when its records are done with. */
  readonly take: (batch: RecordsBatch, readAtMs: number) => Promise<'taken' | 'aborted'>;
  /** A batch without records has come, and all before it is dealt with. */
  readonly nothingRead: (batch: RecordsBatch, readAtMs: number) => void;
  /** A batch with records was dealt with. */
  readonly taken: () => void;
  /** Nothing that waits is to be begun any more. */
  readonly signal: AbortSignalLike;
  readonly clock: Clock;
}

interface Page {
  readonly batch: RecordsBatch;
  readonly readAtMs: number;
}

/**
 * What was read of one shard and is not dealt with: one batch after another is, in the order in which they were read, while reading
 * goes on.
 *
 * Whatever waits has not been handed over, and counts for nothing: when reading is to end, or a batch could not be dealt with, it
 * is dropped, and its memory released. Reading goes on behind {@link ReadAhead.last} as long as there is one.
 */
export class ReadAhead {
  readonly #parts: ReadAheadParts;
  /** The first one is being dealt with. */
  readonly #pages: Page[] = [];
  #fault: { readonly error: unknown } | undefined;
  #isAborted = false;
  /** Tells reading, which waits here. */
  #changed = (): void => undefined;
  /** Tells reading, which waits for its source. */
  #interrupt = (): void => undefined;

  constructor(parts: ReadAheadParts) {
    this.#parts = parts;
    if (parts.signal.aborted) this.end();
    else parts.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  /** The sequence number of the last record that is not dealt with. */
  get last(): string | undefined {
    return this.#pages.findLast(({ batch }) => batch.records.length > 0)?.batch.records.at(-1)?.sequenceNumber;
  }

  /** The batch comes after all before it. */
  add(batch: RecordsBatch): void {
    if (this.#fault !== undefined || this.#isAborted) {
      dropBatch(batch);
      return;
    }
    const page = { batch, readAtMs: this.#parts.clock.now() };
    if (batch.records.length === 0 && this.#pages.length === 0) {
      batch.memory?.release();
      this.#parts.nothingRead(batch, page.readAtMs);
      return;
    }
    // A shard without records is read all the time: of empty batches that wait the last one says it all.
    const { length } = this.#pages;
    if (length > 1 && batch.records.length === 0 && this.#pages[length - 1]?.batch.records.length === 0)
      this.#pages.pop();
    this.#pages.push(page);
    if (this.#pages.length === 1) void this.#takeAll();
  }

  /** Resolves when another batch may be read. Rejects with what kept a batch from being dealt with, once. */
  room(): Promise<'ready' | 'aborted'> {
    return this.#until(() => this.#pages.filter(({ batch }) => batch.records.length > 0).length <= this.#parts.pages);
  }

  /** Resolves when all is dealt with. Rejects as {@link ReadAhead.room} does. */
  settled(): Promise<'ready' | 'aborted'> {
    return this.#until(() => this.#pages.length === 0);
  }

  /** Drops what waits, and whatever comes. A batch that is being dealt with is not waited for. */
  end(): void {
    this.#isAborted = true;
    this.#drop();
    this.#changed();
    this.#interrupt();
  }

  /**
   * Waits for what is read; no longer than until all is dropped, or a batch could not be dealt with: {@link ReadAhead.room} tells which of
   * the two.
   */
  orInterrupted<T>(reading: Promise<T>): Promise<T | 'interrupted'> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve('interrupted');
      if (this.#isAborted || this.#fault !== undefined) this.#interrupt();
      reading.then(resolve, reject);
    });
  }

  /** Waits for so long; no longer than {@link ReadAhead.orInterrupted}. */
  rest(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(delayMs, resolve);
      this.#interrupt = () => {
        cancel();
        resolve();
      };
      if (this.#isAborted || this.#fault !== undefined) this.#interrupt();
    });
  }

  async #takeAll(): Promise<void> {
    for (let page = this.#pages[0]; page !== undefined; page = this.#pages[0]) {
      await this.#take(page);
      this.#pages.shift();
      leaveEmpty(page.batch);
      this.#changed();
    }
  }

  async #take({ batch, readAtMs }: Page): Promise<void> {
    const { take, taken } = this.#parts;
    try {
      if ((await take(batch, readAtMs)) === 'aborted') this.end();
      else if (batch.records.length > 0) taken();
    } catch (error) {
      batch.memory?.release();
      this.#fault = { error };
      // It comes behind a batch that was not dealt with.
      this.#drop();
      this.#interrupt();
    }
  }

  /** All but the one that is being dealt with. */
  #drop(): void {
    for (const { batch } of this.#pages.splice(1)) dropBatch(batch);
  }

  async #until(condition: () => boolean): Promise<'ready' | 'aborted'> {
    for (;;) {
      this.#throwFault();
      if (this.#isAborted) return 'aborted';
      if (condition()) return 'ready';
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  #throwFault(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault.error;
  }
}

/** Nobody will deal with it. */
export function dropBatch(batch: RecordsBatch): void {
  batch.memory?.release();
  leaveEmpty(batch);
}

/** Promises still have it for a while. */
function leaveEmpty(batch: RecordsBatch): void {
  batch.records = [];
}
