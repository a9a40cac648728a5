import type { AbortSignalLike, Clock, Random } from '@millrace/core';

/** A wake-up that is due a moment later, with jitter; asked for again meanwhile it stays one. */
export class LookAgain {
  #isDue = false;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly wake: () => void,
  ) {}

  /** After between once and twice the delay, unless `signal` aborts first. */
  async soon(delayMs: number, signal: AbortSignalLike): Promise<void> {
    if (this.#isDue) return;
    this.#isDue = true;
    try {
      await this.clock.sleep(delayMs * (1 + this.random.next()), signal);
    } catch {
      return;
    } finally {
      this.#isDue = false;
    }
    this.wake();
  }
}
