import { type AbortSignalLike, StopSignal, type Clock } from '@millrace/core';
import type { SharingPhase } from '@millrace/lease-coordinator';
import type { KinesisReader, RecordsPage } from '@millrace/record-fetcher';

/** How many shards are opened at the same time, and for how long each keeps its place at least, by the phase of sharing. */
const limits: Readonly<Record<SharingPhase, { readonly atOnce: number; readonly minHoldMs: number }>> = {
  filling: { atOnce: 1, minHoldMs: 2_000 },
  gathering: { atOnce: 1, minHoldMs: 250 },
  settled: { atOnce: 8, minHoldMs: 0 },
};
/** While leases are gathered so few that wait are opened one after another: they are no load. */
const few = 8;
/** Kinesis may be slow, or away: an opening that takes longer keeps none behind it from theirs. */
const maxHoldMs = 2_000;
const over = new Error('the shard is open');

/**
 * Lets few shards be opened at once, in the order in which they came: next to none while a table is filled for the first
 * time, and four in a second while many leases are on their way to this worker.
 */
export class OpeningLimit {
  /** With those whose turn it is by now. */
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** When `stopping` aborts nothing more is to be opened, and no place is kept. */
  constructor(
    private readonly clock: Clock,
    private readonly phase: () => SharingPhase,
    private readonly stopping: AbortSignalLike,
  ) {}

  /** `onWait` is told for how long, at most, this waits for those before it. */
  async run<T>(task: () => Promise<T>, onWait: (delayMs: number) => void, signal?: AbortSignalLike): Promise<T> {
    if (this.#waiting.length === 0 && this.#hasRoom()) this.#running++;
    else {
      onWait((this.#waiting.length + 1) * maxHoldMs);
      await this.#wait(signal);
    }
    const done = new StopSignal();
    void this.#hold(done);
    try {
      return await task();
    } finally {
      done.abort(over);
    }
  }

  /** Keeps the place until the task is done and the least time has passed, or for long enough. */
  async #hold(done: AbortSignalLike): Promise<void> {
    const heldSinceMs = this.clock.now();
    await this.clock.sleep(maxHoldMs, done).catch(() => undefined);
    const phase = this.phase();
    const minHoldMs = phase === 'gathering' && this.#waiting.length <= few ? 0 : limits[phase].minHoldMs;
    const restMs = heldSinceMs + minHoldMs - this.clock.now();
    if (restMs > 0) await this.clock.sleep(restMs, this.stopping).catch(() => undefined);
    this.#running--;
    while (this.#hasRoom() && this.#waiting.length > 0) {
      this.#running++;
      this.#waiting.shift()?.();
    }
  }

  #hasRoom(): boolean {
    return this.#running < limits[this.phase()].atOnce;
  }

  /** Until its turn, which is counted by then. */
  #wait(signal: AbortSignalLike = new StopSignal()): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      this.#waiting.push(turn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/**
 * A reader that opens shards together with others a few at a time. A worker that gets a thousand leases at once would
 * otherwise be so busy with the first reads of all of them that it could not write to the lease table in time.
 */
export class UnhurriedReader implements KinesisReader {
  constructor(
    private readonly reader: KinesisReader,
    private readonly openings: OpeningLimit,
    private readonly onWait: (delayMs: number) => void,
  ) {}

  getShardIterator(...[request, signal]: Parameters<KinesisReader['getShardIterator']>): Promise<string> {
    return this.openings.run(() => this.reader.getShardIterator(request, signal), this.onWait, signal);
  }

  getRecords(...[request, signal]: Parameters<KinesisReader['getRecords']>): Promise<RecordsPage> {
    return this.reader.getRecords(request, signal);
  }
}
