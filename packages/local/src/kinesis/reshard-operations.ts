import type { Account } from './account';
import {
  hashKeyFromDecimal,
  hashKeyToDecimal,
  joinRanges,
  mayStartSecondHalf,
  middleOf,
  previousHashKey,
} from './hash-key';
import { shardIdRule, type Input } from './input';
import type { OperationOutput } from './operation-types';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import type { Stream } from './stream';

/** A decimal integer without leading zeros, of at most as many digits as 2^128-1 has. */
export const hashKeyRule = { minLength: 1, maxLength: 39, pattern: /^(0|[1-9]\d{0,38})$/ };

/** A split, merge or scaling that has been checked. */
export interface Reshard {
  /** How many more shards than now are open, at the most, while it is done. */
  readonly additionalShards: number;
  /** Does it, by the wall clock, and returns the new shards. */
  readonly takeEffect: (wallTimeMs: number) => readonly Shard[];
}

export function splitShard(account: Account, input: Input): OperationOutput<'SplitShard'> {
  const shardId = input.text('ShardToSplit', shardIdRule);
  const decimal = input.text('NewStartingHashKey', hashKeyRule);
  const stream = reshardableStream(account, input);
  begin(account, stream, planSplit(account, stream, shardId, decimal));
  return {};
}

export function mergeShards(account: Account, input: Input): OperationOutput<'MergeShards'> {
  const shardId = input.text('ShardToMerge', shardIdRule);
  const adjacentId = input.text('AdjacentShardToMerge', shardIdRule);
  const stream = reshardableStream(account, input);
  begin(account, stream, planMerge(account, stream, shardId, adjacentId));
  return {};
}

export function updateShardCount(account: Account, input: Input): OperationOutput<'UpdateShardCount'> {
  const target = input.integer('TargetShardCount', { min: 1, max: 2 ** 31 - 1 });
  input.oneOf('ScalingType', ['UNIFORM_SCALING'] as const);
  const stream = reshardableStream(account, input);
  const current = stream.openShards.length;
  assertShardCountUpdate(account, stream, target);
  const scale = planShardCount(account, stream, target);
  stream.shardCountUpdates.count();
  begin(account, stream, scale);
  return { StreamName: stream.name, CurrentShardCount: current, TargetShardCount: target, StreamARN: stream.arn };
}

function begin(account: Account, stream: Stream, { additionalShards, takeEffect }: Reshard): void {
  stream.begin('UPDATING', account.streamTransitionMs, takeEffect, { shards: additionalShards });
}

function assertShardCountUpdate({ id, limits }: Account, stream: Stream, target: number): void {
  const current = stream.openShards.length;
  const limit = (message: string): KinesisServiceError => new KinesisServiceError('LimitExceededException', message);
  const counts = `Current open shard count: ${current}, Target shard count: ${target}`;
  const max = limits.shardCountUpdateMaxShards;
  if (target > max) {
    throw limit(`Target shard count or number of open shards cannot be greater than ${max}. ${counts}`);
  }
  if (target > 2 * current) {
    throw limit(`UpdateShardCount cannot scale up over double your current open shard count. ${counts}`);
  }
  if (2 * target < current) {
    throw limit(`UpdateShardCount cannot scale down below half your current open shard count. ${counts}`);
  }
  if (!stream.shardCountUpdates.hasRoom) {
    throw limit(
      `UpdateShardCount cannot be called more than ${limits.shardCountUpdatesPerDay} times in a rolling 24-hour period ` +
        `on stream ${stream.name} under account ${id}.`,
    );
  }
}

/** Checks a split. Without a hash key it is in the middle; without a shard it is of the first open one. */
export function planSplit(
  account: Account,
  stream: Stream,
  shardId = stream.openShards[0]?.id ?? '',
  newStartingHashKey?: string,
): Reshard {
  const shard = openShard(account, stream, shardId);
  const decimal = newStartingHashKey ?? hashKeyToDecimal(middleOf(shard.range));
  const secondStart = hashKeyRule.pattern.test(decimal) ? hashKeyFromDecimal(decimal) : undefined;
  if (secondStart === undefined || !mayStartSecondHalf(secondStart, shard.range)) {
    throw invalidArgument(
      `NewStartingHashKey ${decimal} used in SplitShard() on shard ${shardId} in stream ${stream.name} ` +
        `under account ${account.id} is not both greater than one plus the shard's StartingHashKey ` +
        `${hashKeyToDecimal(shard.range.start)} and less than the shard's EndingHashKey ` +
        `${hashKeyToDecimal(shard.range.end)}.`,
    );
  }
  if (stream.mode === 'PROVISIONED') account.assertRoomForShards(1);
  const ranges = [
    { start: shard.range.start, end: previousHashKey(secondStart) },
    { start: secondStart, end: shard.range.end },
  ];
  return {
    additionalShards: 1,
    takeEffect: (wallTimeMs) => stream.graph.replace([shard], ranges, stream.momentMs(wallTimeMs)),
  };
}

/** Checks a merge. */
export function planMerge(account: Account, stream: Stream, shardId: string, adjacentId: string): Reshard {
  const shard = openShard(account, stream, shardId);
  const adjacent = openShard(account, stream, adjacentId);
  const range = joinRanges(shard.range, adjacent.range);
  if (range === undefined) {
    throw invalidArgument(
      `Shards ${shardId} and ${adjacentId} in stream ${stream.name} under account ${account.id} ` +
        'are not an adjacent pair of shards eligible for merging',
    );
  }
  return {
    additionalShards: 0,
    takeEffect: (wallTimeMs) => stream.graph.replace([shard, adjacent], [range], stream.momentMs(wallTimeMs)),
  };
}

/** Checks that there is room for the shards of a scaling, also for those that live for moments. */
export function planShardCount(account: Account, stream: Stream, count: number): Reshard {
  const splits = stream.graph.stepsTo(count).filter((step) => step.kind === 'split').length;
  if (stream.mode === 'PROVISIONED') account.assertRoomForShards(splits);
  return {
    additionalShards: splits,
    takeEffect: (wallTimeMs) => {
      stream.graph.scale(count, stream.momentMs(wallTimeMs));
      return stream.openShards;
    },
  };
}

/** Of a stream in the mode ON_DEMAND only the service itself changes the shards. */
function reshardableStream(account: Account, input: Input): Stream {
  const stream = account.activeStreamOf(input);
  if (stream.mode === 'PROVISIONED') return stream;
  throw new KinesisServiceError(
    'ValidationException',
    `Stream ${stream.name} under account ${account.id} is in the ON_DEMAND capacity mode. ` +
      'This operation is only supported for streams in the PROVISIONED capacity mode.',
  );
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
