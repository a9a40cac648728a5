import { nameInArn } from './account';
import { listingTarget } from './list-shards';
import { iteratorTarget } from './shard-iterator';

/** What a call is about, as far as its input says so. */
export interface CallTarget {
  readonly streamName?: string;
  readonly shardId?: string;
}

/**
 * The stream and shard that an input names, which nobody has validated: by name, by ARN, or in the strings that this
 * engine has made, the iterator of GetRecords and the NextToken of ListShards.
 */
export function callTarget(operation: string, input: unknown): CallTarget {
  if (typeof input !== 'object' || input === null) return {};
  const textOf = (member: string): string | undefined => {
    const value = (input as Readonly<Record<string, unknown>>)[member];
    return typeof value === 'string' ? value : undefined;
  };
  const arn = textOf('StreamARN') ?? textOf('ResourceARN');
  const named = {
    streamName: textOf('StreamName') ?? (arn?.includes(':stream/') === true ? nameInArn(arn) : undefined),
    shardId: textOf('ShardId') ?? textOf('ShardToSplit') ?? textOf('ShardToMerge'),
  };
  const token = operation === 'GetRecords' ? textOf('ShardIterator') : undefined;
  const listing = operation === 'ListShards' ? textOf('NextToken') : undefined;
  return {
    ...(named.streamName === undefined ? {} : { streamName: named.streamName }),
    ...(named.shardId === undefined ? {} : { shardId: named.shardId }),
    ...(token === undefined ? {} : iteratorTarget(token)),
    ...(listing === undefined ? {} : listingTarget(listing)),
  };
}
