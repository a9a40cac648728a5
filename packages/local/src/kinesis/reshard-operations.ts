import type { Account } from './account';
import { hashKeyFromDecimal, hashKeyToDecimal, joinRanges, mayStartSecondHalf, previousHashKey } from './hash-key';
import { shardIdRule, type Input } from './input';
import type { OperationOutput } from './operation-types';
import { invalidArgument, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import type { Stream } from './stream';

/** A decimal integer without leading zeros, of at most as many digits as 2^128-1 has. */
export const hashKeyRule = { minLength: 1, maxLength: 39, pattern: /^(0|[1-9]\d{0,38})$/ };

export function splitShard(account: Account, input: Input): OperationOutput<'SplitShard'> {
  const shardId = input.text('ShardToSplit', shardIdRule);
  const decimal = input.text('NewStartingHashKey', hashKeyRule);
  const stream = account.activeStreamOf(input);
  const shard = openShard(account, stream, shardId);
  const secondStart = hashKeyFromDecimal(decimal);
  if (secondStart === undefined || !mayStartSecondHalf(secondStart, shard.range)) {
    throw invalidArgument(
      `NewStartingHashKey ${decimal} used in SplitShard() on shard ${shardId} in stream ${stream.name} ` +
        `under account ${account.id} is not both greater than one plus the shard's StartingHashKey ` +
        `${hashKeyToDecimal(shard.range.start)} and less than the shard's EndingHashKey ` +
        `${hashKeyToDecimal(shard.range.end)}.`,
    );
  }
  account.assertRoomForShards(1);
  const ranges = [
    { start: shard.range.start, end: previousHashKey(secondStart) },
    { start: secondStart, end: shard.range.end },
  ];
  stream.begin('UPDATING', account.streamTransitionMs, (wallTimeMs) => stream.replace([shard], ranges, wallTimeMs));
  return {};
}

export function mergeShards(account: Account, input: Input): OperationOutput<'MergeShards'> {
  const shardId = input.text('ShardToMerge', shardIdRule);
  const adjacentId = input.text('AdjacentShardToMerge', shardIdRule);
  const stream = account.activeStreamOf(input);
  const shard = openShard(account, stream, shardId);
  const adjacent = openShard(account, stream, adjacentId);
  const range = joinRanges(shard.range, adjacent.range);
  if (range === undefined) {
    throw invalidArgument(
      `Shards ${shardId} and ${adjacentId} in stream ${stream.name} under account ${account.id} ` +
        'are not an adjacent pair of shards eligible for merging',
    );
  }
  stream.begin('UPDATING', account.streamTransitionMs, (wallTimeMs) =>
    stream.replace([shard, adjacent], [range], wallTimeMs),
  );
  return {};
}

function openShard(account: Account, stream: Stream, shardId: string): Shard {
  const shard = stream.shard(shardId);
  if (shard === undefined) {
    throw resourceNotFound(`Could not find shard ${shardId} in stream ${stream.name} under account ${account.id}.`);
  }
  if (!shard.isOpen) {
    throw invalidArgument(
      `Shard ${shardId} in stream ${stream.name} under account ${account.id} has already been merged or split, ` +
        'and thus is not eligible for merging or splitting.',
    );
  }
  return shard;
}
