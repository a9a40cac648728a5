import type { Logger } from '@millrace/core';

/** Work beside a loop, awaited at its end. What it throws is a mistake of ours: said, and survived. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();

  constructor(private readonly logger: Logger) {}

  add(work: Promise<void>): void {
    const task = work
      .catch((err: unknown) => this.logger.error({ err }, 'lease work failed unexpectedly'))
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Resolves when none is left, those that were added meanwhile included. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
