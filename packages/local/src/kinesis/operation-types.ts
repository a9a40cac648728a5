import type { WireRecord } from './record-log';
import type { StreamMode, StreamStatus } from './stream';

/**
 * Inputs and outputs of the operations as they travel: blobs in base64, timestamps in seconds since the epoch with the
 * milliseconds behind the point. Names and meaning are those of the Kinesis API reference.
 */
export interface OperationTypes {
  readonly CreateStream: Operation<CreateStreamInput, Nothing>;
  readonly DeleteStream: Operation<StreamReference & { EnforceConsumerDeletion?: boolean }, Nothing>;
  readonly UpdateStreamMode: Operation<{ StreamARN: string; StreamModeDetails: StreamModeDetails }, Nothing>;
  readonly UpdateMaxRecordSize: Operation<{ StreamARN: string; MaxRecordSizeInKiB: number }, Nothing>;
  readonly DescribeLimits: Operation<Nothing, DescribeLimitsOutput>;
  readonly DescribeStream: Operation<
    StreamReference & { Limit?: number; ExclusiveStartShardId?: string },
    { readonly StreamDescription: StreamDescription }
  >;
  readonly DescribeStreamSummary: Operation<
    StreamReference,
    { readonly StreamDescriptionSummary: StreamDescriptionSummary }
  >;
  readonly ListStreams: Operation<
    { Limit?: number; ExclusiveStartStreamName?: string; NextToken?: string },
    ListStreamsOutput
  >;
  readonly IncreaseStreamRetentionPeriod: Operation<StreamReference & { RetentionPeriodHours: number }, Nothing>;
  readonly DecreaseStreamRetentionPeriod: Operation<StreamReference & { RetentionPeriodHours: number }, Nothing>;
  readonly ListShards: Operation<ListShardsInput, ListShardsOutput>;
  readonly SplitShard: Operation<StreamReference & { ShardToSplit: string; NewStartingHashKey: string }, Nothing>;
  readonly MergeShards: Operation<StreamReference & { ShardToMerge: string; AdjacentShardToMerge: string }, Nothing>;
  readonly UpdateShardCount: Operation<
    StreamReference & { TargetShardCount: number; ScalingType: 'UNIFORM_SCALING' },
    UpdateShardCountOutput
  >;
  readonly AddTagsToStream: Operation<StreamReference & { Tags: TagMap }, Nothing>;
  readonly RemoveTagsFromStream: Operation<StreamReference & { TagKeys: readonly string[] }, Nothing>;
  readonly ListTagsForStream: Operation<
    StreamReference & { ExclusiveStartTagKey?: string; Limit?: number },
    { readonly Tags: readonly Tag[]; readonly HasMoreTags: boolean }
  >;
  readonly TagResource: Operation<{ ResourceARN: string; Tags: TagMap }, Nothing>;
  readonly UntagResource: Operation<{ ResourceARN: string; TagKeys: readonly string[] }, Nothing>;
  readonly ListTagsForResource: Operation<{ ResourceARN: string }, { readonly Tags: readonly Tag[] }>;
  readonly PutRecord: Operation<StreamReference & NewRecord & { SequenceNumberForOrdering?: string }, StoredAt>;
  readonly PutRecords: Operation<StreamReference & { Records: readonly NewRecord[] }, PutRecordsOutput>;
  readonly GetShardIterator: Operation<GetShardIteratorInput, { readonly ShardIterator: string }>;
  readonly GetRecords: Operation<{ ShardIterator: string; Limit?: number; StreamARN?: string }, GetRecordsOutput>;
}

export type OperationName = keyof OperationTypes;
export type OperationInput<Name extends OperationName> = OperationTypes[Name]['input'];
export type OperationOutput<Name extends OperationName> = OperationTypes[Name]['output'];

interface Operation<In, Out> {
  readonly input: Readonly<In>;
  readonly output: Out;
}

type Nothing = Readonly<Record<string, never>>;

/** One of them is enough. */
export interface StreamReference {
  readonly StreamName?: string;
  readonly StreamARN?: string;
}

/** How a call is to be answered, beside what the request says. */
export interface CallOptions {
  /** GetRecords answers without records although there are some, as AWS may, with an iterator for the same place. */
  readonly emptyPage?: boolean;
}

export interface StreamModeDetails {
  readonly StreamMode: StreamMode;
}

