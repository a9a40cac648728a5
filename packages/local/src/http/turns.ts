/**
 * Lets one task run in each turn of the event loop. Node.js accepts one connection in each turn: if a turn answered all
 * requests that have come in, a hundred new connections to a busy server would wait for ten seconds (measured).
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** At once if nobody has had this turn. */
  take(task: () => void): void {
    if (this.#isTaken) {
      this.#waiting.push(task);
      return;
    }
    this.#isTaken = true;
    setImmediate(() => this.#next());
    task();
  }

  #next(): void {
    const task = this.#waiting.shift();
    if (task === undefined) {
      this.#isTaken = false;
      return;
    }
    setImmediate(() => this.#next());
    task();
  }
}
