import type { Clock } from '@millrace/core';

/** The names of the calls to the lease table that only read. */
const reads = /^(list|get|read)\b/;

/**
 * Whether the lease table can be used. Reading and writing are judged apart, as they are allowed apart: a table that
 * answers every Scan is of no use to a worker that may not write.
 *
 * A failed read counts until the next one succeeds, a failed write until a write is answered. Whoever has nothing to write
 * gets no answer either, so a failed write also counts no longer than a failover time: what is needed is written again
 * and again within that.
 */
export class TableHealth {
  #failedRead: string | undefined;
  #failedWrite: { readonly operation: string; readonly atMs: number } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly failoverTimeMs: number,
  ) {}

  failed(operation: string): void {
    if (reads.test(operation)) this.#failedRead = operation;
    else this.#failedWrite = { operation, atMs: this.clock.now() };
  }

  /** The table was read. */
  read(): void {
    this.#failedRead = undefined;
  }

  /** DynamoDB answered a write: it took effect, or its condition did not hold. */
  written(): void {
    this.#failedWrite = undefined;
  }

  /** Why the table cannot be used right now. */
  get problem(): string | undefined {
    const write = this.#failedWrite;
    const isWriteFresh = write !== undefined && this.clock.now() - write.atMs < this.failoverTimeMs;
    const operation = isWriteFresh ? write.operation : this.#failedRead;
    return operation === undefined ? undefined : `the lease table fails: ${operation}`;
  }
}
