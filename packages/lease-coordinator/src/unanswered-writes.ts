import { type Checkpoint, compareCheckpoints } from '@millrace/core';

/** Writes to one lease that nobody answered. Each may have taken effect, or may still, until a later one got through. */
export class UnansweredWrites {
  readonly #ids = new Set<string>();
  #furthest: Checkpoint | undefined;

  /** `checkpoint`: what it was to store, if anything. */
  add(writeId: string, checkpoint: Checkpoint | undefined): void {
    this.#ids.add(writeId);
    if (checkpoint === undefined) return;
    if (this.#furthest === undefined || compareCheckpoints(checkpoint, this.#furthest) > 0) this.#furthest = checkpoint;
  }

  get isEmpty(): boolean {
    return this.#ids.size === 0;
  }

  has(writeId: string): boolean {
    return this.#ids.has(writeId);
  }

  /** One of them may have stored as much. */
  mayHaveStored(checkpoint: Checkpoint): boolean {
    return this.#furthest !== undefined && compareCheckpoints(checkpoint, this.#furthest) <= 0;
  }

  /** The row is known again. */
  clear(): void {
    this.#ids.clear();
    this.#furthest = undefined;
  }
}
