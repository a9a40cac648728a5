/** Told of what happened while a shard was read, at once and synchronously. Callbacks must not throw. */
export interface FetchObserver {
  /** Kinesis refused a call because of a rate limit; it is made again no sooner than `delayMs` later. Normal where readers share a shard. */
  throttled?(event: { readonly shardId: string; readonly attempt: number; readonly delayMs: number }): void;
  /**
   * Kinesis refused the iterator, and it is replaced by a new one at the same place. What may have aged out meanwhile is told
   * on its own. Not told when an iterator is replaced because it grew old, before it is used.
   */
  iteratorRefreshed?(event: { readonly shardId: string; readonly reason: 'expired' | 'refused' }): void;
  /**
   * A call failed and is made again. `attempt` counts the failures in a row, from 1. `'unauthorized'` means that a
   * person must act: the permission is missing or the credentials are not accepted.
   */
  failing?(event: {
    readonly shardId: string;
    readonly kind: 'transient' | 'unauthorized';
    readonly error: unknown;
    readonly attempt: number;
  }): void;
  /**
   * The sign of life: what was asked before has been answered, refused or given up, and the next call starts in `delayMs`
   * milliseconds. Told whenever a source waits by itself; not while its consumer waits for `restMs`. From then on a source is silent for no longer than that
   * delay and the deadline of one call; after Kinesis did not find the shard, for as long as the list of shards takes.
   */
  waiting?(event: { readonly shardId: string; readonly delayMs: number }): void;
  /** The next call has waited so long, ten seconds or more, for memory that others hold. Once for each call that waits so long. */
  waitingForMemory?(event: { readonly shardId: string; readonly waitedMs: number }): void;
  /** A call succeeded after `attempts` failures or throttles in a row. */
  recovered?(event: { readonly shardId: string; readonly attempts: number }): void;
  /**
   * The record to go on from is no longer in the shard: records behind it may have aged out unread, as far as `found`,
   * the first that is still there (`undefined`: none is). `wanted` is the checkpoint at the start; afterwards it is the
   * last record handed over, when the consumer or an outage held reading up so long that the iterator was replaced.
   */
  startAgedOut?(event: { readonly shardId: string; readonly wanted: string; readonly found: string | undefined }): void;
}
