import type { Account } from './account';
import { shardIdRule, streamNameRule, type Input } from './input';
import { openToken, sealToken } from './opaque-token';
import type { CommonDescription, OperationOutput, StreamDescription } from './operation-types';
import { invalidArgument, KinesisServiceError } from './service-error';
import { maxRetentionHours, minRetentionHours, streamModes, type Stream, type StreamMode } from './stream';
import { readInitialTags, type Tags } from './tag-operations';
import { wireShard } from './wire-shard';

/** The most shards that one call asks for; the account's quota decides first. */
const maxShardCount = 100_000;

/** As many as carry the 4 MB/s that AWS promises a new stream in this mode ("Quotas and limits"). */
const onDemandShardCount = 4;

/** Shards of one DescribeStream, streams of one ListStreams, whatever more is asked for. */
const maxPage = 100;

const kibibyte = 1024;
/** In KiB. */
const recordSizeRule = { min: 1024, max: 10_240 };

/** An integer of the API that is as good as infinite. */
const maxInteger = 2 ** 31 - 1;

interface NewStream {
  readonly name: string;
  readonly mode: StreamMode;
  readonly shardCount: number;
  readonly maxRecordBytes: number;
  readonly tags: Tags;
}

export function createStream(account: Account, input: Input): OperationOutput<'CreateStream'> {
  const seed = readNewStream(account, input);
  const creating = account.streams().filter((stream) => stream.status === 'CREATING').length;
  if (creating >= account.limits.streamsBeingCreated) {
    throw new KinesisServiceError(
      'LimitExceededException',
      `No more than ${account.limits.streamsBeingCreated} streams can be in the state CREATING at a time.`,
    );
  }
  beginCreation(account, seed);
  return {};
}

/** CreateStream for whoever holds the engine: nothing to wait for, and no limit but the quotas. */
export function createStreamNow(account: Account, input: Input): void {
  beginCreation(account, readNewStream(account, input)).settleNow();
}

function readNewStream(account: Account, input: Input): NewStream {
  const name = input.text('StreamName', streamNameRule);
  const mode = input.optionalStructure('StreamModeDetails')?.oneOf('StreamMode', streamModes) ?? 'PROVISIONED';
  const recordSize = input.optionalInteger('MaxRecordSizeInKiB', recordSizeRule);
  const isOnDemand = mode === 'ON_DEMAND';
  if (isOnDemand && input.has('ShardCount')) {
    throw new KinesisServiceError('ValidationException', 'ShardCount is not expected when StreamMode=ON_DEMAND');
  }
  const shardCount = isOnDemand ? onDemandShardCount : input.integer('ShardCount', { min: 1, max: maxShardCount });
  if (account.findStream(name) !== undefined) {
    throw new KinesisServiceError(
      'ResourceInUseException',
      `Stream ${name} under account ${account.id} already exists.`,
    );
  }
  const tags = readInitialTags(account, input, name);
  const maxRecordBytes = recordSize === undefined ? account.limits.recordMaxBytes : recordSize * kibibyte;
  return { name, mode, shardCount, maxRecordBytes, tags };
}

function beginCreation(account: Account, { shardCount, ...settings }: NewStream): Stream {
  if (settings.mode === 'ON_DEMAND') account.assertRoomForOnDemandStream();
  else account.assertRoomForShards(shardCount);
  const stream = account.addStream({ ...settings, initialShardCount: shardCount });
  stream.begin('CREATING', account.streamTransitionMs, () => stream.graph.openInitial(shardCount, stream.createdAtMs));
  return stream;
}

export function deleteStream(account: Account, input: Input): OperationOutput<'DeleteStream'> {
  // There are no consumers yet whose deletion could be enforced.
  input.optionalBoolean('EnforceConsumerDeletion');
  const stream = account.activeStreamOf(input);
  stream.begin('DELETING', account.streamTransitionMs, () => {
    stream.isDeleted = true;
  });
  return {};
}

export function updateStreamMode(account: Account, input: Input): OperationOutput<'UpdateStreamMode'> {
  const stream = account.streamByArn(input, 'StreamARN');
  const mode = input.structure('StreamModeDetails').oneOf('StreamMode', streamModes);
  account.assertActive(stream);
  if (mode === stream.mode) {
    throw invalidArgument(`Stream ${stream.name} under account ${account.id} is in the ${mode} capacity mode already.`);
  }
  if (!stream.modeSwitches.hasRoom) {
    throw new KinesisServiceError(
      'LimitExceededException',
      `The capacity mode of stream ${stream.name} under account ${account.id} cannot be switched more than ` +
        `${account.limits.streamModeSwitchesPerDay} times in a rolling 24-hour period.`,
    );
  }
  if (mode === 'ON_DEMAND') account.assertRoomForOnDemandStream();
  else account.assertRoomForShards(stream.openShards.length);
  stream.modeSwitches.count();
  const takeEffect = (): void => {
    stream.mode = mode;
  };
  const reserved = mode === 'ON_DEMAND' ? { onDemandStreams: 1 } : { shards: stream.openShards.length };
  stream.begin('UPDATING', account.streamTransitionMs, takeEffect, reserved);
  return {};
}

