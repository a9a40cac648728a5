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
 * What recent writes replaced, so that a read can see the shelves as they were. Nothing is kept until the past is first
 * asked for, and from then on as much as the longest lag asked for.
 */
export class WriteHistory {
  readonly #clock: Clock;
  #keptMs: number | undefined;
  /** In the order of the writes. Those before `#first` are too old for everybody. */
  readonly #changes: Change[] = [];
  #first = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many writes could be undone now. */
  get length(): number {
    return this.#changes.length - this.#first;
  }

  record(shelf: Shelf, key: string): void {
    if (this.#keptMs === undefined) return;
    const nowMs = this.#clock.now();
    this.#changes.push({ atMs: nowMs, shelf, key, before: shelf.get(key) });
    this.#forgetUntil(nowMs - this.#keptMs);
  }

  /** The shelves as they were `lagMs` ago, or at the first time that anybody asked, if that was later. */
  asOf(lagMs: number): View {
    this.#keptMs = Math.max(this.#keptMs ?? 0, lagMs);
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
