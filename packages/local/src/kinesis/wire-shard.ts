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

/** A range never changes, and is shown again and again. */
const shown = new WeakMap<HashRange, WireHashKeyRange>();

export function wireHashKeyRange(range: HashRange): WireHashKeyRange {
  let wire = shown.get(range);
  if (wire === undefined) {
    wire = { StartingHashKey: hashKeyToDecimal(range.start), EndingHashKey: hashKeyToDecimal(range.end) };
    shown.set(range, wire);
  }
  return wire;
}
