import type { Clock } from '@millrace/core';
import { PastShelf, type Shelf, type ShelfView } from './shelf';

interface Change {
  readonly atMs: number;
  readonly shelf: Shelf;
  readonly key: string;
  /** What the write replaced; `undefined` if there was nothing. */
  readonly before: unknown;
}

/** How to look at a shelf. */
export type View = (shelf: Shelf) => ShelfView;

export const present: View = (shelf) => shelf;

/**
 * What recent writes replaced, so that a read can see the shelves as they were. Every write asks anew how much is to be
 * kept: nothing, unless somebody may read the past. So what is kept has no gaps.
 */
export class WriteHistory {
  readonly #clock: Clock;
  readonly #keptMs: () => number;
  /** In the order of the writes. Those before `#first` are too old for everybody. */
  readonly #changes: Change[] = [];
  #first = 0;

  /** @param keptMs for how long the past is kept, in milliseconds, from now on; 0 for not at all */
  constructor(clock: Clock, keptMs: () => number) {
    this.#clock = clock;
    this.#keptMs = keptMs;
  }

  /** How many writes could be undone now. */
  get length(): number {
    return this.#changes.length - this.#first;
  }

  record(shelf: Shelf, key: string): void {
    const keptMs = this.#keptMs();
    const nowMs = this.#clock.now();
    if (keptMs > 0) this.#changes.push({ atMs: nowMs, shelf, key, before: shelf.get(key) });
    this.#forgetUntil(nowMs - keptMs);
  }

  /** The shelves as they were `lagMs` ago, or as long ago as is kept. */
  asOf(lagMs: number): View {
    const atMs = this.#clock.now() - lagMs;
    const undone = new Map<Shelf, Map<string, unknown>>();
    for (let index = this.#changes.length - 1; index >= this.#first; index--) {
      const change = this.#changes[index];
      if (change === undefined || change.atMs <= atMs) break;
      const ofShelf = undone.get(change.shelf) ?? new Map<string, unknown>();
      // Backwards, so that what was there before the oldest of the undone writes is what stays.
      undone.set(change.shelf, ofShelf.set(change.key, change.before));
    }
    return (shelf) => {
      const ofShelf = undone.get(shelf);
      return ofShelf === undefined ? shelf : new PastShelf(shelf, ofShelf);
    };
  }

  #forgetUntil(atMs: number): void {
    while ((this.#changes[this.#first]?.atMs ?? Infinity) <= atMs) this.#first++;
    if (this.#first * 2 < this.#changes.length) return;
    this.#changes.splice(0, this.#first);
    this.#first = 0;
  }
}
