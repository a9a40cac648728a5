const INITIAL_SIZE = 32;
const MIN_SIZE = 4;
/** With reads, mail and heartbeats within the connections of a client. */
const MAX_SIZE = 40;

/** How a call ended: `late` if it was given all the time that a call has. `other`: refused, not sent, or cut short. */
export type CallEnd = 'answered' | 'late' | 'other';

interface Waiting {
  readonly atMs: number;
  readonly begin: () => void;
}

/**
 * How many writes to the lease table are under way at once. More than are answered in time would only fail together:
 * each call that is cut off has cost its connection, and is made again.
 *
 * The size follows the answers as that of TCP's window does: halved when a call was not answered in time, one more each
 * time that a full window was answered. Who waits has not begun: the time of its call does not run. Writes of a lease's
 * holder go before all others, and the others leave half of the window to them.
 *
 * Of holders' writes that of the lease goes first which would be lost first. A renewal that is answered moves its lease's
 * deadline behind those of all others; who is never answered is not in their way for longer than until its own.
 */
export class CallWindow {
  #size = INITIAL_SIZE;
  #running = 0;
  #begun = 0;
  /** Calls begun up to this one are not answered in time for a reason that is known. */
  #shrunkAt = 0;
  /** Those who wait; the earliest deadline first, and of equal ones who came first. */
  readonly #holders: Waiting[] = [];
  readonly #others: Waiting[] = [];

  get size(): number {
    return Math.floor(this.#size);
  }

  /**
   * Waits for a place. It is given back by calling what this resolves with, once, when the call has ended.
   *
   * @param leaseUntilMs for a lease's holder: when the lease will be lost unless something is written until then
   */
  async enter(leaseUntilMs: number | undefined): Promise<(end: CallEnd) => void> {
    const byHolder = leaseUntilMs !== undefined;
    const waiting = byHolder ? this.#holders : this.#others;
    if (waiting.length > 0 || !this.#hasRoom(byHolder)) {
      await new Promise<void>((resolve) => {
        queue(waiting, { atMs: leaseUntilMs ?? 0, begin: resolve });
      });
    } else {
      this.#running++;
    }
    const number = ++this.#begun;
    const isFull = !this.#hasRoom(byHolder);
    return (end) => {
      if (end === 'answered' && isFull) this.#size = Math.min(MAX_SIZE, this.#size + 1 / this.#size);
      if (end === 'late' && number > this.#shrunkAt) this.#shrink();
      this.#running--;
      this.#letIn();
    };
  }

  #hasRoom(byHolder: boolean): boolean {
    return this.#running < (byHolder ? this.size : Math.max(1, Math.floor(this.#size / 2)));
  }

  /** Whoever is let in is counted by then, so that nobody can slip in between. */
  #letIn(): void {
    for (const [waiting, byHolder] of [
      [this.#holders, true],
      [this.#others, false],
    ] as const) {
      while (waiting.length > 0 && this.#hasRoom(byHolder)) {
        this.#running++;
        waiting.shift()?.begin();
      }
    }
  }

  #shrink(): void {
    this.#size = Math.max(MIN_SIZE, this.#size / 2);
    this.#shrunkAt = this.#begun;
  }
}

/** Behind all that are not later. */
function queue(waiting: Waiting[], entry: Waiting): void {
  let at = waiting.length;
  while (at > 0 && (waiting[at - 1]?.atMs ?? 0) > entry.atMs) at--;
  waiting.splice(at, 0, entry);
}
