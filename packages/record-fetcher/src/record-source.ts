import type { AbortSignalLike, Shard, StreamRecord } from '@millrace/core';
import type { Reservation } from './memory-budget';

/** What a shard gives next. */
export type RecordBatch =
  | {
      readonly kind: 'records';
      /**
       * In sequence. Empty when there was nothing to read, so that the consumer learns the lag all the same. The consumer empties it
       * once it has dealt with them: what promises resolved with is kept for a while (decision 0028).
       */
      records: readonly StreamRecord[];
      /** How old the next record to read is, in milliseconds by the service's clock; 0 when caught up. */
      readonly millisBehindLatest: number;
      /** What the records hold of the memory budget, if there is one: to be released when they are done with. */
      readonly memory?: Reservation;
    }
  | {
      readonly kind: 'shard-end';
      /** The shards that continue this one, when the last answer named them; the list of shards decides. */
      readonly childShards: readonly Shard[];
      /** The shard was deleted, records and all, before it was read to its end: what was not read is lost. */
      readonly agedOut: boolean;
    };

/** The records of one shard, however they are fetched. */
export interface RecordSource {
  /**
   * Every record from the start position on, once, in sequence, each batch an object of its own; the last one is `shard-end`. Ends quietly when
   * `signal` aborts. Call it once.
   */
  batches(signal: AbortSignalLike): AsyncGenerator<RecordBatch, void, void>;
  /**
   * For so long, in milliseconds, the next batch would only wait for its time. Who waits for that time before it asks has next to
   * nothing in memory meanwhile. Absent: it reads as soon as it is asked.
   */
  readonly restMs?: number;
}

/** What the list of shards says of a shard that Kinesis does not find: listed, not listed, or no stream at all. */
export type ShardStatus = 'listed' | 'gone' | 'stream-gone';
