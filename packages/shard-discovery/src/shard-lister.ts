import type { Shard } from '@millrace/core';
import type { ApplicationPosition } from './application-position';

/** Lists the shards of one stream. */
export interface ShardLister {
  /**
   * Every shard that holds, or held, records at or after `position` and is still listed: the shards that the application
   * has to read, read or not. Shards closed before `position` are left out.
   */
  list(position: ApplicationPosition, signal: AbortSignal): Promise<readonly Shard[]>;
}
