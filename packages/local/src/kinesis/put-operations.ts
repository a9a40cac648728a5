import type { Account } from './account';
import { hashKeyFromDecimal, hashOfPartitionKey, type HashKey } from './hash-key';
import type { Input } from './input';
import type { OperationOutput, RefusedRecord, StoredAt } from './operation-types';
import { hashKeyRule } from './reshard-operations';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import { shardIndexOf } from './sequence-numbers';
import type { Stream } from './stream';

interface AcceptedRecord {
  readonly data: string;
  readonly partitionKey: string;
  readonly hashKey: HashKey;
  /** Data and partition key. */
  readonly bytes: number;
}

export function putRecord(account: Account, input: Input): OperationOutput<'PutRecord'> {
  const record = readRecord(account, input);
  const ordering = input.optionalText('SequenceNumberForOrdering', { maxLength: 129 });
  const stream = writableStream(account, input);
  // Numbers grow in the order of calls anyway, so that there is nothing to do for it.
  if (ordering !== undefined && shardIndexOf(ordering) === undefined) {
    throw invalidArgument(
      `ExclusiveMinimumSequenceNumber ${ordering} used in PutRecord on stream ${stream.name} ` +
        `under account ${account.id} is invalid.`,
    );
  }
  const result = store(account, stream, record);
  if ('ErrorCode' in result) throw new KinesisServiceError(result.ErrorCode, result.ErrorMessage);
  return result;
}

export function putRecords(account: Account, input: Input): OperationOutput<'PutRecords'> {
  const { putRecordsMaxRecords, putRecordsMaxBytes } = account.limits;
  const records = input
    .structures('Records', { min: 1, max: putRecordsMaxRecords })
    .map((entry) => readRecord(account, entry));
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  if (bytes > putRecordsMaxBytes) {
    throw invalidArgument(`Records size exceeds ${putRecordsMaxBytes} bytes: ${bytes} bytes.`);
  }
  const stream = writableStream(account, input);
  const results = records.map((record) => store(account, stream, record));
  return { FailedRecordCount: results.filter((result) => 'ErrorCode' in result).length, Records: results };
}

function readRecord({ limits }: Account, input: Input): AcceptedRecord {
  const { base64, bytes } = input.blob('Data', { maxBytes: limits.recordMaxBytes });
  const partitionKey = input.text('PartitionKey', { minLength: 1, maxLength: 256 });
  const decimal = input.optionalText('ExplicitHashKey', hashKeyRule);
  const hashKey = decimal === undefined ? hashOfPartitionKey(partitionKey) : hashKeyFromDecimal(decimal);
  if (hashKey === undefined) {
    throw invalidArgument(
      'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
        `Specified value was ${String(decimal)}`,
    );
  }
  const size = bytes + Buffer.byteLength(partitionKey, 'utf8');
  if (size > limits.recordMaxBytes) {
    throw invalidArgument(`Data and partition key size exceeds ${limits.recordMaxBytes} bytes: ${size} bytes.`);
  }
  return { data: base64, partitionKey, hashKey, bytes: size };
}

/** A stream that is being made takes no records yet; one that is being changed or deleted still does, as on AWS. */
function writableStream(account: Account, input: Input): Stream {
  const stream = account.streamOf(input);
  if (stream.status === 'CREATING') {
    throw resourceNotFound(`Stream ${stream.name} under account ${account.id} is not active yet.`);
  }
  return stream;
}

function store(account: Account, stream: Stream, record: AcceptedRecord): RefusedRecord | StoredAt {
  const shard = stream.shardFor(record.hashKey);
  if (shard === undefined) throw new Error(`no open shard of stream ${stream.name} has hash key ${record.hashKey}`);
  const exceeded = exceededLimit(account, shard, record.bytes);
  if (exceeded !== undefined) {
    return {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage:
        `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${account.id}. ` +
        `Limit: ${exceeded}.`,
    };
  }
  shard.budgets.writtenRecords.take(1);
  shard.budgets.writtenBytes.take(record.bytes);
  return {
    ShardId: shard.id,
    SequenceNumber: stream.append(shard, record.data, record.partitionKey, record.bytes),
  };
}

function exceededLimit({ limits }: Account, { budgets }: Shard, bytes: number): string | undefined {
  if (!budgets.writtenRecords.has(1)) return `${limits.writeRecordsPerSecond} records written per second and shard`;
  if (!budgets.writtenBytes.has(bytes)) return `${limits.writeBytesPerSecond} bytes written per second and shard`;
  return undefined;
}
