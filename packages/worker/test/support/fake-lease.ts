import { LeaseLostError, type Checkpoint } from '@millrace/core';
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
  held = true;
  failures = 0;

  constructor(private readonly log: string[] = []) {}

  mayDeliver(): boolean {
    return this.held && !this.lost.aborted;
  }

  async checkpoint(checkpoint: Checkpoint): ReturnType<ConsumerLease['checkpoint']> {
    if (this.lost.aborted) return { kind: 'lost', stored: 'no' };
    if (this.failures > 0) {
      this.failures--;
      return { kind: 'failed', error: new Error('throttled') };
    }
    this.log.push(`store ${checkpoint.kind === 'sequence-number' ? checkpoint.sequenceNumber : checkpoint.kind}`);
    this.stored.push(checkpoint);
    return { kind: 'stored' };
  }

  async release(): Promise<void> {
    this.log.push('release');
    this.releaseCount++;
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
