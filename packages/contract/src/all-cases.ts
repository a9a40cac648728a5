import { createStreamCases } from './cases/create-stream';
import { deleteStreamCases } from './cases/delete-stream';
import {
  describeLimitsCases,
  describeStreamCases,
  describeStreamSummaryCases,
  listStreamsCases,
} from './cases/describe-streams';
import { getRecordsCases } from './cases/get-records';
import { getShardIteratorCases } from './cases/get-shard-iterator';
import { listShardsCases } from './cases/list-shards';
import { mergeShardsCases } from './cases/merge-shards';
import { putRecordCases } from './cases/put-record';
import { putRecordsCases } from './cases/put-records';
import { decreaseRetentionCases, increaseRetentionCases } from './cases/retention';
import { splitShardCases } from './cases/split-shard';
import { streamReferenceCases } from './cases/stream-references';
import { tagCases } from './cases/tags';
import { updateShardCountCases } from './cases/update-shard-count';
import { updateMaxRecordSizeCases, updateStreamModeCases } from './cases/update-stream';
import { operations, type ContractCase } from './contract-case';

const cases: readonly ContractCase[] = [
  ...createStreamCases,
  ...deleteStreamCases,
  ...describeStreamCases,
  ...describeStreamSummaryCases,
  ...describeLimitsCases,
  ...listStreamsCases,
  ...listShardsCases,
  ...getShardIteratorCases,
  ...getRecordsCases,
  ...putRecordCases,
  ...putRecordsCases,
  ...splitShardCases,
  ...mergeShardsCases,
  ...updateShardCountCases,
  ...increaseRetentionCases,
  ...decreaseRetentionCases,
  ...updateStreamModeCases,
  ...updateMaxRecordSizeCases,
  ...tagCases,
  ...streamReferenceCases,
];

/** Every case, operation by operation. */
export const allCases: readonly ContractCase[] = operations.flatMap((operation) =>
  cases.filter((one) => one.operation === operation),
);
