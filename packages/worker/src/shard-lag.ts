import type { Clock } from '@millrace/core';

/** How far behind the tip one shard is read. */
export class ShardLag {
  #read: { readonly millisBehindLatest: number; readonly atMs: number } | undefined;

  /** @param isBusy the user's code is at records that were read */
  constructor(
    private readonly clock: Clock,
    private readonly isBusy: () => boolean,
  ) {}

  /** What is dealt with from now on was read then, by the clock's `now()`. */
  wasRead(millisBehindLatest: number, atMs: number): void {
    this.#read = { millisBehindLatest, atMs };
  }

  /** What the last read said; 0 before the first. */
  get atLastRead(): number {
    return this.#read?.millisBehindLatest ?? 0;
  }

  /** The same, and for how long the user's code has been at its records since; `undefined` before the first read. */
  get now(): number | undefined {
    if (this.#read === undefined || !this.isBusy()) return this.#read?.millisBehindLatest;
    return this.#read.millisBehindLatest + this.clock.now() - this.#read.atMs;
  }
}
