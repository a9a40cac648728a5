import type { Account } from './account';
import type { Input } from './input';
import { listShards } from './list-shards';
import type { CallOptions, OperationName, OperationOutput } from './operation-types';
import { putRecord, putRecords } from './put-operations';
import { getRecords, getShardIterator } from './read-operations';
import { mergeShards, splitShard, updateShardCount } from './reshard-operations';
import {
  createStream,
  decreaseRetention,
  deleteStream,
  describeLimits,
  describeStream,
  describeStreamSummary,
  increaseRetention,
  listStreams,
  updateMaxRecordSize,
  updateStreamMode,
} from './stream-operations';
import {
  addTagsToStream,
  listTagsForResource,
  listTagsForStream,
  removeTagsFromStream,
  tagResource,
  untagResource,
} from './tag-operations';

type Perform<Name extends OperationName> = (
  account: Account,
  input: Input,
  options: CallOptions,
) => OperationOutput<Name>;

/** Everything the engine can do. An operation reads its whole input before it changes anything. */
export const operations: { readonly [Name in OperationName]: Perform<Name> } = {
  CreateStream: createStream,
  DeleteStream: deleteStream,
  UpdateStreamMode: updateStreamMode,
  UpdateMaxRecordSize: updateMaxRecordSize,
  DescribeLimits: describeLimits,
  DescribeStream: describeStream,
  DescribeStreamSummary: describeStreamSummary,
  ListStreams: listStreams,
  IncreaseStreamRetentionPeriod: increaseRetention,
  DecreaseStreamRetentionPeriod: decreaseRetention,
  ListShards: listShards,
  SplitShard: splitShard,
  MergeShards: mergeShards,
  UpdateShardCount: updateShardCount,
  AddTagsToStream: addTagsToStream,
  RemoveTagsFromStream: removeTagsFromStream,
  ListTagsForStream: listTagsForStream,
  TagResource: tagResource,
  UntagResource: untagResource,
  ListTagsForResource: listTagsForResource,
  PutRecord: putRecord,
  PutRecords: putRecords,
  GetShardIterator: getShardIterator,
  GetRecords: getRecords,
};

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
