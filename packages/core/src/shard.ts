/** The partition keys of a shard: MD5 of the key, as an unsigned 128-bit integer, from `start` to `end` inclusive. */
export interface HashKeyRange {
  /** Decimal, 0 to 2^128-1. */
  readonly start: string;
  /** Decimal, 0 to 2^128-1. */
  readonly end: string;
}

/** One shard as the stream lists it. */
export interface Shard {
  readonly shardId: string;
  /** None, one (after a split) or two (after a merge). A parent may already be trimmed and no longer listed. */
  readonly parentShardIds: readonly string[];
  readonly hashKeyRange: HashKeyRange;
  /** `undefined` for a child known only from the answer that ended its parent. */
  readonly startingSequenceNumber: string | undefined;
  /** Set once the shard is closed by a split or merge. */
  readonly endingSequenceNumber: string | undefined;
}

/** Which stream, beyond its name: a stream that is deleted and made again has another creation time. */
export interface StreamIdentity {
  readonly streamName: string;
  readonly streamArn: string;
  /** Milliseconds since the epoch, by the service's clock. */
  readonly streamCreatedAtMs: number;
}
