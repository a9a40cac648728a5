import { hashKeyToDecimal, type HashRange } from './hash-key';
import type { WireHashKeyRange, WireShard } from './operation-types';
import type { Shard } from './shard';

/** A shard as ListShards and DescribeStream show it. */
export function wireShard(shard: Shard): WireShard {
  const [parent, adjacentParent] = shard.parentIds;
  const { startingSequenceNumber, endingSequenceNumber } = shard;
  return {
    ShardId: shard.id,
    ...(parent === undefined ? {} : { ParentShardId: parent }),
    ...(adjacentParent === undefined ? {} : { AdjacentParentShardId: adjacentParent }),
    HashKeyRange: wireHashKeyRange(shard.range),
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequenceNumber,
      ...(endingSequenceNumber === undefined ? {} : { EndingSequenceNumber: endingSequenceNumber }),
    },
  };
}

export function wireHashKeyRange({ start, end }: HashRange): WireHashKeyRange {
  return { StartingHashKey: hashKeyToDecimal(start), EndingHashKey: hashKeyToDecimal(end) };
}
