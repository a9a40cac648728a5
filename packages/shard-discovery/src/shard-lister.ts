import type { AbortSignalLike, Shard } from '@millrace/core';
import type { ApplicationPosition } from './application-position';

/** Lists the shards of one stream. */
export interface ShardLister {
  /**
   * With `trim-horizon` every shard that the stream lists, closed ones included. With a moment those that hold, or may
   * hold, records that arrived at or after it: shards closed before are left out.
   */
  list(position: ApplicationPosition, signal: AbortSignalLike): Promise<readonly Shard[]>;
}