export function updateMaxRecordSize(account: Account, input: Input): OperationOutput<'UpdateMaxRecordSize'> {
  const size = input.integer('MaxRecordSizeInKiB', recordSizeRule);
  const stream = account.assertActive(account.streamByArn(input, 'StreamARN'));
  stream.begin('UPDATING', account.streamTransitionMs, () => {
    stream.maxRecordBytes = size * kibibyte;
  });
  return {};
}

export function describeLimits(account: Account): OperationOutput<'DescribeLimits'> {
  const { shardQuota, onDemandStreamQuota } = account.limits;
  return {
    ShardLimit: Math.min(shardQuota, maxInteger),
    OpenShardCount: account.openShardCount(),
    OnDemandStreamCount: account.onDemandStreamCount(),
    OnDemandStreamCountLimit: Math.min(onDemandStreamQuota, maxInteger),
  };
}

export function describeStream(account: Account, input: Input): OperationOutput<'DescribeStream'> {
  const limit = Math.min(input.optionalInteger('Limit', { min: 1, max: 10_000 }) ?? maxPage, maxPage);
  const after = input.optionalText('ExclusiveStartShardId', shardIdRule) ?? '';
  const stream = account.streamOf(input);
  const shards = stream.shards().filter((shard) => shard.id > after);
  const description: StreamDescription = {
    ...commonDescription(stream),
    Shards: shards.slice(0, limit).map(wireShard),
    HasMoreShards: shards.length > limit,
  };
  return { StreamDescription: description };
}

export function describeStreamSummary(account: Account, input: Input): OperationOutput<'DescribeStreamSummary'> {
  const stream = account.streamOf(input);
  return {
    StreamDescriptionSummary: {
      ...commonDescription(stream),
      OpenShardCount: stream.openShards.length,
      ConsumerCount: 0,
      MaxRecordSizeInKiB: Math.min(Math.floor(stream.maxRecordBytes / kibibyte), recordSizeRule.max),
    },
  };
}

export function listStreams(account: Account, input: Input): OperationOutput<'ListStreams'> {
  const limit = Math.min(input.optionalInteger('Limit', { min: 1, max: 10_000 }) ?? maxPage, maxPage);
  const startAfter = input.optionalText('ExclusiveStartStreamName', streamNameRule);
  const token = input.optionalText('NextToken', { minLength: 1, maxLength: 1_048_576 });
  const after = token === undefined ? startAfter : nameFromToken(token);
  const streams = account.streams().filter((stream) => after === undefined || stream.name > after);
  const page = streams.slice(0, limit);
  const last = page.at(-1);
  return {
    StreamNames: page.map((stream) => stream.name),
    HasMoreStreams: streams.length > limit,
    StreamSummaries: page.map(streamFacts),
    ...(last === undefined || streams.length <= limit ? {} : { NextToken: sealToken('streams', [last.name]) }),
  };
}

export function increaseRetention(account: Account, input: Input): OperationOutput<'IncreaseStreamRetentionPeriod'> {
  return changeRetention(account, input, 'Increase', (hours, current) =>
    hours <= current ? 'must be longer than the existing retention period' : undefined,
  );
}

export function decreaseRetention(account: Account, input: Input): OperationOutput<'DecreaseStreamRetentionPeriod'> {
  return changeRetention(account, input, 'Decrease', (hours, current) =>
    hours >= current ? 'must be shorter than the existing retention period' : undefined,
  );
}

function changeRetention(
  account: Account,
  input: Input,
  direction: keyof Stream['retentionCalls'],
  objection: (hours: number, current: number) => string | undefined,
): Record<string, never> {
  const hours = input.integer('RetentionPeriodHours', { min: minRetentionHours, max: maxRetentionHours });
  const stream = account.activeStreamOf(input);
  const calls = stream.retentionCalls[direction];
  if (!calls.has(1)) {
    throw new KinesisServiceError(
      'LimitExceededException',
      `Rate exceeded for stream ${stream.name} under account ${account.id}: too many ` +
        `${direction}StreamRetentionPeriod calls per second.`,
    );
  }
  const why = objection(hours, stream.retentionHours);
  if (why !== undefined) {
    throw invalidArgument(
      `Requested retention period (${hours} hours) for stream ${stream.name} ${why} (${stream.retentionHours} hours).`,
    );
  }
  calls.take(1);
  stream.begin('UPDATING', account.streamTransitionMs, (wallTimeMs) => {
    stream.setRetention(hours, wallTimeMs);
  });
  return {};
}

function streamFacts(stream: Stream): OperationOutput<'ListStreams'>['StreamSummaries'][number] {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: stream.mode },
    StreamCreationTimestamp: stream.creationTimestamp,
  };
}

function commonDescription(stream: Stream): CommonDescription {
  return {
    ...streamFacts(stream),
    RetentionPeriodHours: stream.retentionHours,
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: 'NONE',
  };
}

function nameFromToken(token: string): string {
  const [name] = openToken('streams', token) ?? [];
  if (typeof name !== 'string') throw invalidArgument('Invalid NextToken.');
  return name;
}
