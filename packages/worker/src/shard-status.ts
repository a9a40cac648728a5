import { type AbortSignalLike, isFatal } from '@millrace/core';
import type { ShardStatus } from '@millrace/record-fetcher';
import type { ShardSync } from '@millrace/shard-discovery';

/** What the list of shards says now of a shard that Kinesis does not find. Rejects when it cannot be asked. */
export async function shardStatus(
  shardSync: Pick<ShardSync, 'isListed'>,
  shardId: string,
  signal: AbortSignalLike,
): Promise<ShardStatus> {
  try {
    return (await shardSync.isListed(shardId, signal)) ? 'listed' : 'gone';
  } catch (error) {
    if (isFatal(error)) return 'stream-gone';
    throw error;
  }
}
