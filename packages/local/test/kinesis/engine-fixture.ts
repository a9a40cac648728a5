import { ManualClock } from '@millrace/core/testing';
import { KinesisEngine, type KinesisEngineOptions } from '../../src/kinesis/engine';
import { defaultKinesisLimits, type KinesisLimits } from '../../src/kinesis/limits';
import type { KinesisErrorName } from '../../src/kinesis/service-error';
import { KinesisServiceError } from '../../src/kinesis/service-error';
import type { OperationInput, OperationOutput } from '../../src/kinesis/operation-types';

export const stream = { StreamName: 'flights' };
export const transitionMs = 10;
export const lastHashKey = ((1n << 128n) - 1n).toString();
export const middleHashKey = (1n << 127n).toString();

/** For tests that call more often than AWS lets anybody. */
export const noControlPlaneRates: Partial<KinesisLimits> = Object.fromEntries(
  Object.keys(defaultKinesisLimits)
    .filter((name) => name.endsWith('CallsPerSecond') && !/getRecords|getShardIterator|listShards/.test(name))
    .map((name) => [name, Infinity]),
);

export const noReadRates: Partial<KinesisLimits> = {
  getRecordsCallsPerSecond: Infinity,
  getShardIteratorCallsPerSecond: Infinity,
  readBytesPerSecond: Infinity,
};

/** An engine on a clock that stands still, with one ACTIVE stream. */
export class Fixture {
  readonly clock = new ManualClock();
  readonly engine: KinesisEngine;

  constructor({ shardCount = 1, ...options }: KinesisEngineOptions & { readonly shardCount?: number } = {}) {
    this.engine = new KinesisEngine({ clock: this.clock, streamTransitionMs: transitionMs, ...options });
    this.engine.addStream(stream.StreamName, shardCount);
  }

  put(text: string, partitionKey = 'key'): { readonly ShardId: string; readonly SequenceNumber: string } {
    return this.engine.handle('PutRecord', { ...stream, Data: base64(text), PartitionKey: partitionKey });
  }

  iterator(input: Omit<OperationInput<'GetShardIterator'>, 'ShardId'> & { ShardId?: string }): string {
    return this.engine.handle('GetShardIterator', { ...stream, ShardId: shardId(0), ...input }).ShardIterator;
  }

  /** The texts of one page. */
  read(iterator: string | undefined, limit?: number): readonly string[] {
    return texts(this.page(iterator, limit));
  }

  page(iterator: string | undefined, limit?: number): OperationOutput<'GetRecords'> {
    if (iterator === undefined) throw new Error('there is no further iterator');
    return this.engine.handle('GetRecords', {
      ShardIterator: iterator,
      ...(limit === undefined ? {} : { Limit: limit }),
    });
  }

  async split(shard: string, newStart: string): Promise<void> {
    this.engine.handle('SplitShard', { ...stream, ShardToSplit: shard, NewStartingHashKey: newStart });
    await this.clock.advance(transitionMs);
  }

  async merge(shard: string, adjacent: string): Promise<void> {
    this.engine.handle('MergeShards', { ...stream, ShardToMerge: shard, AdjacentShardToMerge: adjacent });
    await this.clock.advance(transitionMs);
  }

  list(input: OperationInput<'ListShards'> = stream): OperationOutput<'ListShards'> {
    return this.engine.handle('ListShards', input);
  }

  listIds(filter?: NonNullable<OperationInput<'ListShards'>['ShardFilter']>): readonly string[] {
    const output = this.list(filter === undefined ? stream : { ...stream, ShardFilter: filter });
    return output.Shards.map((shard) => shard.ShardId);
  }

  status(): string {
    return this.summary().StreamStatus;
  }

  summary(): OperationOutput<'DescribeStreamSummary'>['StreamDescriptionSummary'] {
    return this.engine.handle('DescribeStreamSummary', stream).StreamDescriptionSummary;
  }

  /** The hash keys of the open shards, in their order. */
  openRanges(): readonly OpenRange[] {
    return this.list({ ...stream, ShardFilter: { Type: 'AT_LATEST' } })
      .Shards.map(({ ShardId, HashKeyRange: { StartingHashKey, EndingHashKey } }) => ({
        id: ShardId,
        start: BigInt(StartingHashKey),
        end: BigInt(EndingHashKey),
      }))
      .sort((a, b) => (a.start < b.start ? -1 : 1));
  }
}

export interface OpenRange {
  readonly id: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** Where the first hash key is missing or covered twice; `undefined` if the ranges cover all of them once. */
export function faultInCover(ranges: readonly OpenRange[]): bigint | undefined {
  let next = 0n;
  for (const { start, end } of ranges) {
    if (start !== next || end < start) return next;
    next = end + 1n;
  }
  return next === 1n << 128n ? undefined : next;
}

export const streamArn = 'arn:aws:kinesis:us-east-1:000000000000:stream/flights';

export function shardId(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function texts(page: OperationOutput<'GetRecords'>): readonly string[] {
  return page.Records.map((record) => Buffer.from(record.Data, 'base64').toString());
}

/** The name of the error that the call ends with; `undefined` if it ends well. */
export function refusal(call: () => unknown): KinesisErrorName | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KinesisServiceError) return error.name;
    throw error;
  }
}
