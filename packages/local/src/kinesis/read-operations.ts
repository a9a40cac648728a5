import { compareSequenceNumbers, isSequenceNumber } from '@millrace/core';
import type { Account } from './account';
import { shardIdRule, type Input } from './input';
import { shardIteratorTypes, type CallOptions, type ChildShard, type OperationOutput } from './operation-types';
import { arrivalMs, type Page } from './record-log';
import { shardIndexOf } from './sequence-numbers';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import { openIterator, sealIterator, type ShardPosition } from './shard-iterator';
import type { Stream } from './stream';
import { wireHashKeyRange } from './wire-shard';

/** Longer than any that the engine makes: a stream name of 128 characters, and the rest, in base64. */
const iteratorRule = { minLength: 1, maxLength: 512 };

export function getShardIterator(account: Account, input: Input): OperationOutput<'GetShardIterator'> {
  const shardId = input.text('ShardId', shardIdRule);
  const type = input.oneOf('ShardIteratorType', shardIteratorTypes);
  const sequenceNumber = input.optionalText('StartingSequenceNumber', { maxLength: 129 });
  const timestampMs = input.optionalTimestampMs('Timestamp');
  const stream = account.streamOf(input);
  const shard = stream.shard(shardId);
  if (shard === undefined) {
    throw resourceNotFound(`Shard ${shardId} in stream ${stream.name} under account ${account.id} does not exist`);
  }
  const ordinal = startingOrdinal(account, stream, shard, type, sequenceNumber, timestampMs);
  if (!shard.budgets.getShardIteratorCalls.has(1)) {
    const { getShardIteratorCallsPerSecond } = account.limits;
    throw throttled(account, { stream, shard }, `${getShardIteratorCallsPerSecond} GetShardIterator calls`);
  }
  shard.budgets.getShardIteratorCalls.take(1);
  return { ShardIterator: sealIterator(account, { stream, shard, ordinal }) };
}

function startingOrdinal(
  account: Account,
  stream: Stream,
  shard: Shard,
  type: (typeof shardIteratorTypes)[number],
  sequenceNumber: string | undefined,
  timestampMs: number | undefined,
): number {
  switch (type) {
    case 'TRIM_HORIZON':
      return shard.log.firstOrdinal;
    case 'LATEST':
      return shard.log.endOrdinal;
    case 'AT_TIMESTAMP':
      return shard.log.ordinalAtTime(pastTimestampMs(account, shard, timestampMs));
    case 'AT_SEQUENCE_NUMBER':
      return shard.log.ordinalAt(issuedNumber(account, stream, shard, sequenceNumber));
    case 'AFTER_SEQUENCE_NUMBER':
      return shard.log.ordinalAfter(issuedNumber(account, stream, shard, sequenceNumber));
  }
}

/** Not in the future; what the shard itself has dated never is, also if that is ahead of the clock. */
function pastTimestampMs(account: Account, shard: Shard, timestampMs: number | undefined): number {
  if (timestampMs === undefined) {
    throw invalidArgument('Must specify Timestamp for a shard iterator of type AT_TIMESTAMP.');
  }
  const nowMs = account.clock.wallTime();
  if (timestampMs > Math.max(nowMs, shard.latestMomentMs)) {
    throw invalidArgument(
      'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
        `timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${Math.floor(nowMs)}`,
    );
  }
  return timestampMs;
}

/** A number between the shard's starting one and the greatest it has issued; there need be no record with it. */
function issuedNumber(account: Account, stream: Stream, shard: Shard, sequenceNumber: string | undefined): string {
  if (sequenceNumber === undefined) {
    throw invalidArgument(
      'Must specify StartingSequenceNumber for a shard iterator of type AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER.',
    );
  }
  const issuedBy = isSequenceNumber(sequenceNumber) ? shardIndexOf(sequenceNumber) : undefined;
  if (
    issuedBy !== shard.index ||
    compareSequenceNumbers(sequenceNumber, shard.startingSequenceNumber) < 0 ||
    compareSequenceNumbers(sequenceNumber, shard.newestSequenceNumber) > 0
  ) {
    throw invalidArgument(
      `StartingSequenceNumber ${sequenceNumber} used in GetShardIterator on shard ${shard.id} in stream ` +
        `${stream.name} under account ${account.id} is invalid.`,
    );
  }
  return sequenceNumber;
}

export function getRecords(
  account: Account,
  input: Input,
  { emptyPage = false }: CallOptions = {},
): OperationOutput<'GetRecords'> {
  const iterator = input.text('ShardIterator', iteratorRule);
  const { getRecordsMaxRecords, getRecordsMaxBytes } = account.limits;
  const limit = input.optionalInteger('Limit', { min: 1, max: 10_000 }) ?? Infinity;
  const position = openIterator(account, iterator);
  const { stream, shard } = position;
  if (input.has('StreamARN') && account.streamOf(input) !== stream) {
    throw invalidArgument(`The ShardIterator does not belong to the stream that StreamARN names.`);
  }
  assertMayRead(account, position);
  const maxRecords = emptyPage ? 0 : Math.min(limit, getRecordsMaxRecords);
  const page = shard.log.page(position.ordinal, maxRecords, getRecordsMaxBytes);
  shard.budgets.getRecordsCalls.take(1);
  shard.budgets.readBytes.takeAfterwards(page.bytes);
  const { records: Records, nextOrdinal: ordinal } = page;
  const MillisBehindLatest = millisBehindLatest(account, shard, page);
  if (!shard.isOpen && ordinal === shard.log.endOrdinal) {
    return { Records, MillisBehindLatest, ChildShards: stream.graph.childrenOf(shard.id).map(childShard) };
  }
  return { Records, MillisBehindLatest, NextShardIterator: sealIterator(account, { stream, shard, ordinal }) };
}

function assertMayRead(account: Account, position: ShardPosition): void {
  const { getRecordsCalls, readBytes } = position.shard.budgets;
  const { getRecordsCallsPerSecond, readBytesPerSecond } = account.limits;
  if (!getRecordsCalls.has(1)) throw throttled(account, position, `${getRecordsCallsPerSecond} GetRecords calls`);
  // Not in debt: how much there will be to read is not known beforehand, so that a page may go beyond what is left.
  if (!readBytes.has(0)) throw throttled(account, position, `${readBytesPerSecond} bytes read`);
}

function throttled(
  account: Account,
  { stream, shard }: Pick<ShardPosition, 'shard' | 'stream'>,
  limit: string,
): KinesisServiceError {
  return new KinesisServiceError(
    'ProvisionedThroughputExceededException',
    `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${account.id}. ` +
      `Limit: ${limit} per second and shard.`,
  );
}

/**
 * Zero once nothing is left to read, and only then. Else the age of the last record in the page, which is how far the reader
 * has come, or of the next one if the page is empty.
 */
function millisBehindLatest(account: Account, shard: Shard, page: Page): number {
  if (page.nextOrdinal === shard.log.endOrdinal) return 0;
  const record = page.records.at(-1) ?? shard.log.at(page.nextOrdinal);
  const ageMs = record === undefined ? 0 : Math.floor(account.clock.wallTime()) - arrivalMs(record);
  return Math.max(1, ageMs);
}

function childShard(shard: Shard): ChildShard {
  return { ShardId: shard.id, ParentShards: shard.parentIds, HashKeyRange: wireHashKeyRange(shard.range) };
}
