import type { AbortSignalLike, Shard, StartPosition, StreamRecord } from '@millrace/core';

/** One answer of GetRecords, an object of its own. */
export interface RecordsPage {
  /**
   * In sequence; may be empty, also when more records follow. Whoever takes them leaves an empty list: the promises that the page came in
   * keep it for longer (decision 0028).
   */
  records: readonly StreamRecord[];
  /** Lives five minutes. `undefined` when the shard is closed and this was its last page. */
  readonly nextIterator: string | undefined;
  /** How old the next record to read is, in milliseconds by the service's clock; 0 when there is none. */
  readonly millisBehindLatest: number;
  /** The shards that continue this one. Given with the last page only; may be empty even then. */
  readonly childShards: readonly Shard[];
}

/**
 * The two calls that read a shard. Reading changes nothing: a call may be repeated with the same iterator.
 *
 * Both make one attempt, have a deadline, and reject as soon as `signal` aborts. Errors keep the names that Kinesis
 * gives them, except a refused permission, which is a `MissingPermissionError` with the refusal as its cause.
 */
export interface KinesisReader {
  getShardIterator(
    request: { readonly shardId: string; readonly position: StartPosition },
    signal?: AbortSignalLike,
  ): Promise<string>;

  getRecords(
    request: { readonly shardId: string; readonly iterator: string; /** 1 to 10 000. */ readonly limit: number },
    signal?: AbortSignalLike,
  ): Promise<RecordsPage>;
}
