import type { Account } from './account';
import { hashKeyFromDecimal, hashOfPartitionKey, type HashKey } from './hash-key';
import type { Blob64, Input } from './input';
import type { OperationOutput, RefusedRecord, StoredAt } from './operation-types';
import { hashKeyRule } from './reshard-operations';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import { shardIndexOf } from './sequence-numbers';
import type { Stream } from './stream';

interface NewRecord {
  readonly input: Input;
  readonly data: Blob64;
  readonly partitionKey: string;
  readonly hashKey: HashKey;
  /** Data and partition key. */
  readonly bytes: number;
}

/** Of all that is put with one call. */
interface Arrival {
  /** By the monotonic clock. */
  readonly nowMs: number;
  readonly wallTimeMs: number;
}

export function putRecord(account: Account, input: Input): OperationOutput<'PutRecord'> {
  const record = readRecord(input);
  const ordering = input.optionalText('SequenceNumberForOrdering', { maxLength: 129 });
  const stream = writableStream(account, input);
  assertSize(record, stream);
  // Numbers grow in the order of calls anyway, so that there is nothing to do for it.
  if (ordering !== undefined && shardIndexOf(ordering) === undefined) {
    throw invalidArgument(
      `ExclusiveMinimumSequenceNumber ${ordering} used in PutRecord on stream ${stream.name} ` +
        `under account ${account.id} is invalid.`,
    );
  }
  const result = store(account, stream, record, arrivalNow(account, stream));
  if ('ErrorCode' in result) throw new KinesisServiceError(result.ErrorCode, result.ErrorMessage);
  return result;
}

export function putRecords(account: Account, input: Input): OperationOutput<'PutRecords'> {
  const { putRecordsMaxRecords, putRecordsMaxBytes } = account.limits;
  const records = input.structures('Records', { min: 1, max: putRecordsMaxRecords }).map(readRecord);
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  if (bytes > putRecordsMaxBytes) {
    throw invalidArgument(`Records size exceeds ${putRecordsMaxBytes} bytes: ${bytes} bytes.`);
  }
  const stream = writableStream(account, input);
  for (const record of records) assertSize(record, stream);
  const arrival = arrivalNow(account, stream);
  const results = records.map((record) => store(account, stream, record, arrival));
  return { FailedRecordCount: results.filter((result) => 'ErrorCode' in result).length, Records: results };
}

function readRecord(input: Input): NewRecord {
  const data = input.blob('Data');
  const partitionKey = input.text('PartitionKey', { minLength: 1, maxLength: 256 });
  const decimal = input.optionalText('ExplicitHashKey', hashKeyRule);
  const hashKey = decimal === undefined ? hashOfPartitionKey(partitionKey) : hashKeyFromDecimal(decimal);
  if (hashKey === undefined) {
    throw invalidArgument(
      'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
        `Specified value was ${String(decimal)}`,
    );
  }
  return { input, data, partitionKey, hashKey, bytes: data.bytes + Buffer.byteLength(partitionKey, 'utf8') };
}

function assertSize({ input, data, bytes }: NewRecord, { maxRecordBytes }: Stream): void {
  if (data.bytes > maxRecordBytes) throw input.blobTooLarge('Data', data, maxRecordBytes);
  if (bytes <= maxRecordBytes) return;
  throw invalidArgument(`Data and partition key size exceeds ${maxRecordBytes} bytes: ${bytes} bytes.`);
}

/** A stream that is being made takes no records yet; one that is being changed or deleted still does, as on AWS. */
function writableStream(account: Account, input: Input): Stream {
  const stream = account.streamOf(input);
  if (stream.status === 'CREATING') {
    throw resourceNotFound(`Stream ${stream.name} under account ${account.id} is not active yet.`);
  }
  return stream;
}

function arrivalNow({ clock }: Account, stream: Stream): Arrival {
  return { nowMs: clock.now(), wallTimeMs: stream.momentMs(clock.wallTime()) };
}

function store(account: Account, stream: Stream, record: NewRecord, arrival: Arrival): RefusedRecord | StoredAt {
  const { data, partitionKey, hashKey, bytes } = record;
  const shard = stream.graph.shardFor(hashKey);
  if (shard === undefined) throw new Error(`no open shard of stream ${stream.name} has hash key ${hashKey}`);
  const exceeded = shard.budgets.writes.take(bytes, arrival.nowMs);
  if (exceeded !== undefined) {
    return {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage:
        `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${account.id}. ` +
        `Limit: ${exceeded}.`,
    };
  }
  return { ShardId: shard.id, SequenceNumber: shard.append(data.base64, partitionKey, bytes, arrival.wallTimeMs) };
}
