import type { Clock, Logger } from '@millrace/core';
import type { MemoryBudget } from '@millrace/record-fetcher';
import type { WorkerEvents } from './worker-events';

const logEveryMs = 60_000;

export interface MemoryWatchParts {
  readonly budget: MemoryBudget;
  readonly emit: (name: 'memoryAwaited', payload: WorkerEvents['memoryAwaited']) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells when the memory budget is what holds reading up: by an event for each shard, and by a line for all of them. */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #loggedAtMs = -Infinity;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  /** A shard has waited long for memory, and does still. */
  waitsLong({ shardId, waitedMs }: { readonly shardId: string; readonly waitedMs: number }): void {
    const { budget, emit, clock, logger } = this.#parts;
    const { bytes: budgetBytes, usedBytes, waitingShares: waitingShards } = budget;
    emit('memoryAwaited', { shardId, waitedMs, usedBytes, budgetBytes });
    if (clock.now() - this.#loggedAtMs < logEveryMs) return;
    this.#loggedAtMs = clock.now();
    logger.warn(
      { shardId, waitedMs, usedBytes, budgetBytes, waitingShards },
      'reading waits for memory, the budget is used up',
    );
  }
}
