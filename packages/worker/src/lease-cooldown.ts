import type { Clock } from '@millrace/core';

/**
 * Leases that this worker gave up because it could not read their shards, or could not start on them. It takes them again
 * no sooner than a failover time later: the others, who may be luckier, take what is free for half of that. Where
 * nobody else is, it tries again.
 */
export class LeaseCooldown {
  readonly #untilMs = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly failoverTimeMs: number,
  ) {}

  begin(leaseKey: string): void {
    this.#untilMs.set(leaseKey, this.clock.now() + this.failoverTimeMs);
  }

  isOver(leaseKey: string): boolean {
    const untilMs = this.#untilMs.get(leaseKey);
    if (untilMs !== undefined && this.clock.now() < untilMs) return false;
    this.#untilMs.delete(leaseKey);
    return true;
  }
}
