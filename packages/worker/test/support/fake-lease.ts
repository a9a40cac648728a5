import { isDeepStrictEqual } from 'node:util';
import { checkpointAt, compareCheckpoints, LeaseLostError, type AttemptedRange, type Checkpoint } from '@millrace/core';
import type { ConsumerLease } from '../../src/shard-consumer-parts';

/** A lease that a test can lose, let expire, or have asked for. */
export class FakeLease implements ConsumerLease {
  readonly leaseKey = 'shardId-000000000000';
  readonly fencingToken = 7;
  readonly stored: Checkpoint[] = [];
  readonly #lost = new AbortController();
  readonly #expiring = new AbortController();
  readonly #handover = new AbortController();
  readonly lost = this.#lost.signal;
  readonly expiring = this.#expiring.signal;
  readonly handoverRequested = this.#handover.signal;
  releaseCount = 0;
  carried: Parameters<ConsumerLease['carry']>[0] | undefined;
  held = true;
  failures = 0;
  mayBeCrashLoop = false;
  /** As in the row; what a checkpoint has passed counts as gone. */
  attempted: readonly AttemptedRange[] = [];
  /** Writes that say what is about to be delivered. */
  attempts = 0;
  failedAttempts = 0;
  /** The calls that never settle. */
  readonly hanging = new Set<'checkpoint' | 'release'>();

  constructor(private readonly log: string[] = []) {}

  mayDeliver(): boolean {
    return this.held && !this.lost.aborted;
  }

  async checkpoint(checkpoint: Checkpoint): ReturnType<ConsumerLease['checkpoint']> {
    if (this.hanging.has('checkpoint')) await new Promise(() => undefined);
    if (this.lost.aborted) return { kind: 'lost', stored: 'no' };
    if (this.failures > 0) {
      this.failures--;
      return { kind: 'failed', error: new Error('throttled') };
    }
    this.log.push(`store ${checkpoint.kind === 'sequence-number' ? checkpoint.sequenceNumber : checkpoint.kind}`);
    this.stored.push(checkpoint);
    this.attempted = this.attempted.filter(({ last }) => compareCheckpoints(checkpointAt(last), checkpoint) > 0);
    return { kind: 'stored' };
  }

  async attempt(attempted: readonly AttemptedRange[]): Promise<boolean> {
    if (this.lost.aborted) return false;
    if (isDeepStrictEqual(this.attempted, attempted)) return true;
    this.attempts++;
    if (this.failedAttempts > 0) {
      this.failedAttempts--;
      return false;
    }
    this.attempted = attempted;
    return true;
  }

  carry(unstored: Parameters<ConsumerLease['carry']>[0]): void {
    this.carried = unstored;
  }

  /** What a renewal does. */
  renew(): void {
    const checkpoint = this.carried?.unstored();
    if (checkpoint === undefined) return;
    this.stored.push(checkpoint);
    this.carried?.stored(checkpoint);
  }

  async release(): Promise<void> {
    this.log.push('release');
    this.releaseCount++;
    if (this.hanging.has('release')) await new Promise(() => undefined);
  }

  abandon(): void {
    this.log.push('abandon');
    this.#lost.abort(new LeaseLostError(this.leaseKey));
  }

  lose(): void {
    this.#expiring.abort();
    this.#lost.abort(new LeaseLostError(this.leaseKey));
  }

  expire(): void {
    this.#expiring.abort();
  }

  requestHandover(): void {
    this.#handover.abort();
  }
}
