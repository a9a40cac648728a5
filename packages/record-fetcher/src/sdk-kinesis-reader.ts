import assert from 'node:assert';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type ChildShard,
  type GetRecordsCommandInput,
  type GetRecordsCommandOutput,
  type GetShardIteratorCommandInput,
  type GetShardIteratorCommandOutput,
  type _Record,
} from '@aws-sdk/client-kinesis';
import {
  type AbortSignalLike,
  isAccessDenied,
  MissingPermissionError,
  ShardUnreadableError,
  withDeadline,
  type Clock,
  type Shard,
  type StartPosition,
  type StreamRecord,
} from '@millrace/core';
import type { KinesisReader, RecordsPage } from './kinesis-reader';

interface CallOptions {
  readonly abortSignal: AbortSignalLike;
}

/**
 * The SDK's two calls that read. By class and input, and not as commands: with each command the SDK makes a middleware stack, which
 * only the SDK needs. Each answer is an object of its own: its records are taken out of it.
 */
export interface KinesisCalls {
  call(
    command: typeof GetShardIteratorCommand,
    input: GetShardIteratorCommandInput,
    options: CallOptions,
  ): Promise<GetShardIteratorCommandOutput>;
  call(
    command: typeof GetRecordsCommand,
    input: GetRecordsCommandInput,
    options: CallOptions,
  ): Promise<GetRecordsCommandOutput>;
}

export interface SdkKinesisReaderParts {
  /** Of a client with `maxAttempts: 1`: retries are the caller's, who knows the read limits. */
  readonly kinesis: KinesisCalls;
  /** Sent with every call. */
  readonly streamArn: string;
  readonly clock: Clock;
  /** The deadline of each call, in milliseconds. */
  readonly callTimeoutMs: number;
}

/** {@link KinesisReader} over the AWS SDK. */
export class SdkKinesisReader implements KinesisReader {
  readonly #parts: SdkKinesisReaderParts;

  constructor(parts: SdkKinesisReaderParts) {
    this.#parts = parts;
  }

  async getShardIterator(
    { shardId, position }: { readonly shardId: string; readonly position: StartPosition },
    signal?: AbortSignalLike,
  ): Promise<string> {
    const { kinesis, streamArn } = this.#parts;
    const answer = await this.#call('kinesis:GetShardIterator', shardId, signal, (abortSignal) =>
      kinesis.call(
        GetShardIteratorCommand,
        { StreamARN: streamArn, ShardId: shardId, ...iteratorInput(position) },
        { abortSignal },
      ),
    );
    return present(answer.ShardIterator, shardId, 'ShardIterator');
  }

  async getRecords(
    { shardId, iterator, limit }: { readonly shardId: string; readonly iterator: string; readonly limit: number },
    signal?: AbortSignalLike,
  ): Promise<RecordsPage> {
    assert(limit >= 1 && limit <= 10_000, 'limit must be from 1 to 10 000');
    const { kinesis, streamArn } = this.#parts;
    const answer = await this.#call('kinesis:GetRecords', shardId, signal, (abortSignal) =>
      kinesis.call(GetRecordsCommand, { StreamARN: streamArn, ShardIterator: iterator, Limit: limit }, { abortSignal }),
    );
    // An answer without them is none: it would look like the end of the shard.
    const records = present(answer.Records ?? undefined, shardId, 'Records').map((record) =>
      toStreamRecord(record, shardId),
    );
    // The promises that the answer came in keep it for longer, and with it what the records consist of (decision 0028).
    if (records.length > 0) answer.Records = [];
    return {
      records,
      // JSON's null reaches us as undefined, or as null where a middleware parses on its own.
      nextIterator: answer.NextShardIterator ?? undefined,
      millisBehindLatest: answer.MillisBehindLatest ?? 0,
      childShards: (answer.ChildShards ?? []).map((child) => toShard(child, shardId)),
    };
  }

  async #call<T>(
    action: string,
    shardId: string,
    signal: AbortSignalLike | undefined,
    send: (abortSignal: AbortSignalLike) => Promise<T>,
  ): Promise<T> {
    const { clock, callTimeoutMs, streamArn } = this.#parts;
    try {
      return await withDeadline(clock, callTimeoutMs, { what: `${action} of ${shardId}`, signal }, send);
    } catch (error) {
      if (isAccessDenied(error)) throw new MissingPermissionError(action, streamArn, { cause: error });
      throw error;
    }
  }
}

function iteratorInput(
  position: StartPosition,
): Pick<GetShardIteratorCommandInput, 'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'> {
  switch (position.kind) {
    case 'trim-horizon':
      return { ShardIteratorType: 'TRIM_HORIZON' };
    case 'at-timestamp':
      return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(position.timestampMs) };
    case 'at-sequence-number':
      return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber };
  }
}

function toStreamRecord(record: _Record, shardId: string): StreamRecord {
  return {
    sequenceNumber: present(record.SequenceNumber, shardId, 'SequenceNumber'),
    partitionKey: present(record.PartitionKey, shardId, 'PartitionKey'),
    data: present(record.Data, shardId, 'Data'),
    approximateArrivalTimestamp: present(record.ApproximateArrivalTimestamp, shardId, 'ApproximateArrivalTimestamp'),
  };
}

function toShard(child: ChildShard, shardId: string): Shard {
  const range = present(child.HashKeyRange, shardId, 'HashKeyRange');
  return {
    shardId: present(child.ShardId, shardId, 'ShardId'),
    parentShardIds: child.ParentShards ?? [],
    hashKeyRange: {
      start: present(range.StartingHashKey, shardId, 'StartingHashKey'),
      end: present(range.EndingHashKey, shardId, 'EndingHashKey'),
    },
    startingSequenceNumber: undefined,
    endingSequenceNumber: undefined,
  };
}

/** The SDK types every field as optional; without one of these a record has no place or no content. */
function present<T>(value: T | undefined, shardId: string, field: string): T {
  if (value === undefined) throw new ShardUnreadableError(shardId, `an answer of Kinesis lacks ${field}`);
  return value;
}
