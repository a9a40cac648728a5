import type { Clock } from '@millrace/core';

/** In failover times. */
const longestCooldown = 360;

/**
 * Leases that this worker gave up because it could not read their shards, or could not start on them. It takes them again
 * no sooner than a failover time later, and each time after twice as long: the others may be luckier, and must not have
 * to give them back for the sake of even shares. Where nobody else is, it tries again.
 */
export class LeaseCooldown {
  readonly #pauses = new Map<string, { readonly untilMs: number; readonly lastsMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly failoverTimeMs: number,
  ) {}

  /** The lease was given up. */
  begin(leaseKey: string): void {
    const before = this.#pauses.get(leaseKey);
    const lastsMs = Math.min((before?.lastsMs ?? this.failoverTimeMs / 2) * 2, longestCooldown * this.failoverTimeMs);
    this.#pauses.set(leaseKey, { untilMs: this.clock.now() + lastsMs, lastsMs });
  }

  /** The shard could be read: what was wrong is over. */
  end(leaseKey: string): void {
    this.#pauses.delete(leaseKey);
  }

  isOver(leaseKey: string): boolean {
    const pause = this.#pauses.get(leaseKey);
    return pause === undefined || this.clock.now() >= pause.untilMs;
  }
}
