import type { AbortSignalLike, Clock } from '@millrace/core';

/**
 * One turn for all shards of a worker that are read with care: if the process ends, only the records of one of them were in
 * hand. Who has waited longest is next.
 */
export class CarefulTurn {
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #waiting = new Set<() => void>();
  #isTaken = false;
  #hasEnded = false;
  #cancelTimer: () => void = () => undefined;

  /** @param maxMs a turn that lasts longer is over by itself: a call that never settles must not hold up the other shards */
  constructor(clock: Clock, maxMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
  }

  /** Resolves with what ends the turn; with nothing if `signal` aborts before it has begun. */
  async enter(signal: AbortSignalLike): Promise<(() => void) | undefined> {
    if (signal.aborted || (this.#isTaken && !(await this.#given(signal))) || this.#hasEnded) return undefined;
    this.#isTaken = true;
    let isOver = false;
    const leave = (): void => {
      if (isOver) return;
      isOver = true;
      this.#cancelTimer();
      this.#next();
    };
    this.#cancelTimer = this.#clock.after(this.#maxMs, leave);
    return leave;
  }

  /** There are no turns any more: whoever has one is waited for by nobody, and keeps no timer. */
  end(): void {
    this.#hasEnded = true;
    this.#cancelTimer();
  }

  /** The turn is handed on: nobody comes in between. */
  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#isTaken = false;
    else next();
  }

  #given(signal: AbortSignalLike): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isGiven: boolean): void => {
        this.#waiting.delete(give);
        signal.removeEventListener('abort', onAbort);
        resolve(isGiven);
      };
      const give = (): void => settle(true);
      const onAbort = (): void => settle(false);
      this.#waiting.add(give);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
