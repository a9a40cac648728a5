import type { Account } from './account';
import { shardIdRule, streamNameRule, type Input } from './input';
import { openToken, sealToken } from './opaque-token';
import type { OperationOutput, StreamDescription, StreamDescriptionSummary } from './operation-types';
import { invalidArgument, KinesisServiceError } from './service-error';
import { maxRetentionHours, minRetentionHours, type Stream } from './stream';
import { wireShard } from './wire-shard';

/** The most shards that one call asks for; the account's quota decides first. */
const maxShardCount = 100_000;

export function createStream(account: Account, input: Input): OperationOutput<'CreateStream'> {
  const name = input.text('StreamName', streamNameRule);
  const mode = input
    .optionalStructure('StreamModeDetails')
    ?.optionalOneOf('StreamMode', ['PROVISIONED', 'ON_DEMAND'] as const);
  if (mode === 'ON_DEMAND') throw invalidArgument('The local Kinesis has no ON_DEMAND streams yet.');
  const shardCount = input.integer('ShardCount', { min: 1, max: maxShardCount });
  if (account.findStream(name) !== undefined) {
    throw new KinesisServiceError(
      'ResourceInUseException',
      `Stream ${name} under account ${account.id} already exists.`,
    );
  }
  const creating = account.streams().filter((stream) => stream.status === 'CREATING').length;
  if (creating >= account.limits.streamsBeingCreated) {
    throw new KinesisServiceError(
      'LimitExceededException',
      `No more than ${account.limits.streamsBeingCreated} streams can be in the state CREATING at a time.`,
    );
  }
  account.assertRoomForShards(shardCount);
  const stream = account.addStream(name);
  stream.begin('CREATING', account.streamTransitionMs, () => stream.openInitialShards(shardCount));
  return {};
}

export function deleteStream(account: Account, input: Input): OperationOutput<'DeleteStream'> {
  const stream = account.activeStreamOf(input);
  stream.begin('DELETING', account.streamTransitionMs, () => {
    stream.isDeleted = true;
  });
  return {};
}

export function describeStream(account: Account, input: Input): OperationOutput<'DescribeStream'> {
  const limit = input.optionalInteger('Limit', { min: 1, max: 10_000 }) ?? 100;
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
    },
  };
}

export function listStreams(account: Account, input: Input): OperationOutput<'ListStreams'> {
  const limit = input.optionalInteger('Limit', { min: 1, max: 10_000 }) ?? 100;
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
  return changeRetention(account, input, (hours, current) =>
    hours < current ? 'cannot be shorter than the existing retention period' : undefined,
  );
}

export function decreaseRetention(account: Account, input: Input): OperationOutput<'DecreaseStreamRetentionPeriod'> {
  return changeRetention(account, input, (hours, current) =>
    hours > current ? 'cannot be longer than the existing retention period' : undefined,
  );
}

function changeRetention(
  account: Account,
  input: Input,
  objection: (hours: number, current: number) => string | undefined,
): Record<string, never> {
  const hours = input.integer('RetentionPeriodHours', { min: minRetentionHours, max: maxRetentionHours });
  const stream = account.activeStreamOf(input);
  const why = objection(hours, stream.retentionHours);
  if (why !== undefined) {
    throw invalidArgument(
      `Requested retention period (${hours} hours) for stream ${stream.name} ${why} (${stream.retentionHours} hours).`,
    );
  }
  stream.begin('UPDATING', account.streamTransitionMs, () => {
    stream.retentionHours = hours;
  });
  return {};
}

function streamFacts(stream: Stream): OperationOutput<'ListStreams'>['StreamSummaries'][number] {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: 'PROVISIONED' },
    StreamCreationTimestamp: stream.createdAtMs / 1000,
  };
}

function commonDescription(stream: Stream): Omit<StreamDescriptionSummary, 'ConsumerCount' | 'OpenShardCount'> {
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
