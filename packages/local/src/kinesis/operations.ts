import type { Account } from './account';
import type { Input } from './input';
import { listShards } from './list-shards';
import type { OperationName, OperationOutput } from './operation-types';
import { putRecord, putRecords } from './put-operations';
import { getRecords, getShardIterator } from './read-operations';
import { mergeShards, splitShard } from './reshard-operations';
import {
  createStream,
  decreaseRetention,
  deleteStream,
  describeStream,
  describeStreamSummary,
  increaseRetention,
  listStreams,
} from './stream-operations';

/** Everything the engine can do. An operation reads its whole input before it changes anything. */
export const operations: {
  readonly [Name in OperationName]: (account: Account, input: Input) => OperationOutput<Name>;
} = {
  CreateStream: createStream,
  DeleteStream: deleteStream,
  DescribeStream: describeStream,
  DescribeStreamSummary: describeStreamSummary,
  ListStreams: listStreams,
  IncreaseStreamRetentionPeriod: increaseRetention,
  DecreaseStreamRetentionPeriod: decreaseRetention,
  ListShards: listShards,
  SplitShard: splitShard,
  MergeShards: mergeShards,
  PutRecord: putRecord,
  PutRecords: putRecords,
  GetShardIterator: getShardIterator,
  GetRecords: getRecords,
};

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
