/** After so many batches without a block the limit is raised. */
const raiseAfter = 20;
const raiseBy = 1.25;
/** As much as a read brings: a limit above that is none. */
const largestBatch = 10_000;

interface Limit {
  records: number;
  quietBatches: number;
}

/**
 * How many records of a shard are handed over in one call, at most. A handler that blocks the event loop for long may fit if it
 * gets less at a time. The limits outlive leases: a block may have cost one.
 */
export class BatchLimits {
  readonly #limits = new Map<string, Limit>();

  of(shardId: string): number {
    return this.#limits.get(shardId)?.records ?? Infinity;
  }

  /** A call with so many records blocked the event loop: half of them next time. */
  blocked(shardId: string, recordCount: number): void {
    // Less than one record there is not.
    if (recordCount < 2) return;
    const records = Math.max(1, Math.min(this.of(shardId), recordCount) >> 1);
    this.#limits.set(shardId, { records, quietBatches: 0 });
  }

  /** A call has ended, blocked or not. */
  ended(shardId: string): void {
    const limit = this.#limits.get(shardId);
    if (limit === undefined || ++limit.quietBatches < raiseAfter) return;
    limit.quietBatches = 0;
    limit.records = Math.ceil(limit.records * raiseBy);
    if (limit.records >= largestBatch) this.#limits.delete(shardId);
  }
}