export interface CreateStreamInput {
  readonly StreamName: string;
  /** Needed for a PROVISIONED stream, refused for one that is ON_DEMAND. */
  readonly ShardCount?: number;
  readonly StreamModeDetails?: StreamModeDetails;
  readonly Tags?: TagMap;
  readonly MaxRecordSizeInKiB?: number;
}

export interface UpdateShardCountOutput {
  readonly StreamName: string;
  /** Open shards before. */
  readonly CurrentShardCount: number;
  readonly TargetShardCount: number;
  readonly StreamARN: string;
}

export interface DescribeLimitsOutput {
  readonly ShardLimit: number;
  readonly OpenShardCount: number;
  readonly OnDemandStreamCount: number;
  readonly OnDemandStreamCountLimit: number;
}

export type TagMap = Readonly<Record<string, string>>;

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface WireHashKeyRange {
  readonly StartingHashKey: string;
  readonly EndingHashKey: string;
}

export interface WireShard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
  readonly AdjacentParentShardId?: string;
  readonly HashKeyRange: WireHashKeyRange;
  readonly SequenceNumberRange: {
    readonly StartingSequenceNumber: string;
    readonly EndingSequenceNumber?: string;
  };
}

interface StreamFacts {
  readonly StreamName: string;
  readonly StreamARN: string;
  readonly StreamStatus: StreamStatus;
  readonly StreamModeDetails: StreamModeDetails;
  readonly StreamCreationTimestamp: number;
}

export interface CommonDescription extends StreamFacts {
  readonly RetentionPeriodHours: number;
  readonly EnhancedMonitoring: readonly [{ readonly ShardLevelMetrics: readonly [] }];
  readonly EncryptionType: 'NONE';
}

export interface StreamDescriptionSummary extends CommonDescription {
  readonly OpenShardCount: number;
  readonly ConsumerCount: number;
  readonly MaxRecordSizeInKiB: number;
}

export interface StreamDescription extends CommonDescription {
  readonly Shards: readonly WireShard[];
  readonly HasMoreShards: boolean;
}

export interface ListStreamsOutput {
  readonly StreamNames: readonly string[];
  readonly HasMoreStreams: boolean;
  readonly StreamSummaries: readonly StreamFacts[];
  readonly NextToken?: string;
}

export const shardFilterTypes = [
  'AFTER_SHARD_ID',
  'AT_TRIM_HORIZON',
  'FROM_TRIM_HORIZON',
  'AT_LATEST',
  'AT_TIMESTAMP',
  'FROM_TIMESTAMP',
] as const;

export interface ListShardsInput extends StreamReference {
  readonly NextToken?: string;
  readonly ExclusiveStartShardId?: string;
  readonly MaxResults?: number;
  readonly StreamCreationTimestamp?: number;
  readonly ShardFilter?: {
    readonly Type: (typeof shardFilterTypes)[number];
    readonly ShardId?: string;
    readonly Timestamp?: number;
  };
}

export interface ListShardsOutput {
  readonly Shards: readonly WireShard[];
  readonly NextToken?: string;
}

export interface NewRecord {
  /** Base64. */
  readonly Data: string;
  readonly PartitionKey: string;
  readonly ExplicitHashKey?: string;
}

export interface StoredAt {
  readonly ShardId: string;
  readonly SequenceNumber: string;
}

export interface RefusedRecord {
  readonly ErrorCode: 'ProvisionedThroughputExceededException';
  readonly ErrorMessage: string;
}

export interface PutRecordsOutput {
  readonly FailedRecordCount: number;
  /** In the order of the request. */
  readonly Records: readonly (StoredAt | RefusedRecord)[];
}

export const shardIteratorTypes = [
  'AT_SEQUENCE_NUMBER',
  'AFTER_SEQUENCE_NUMBER',
  'TRIM_HORIZON',
  'LATEST',
  'AT_TIMESTAMP',
] as const;

export interface GetShardIteratorInput extends StreamReference {
  readonly ShardId: string;
  readonly ShardIteratorType: (typeof shardIteratorTypes)[number];
  readonly StartingSequenceNumber?: string;
  readonly Timestamp?: number;
}

export interface ChildShard {
  readonly ShardId: string;
  readonly ParentShards: readonly string[];
  readonly HashKeyRange: WireHashKeyRange;
}

export interface GetRecordsOutput {
  readonly Records: readonly WireRecord[];
  /** Absent once the shard is closed and read to its end. */
  readonly NextShardIterator?: string;
  readonly MillisBehindLatest: number;
  /** Only in the answer that ends a closed shard. */
  readonly ChildShards?: readonly ChildShard[];
}
