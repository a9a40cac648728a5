import type { Clock } from '@millrace/core';

/** Made once: an abort without a reason makes an error with a stack. */
const rung = new Error('the alarm rang');

/** A sleep that can be cut short, for a loop that runs at times and when called. Rung while nobody waits, it is kept. */
export class Alarm {
  #ring = new AbortController();

  constructor(private readonly clock: Clock) {}

  /** Resolves after `delayMs`, or as soon as the alarm rings. One waiter at a time. */
  async wait(delayMs: number): Promise<void> {
    const { signal } = this.#ring;
    try {
      await this.clock.sleep(Math.max(0, delayMs), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) this.#ring = new AbortController();
  }

  ring(): void {
    this.#ring.abort(rung);
  }
}
