import type { Random } from '@millrace/core';
import type { KinesisEngine } from '@millrace/local';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { Position } from './messages';

/** Within these the stream is split and merged at random, beyond them only merged or split. */
const minShards = 2;
const maxShards = 6;
/** Of one aggregate. */
const maxUserRecords = 5;

interface Range {
  readonly shardId: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** A stream into whose shards numbered records are put: in each from 1 on, some of them in KPL aggregates. */
export class NumberedStream {
  readonly #last = new Map<string, number>();
  /** The number of the first user record at a sequence number of a shard. */
  readonly #firstAt = new Map<string, number>();
  #hasEnded = false;

  constructor(
    private readonly kinesis: KinesisEngine,
    readonly name: string,
    private readonly random: Random,
  ) {}

  /** One record, or one aggregate, into every open shard, unless the stream has ended. */
  put(): void {
    if (this.#hasEnded) return;
    const Records = this.#open().map(({ shardId, from }) => {
      const count = this.random.next() < 0.3 ? 2 + Math.floor(this.random.next() * (maxUserRecords - 1)) : 1;
      const first = (this.#last.get(shardId) ?? 0) + 1;
      const key = { partitionKey: 'key', explicitHashKey: from.toString() };
      const texts = Array.from({ length: count }, (_, index) => ({ ...key, data: Buffer.from(String(first + index)) }));
      const data = count === 1 ? Buffer.from(String(first)) : Buffer.from(aggregate(texts));
      return {
        count,
        first,
        shardId,
        put: { Data: data.toString('base64'), PartitionKey: 'key', ExplicitHashKey: from.toString() },
      };
    });
    const stored = this.kinesis.handle('PutRecords', { StreamName: this.name, Records: Records.map(({ put }) => put) });
    stored.Records.forEach((result, index) => {
      const record = Records[index];
      if (record === undefined || !('SequenceNumber' in result) || result.ShardId !== record.shardId) {
        throw new Error(`a put into ${this.name} went astray`);
      }
      this.#last.set(record.shardId, record.first + record.count - 1);
      this.#firstAt.set(`${record.shardId} ${result.SequenceNumber}`, record.first);
    });
  }

  /** Splits a shard, or merges two. */
  reshard(): 'merge' | 'split' {
    const open = this.#open();
    const splits = open.length <= minShards || (open.length < maxShards && this.random.next() < 0.5);
    const index = Math.floor(this.random.next() * (splits ? open.length : open.length - 1));
    const [shard, next] = [open[index], open[index + 1]];
    if (shard === undefined) throw new Error(`${this.name} has no open shard`);
    if (splits || next === undefined) {
      const middle = (shard.from + shard.to + 1n) / 2n;
      const split = { ShardToSplit: shard.shardId, NewStartingHashKey: middle.toString() };
      this.kinesis.handle('SplitShard', { StreamName: this.name, ...split });
      return 'split';
    }
    const merge = { ShardToMerge: shard.shardId, AdjacentShardToMerge: next.shardId };
    this.kinesis.handle('MergeShards', { StreamName: this.name, ...merge });
    return 'merge';
  }

  /** Nothing is put any more. Returns the number of the last record of each shard that has any. */
  end(): Readonly<Record<string, number>> {
    this.#hasEnded = true;
    return Object.fromEntries(this.#last);
  }

  /** Which record a checkpoint stands for. */
  positionOf(shardId: string, sequenceNumber: string, subSequenceNumber: number): Position | undefined {
    if (sequenceNumber === 'TRIM_HORIZON') return 0;
    const first = this.#firstAt.get(`${shardId} ${sequenceNumber}`);
    return first === undefined ? undefined : first + subSequenceNumber;
  }

  /** By their hash keys. */
  #open(): readonly Range[] {
    const { Shards } = this.kinesis.handle('ListShards', { StreamName: this.name });
    return Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange.EndingSequenceNumber === undefined)
      .map(({ ShardId: shardId, HashKeyRange: range }) => ({
        shardId,
        from: BigInt(range.StartingHashKey),
        to: BigInt(range.EndingHashKey),
      }))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
  }
}
