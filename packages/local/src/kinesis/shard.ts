import type { Clock } from '@millrace/core';
import type { HashRange } from './hash-key';
import type { KinesisLimits } from './limits';
import { arrivalMs, RecordLog } from './record-log';
import type { SequenceNumbers } from './sequence-numbers';
import { TokenBucket } from './token-bucket';

interface ShardSeed {
  readonly index: number;
  /** None, one after a split, two after a merge (the shard that was merged, then its neighbour). */
  readonly parentIds: readonly string[];
  readonly range: HashRange;
  /** Wall time. */
  readonly createdAtMs: number;
}

interface Closing {
  /** Wall time; after every record's arrival, and where the children's times begin. */
  readonly atMs: number;
  readonly endingSequenceNumber: string;
}

/** One shard: its records, and what is left of its rate limits. */
export class Shard {
  readonly id: string;
  readonly index: number;
  readonly parentIds: readonly string[];
  readonly range: HashRange;
  readonly createdAtMs: number;
  readonly startingSequenceNumber: string;
  readonly log = new RecordLog();
  readonly budgets: ShardBudgets;
  #closing: Closing | undefined;
  readonly #prefix: string;

  constructor(
    seed: ShardSeed,
    private readonly sequenceNumbers: SequenceNumbers,
    clock: Clock,
    limits: KinesisLimits,
  ) {
    this.id = shardId(seed.index);
    this.index = seed.index;
    this.parentIds = seed.parentIds;
    this.range = seed.range;
    this.createdAtMs = seed.createdAtMs;
    this.budgets = new ShardBudgets(clock, limits);
    this.#prefix = sequenceNumbers.prefixFor(seed.createdAtMs);
    this.startingSequenceNumber = sequenceNumbers.next(this.#prefix, seed.createdAtMs, seed.index);
  }

  get isOpen(): boolean {
    return this.#closing === undefined;
  }

  get closedAtMs(): number | undefined {
    return this.#closing?.atMs;
  }

  get endingSequenceNumber(): string | undefined {
    return this.#closing?.endingSequenceNumber;
  }

  /** The greatest number that this shard has issued. */
  get newestSequenceNumber(): string {
    return this.endingSequenceNumber ?? this.log.newest?.SequenceNumber ?? this.startingSequenceNumber;
  }

  /** Stores a record and returns its sequence number. Arrival times never go back within a shard. */
  append(data: string, partitionKey: string, bytes: number, wallTimeMs: number): string {
    const newest = this.log.newest;
    const arrivedAtMs = Math.max(
      Math.floor(wallTimeMs),
      this.createdAtMs,
      newest === undefined ? 0 : arrivalMs(newest),
    );
    const sequenceNumber = this.sequenceNumbers.next(this.#prefix, arrivedAtMs, this.index);
    this.log.append(
      {
        SequenceNumber: sequenceNumber,
        ApproximateArrivalTimestamp: arrivedAtMs / 1000,
        Data: data,
        PartitionKey: partitionKey,
      },
      bytes,
    );
    return sequenceNumber;
  }

  /**
   * Ends the shard and returns when. That is a millisecond after all that happened in it, so that at every moment either
   * the parent or its children were open, also when a test's clock stands still.
   */
  close(wallTimeMs: number): number {
    const newest = this.log.newest;
    const atMs = Math.max(
      Math.floor(wallTimeMs),
      this.createdAtMs + 1,
      newest === undefined ? 0 : arrivalMs(newest) + 1,
    );
    this.#closing = { atMs, endingSequenceNumber: this.sequenceNumbers.next(this.#prefix, atMs, this.index) };
    return atMs;
  }
}

/** What of its rate limits a shard has left. */
class ShardBudgets {
  readonly getRecordsCalls: TokenBucket;
  readonly readBytes: TokenBucket;
  readonly getShardIteratorCalls: TokenBucket;
  readonly writtenRecords: TokenBucket;
  readonly writtenBytes: TokenBucket;

  constructor(clock: Clock, limits: KinesisLimits) {
    this.getRecordsCalls = new TokenBucket(clock, limits.getRecordsCallsPerSecond);
    this.readBytes = new TokenBucket(clock, limits.readBytesPerSecond);
    this.getShardIteratorCalls = new TokenBucket(clock, limits.getShardIteratorCallsPerSecond);
    this.writtenRecords = new TokenBucket(clock, limits.writeRecordsPerSecond);
    this.writtenBytes = new TokenBucket(clock, limits.writeBytesPerSecond);
  }
}

function shardId(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}
