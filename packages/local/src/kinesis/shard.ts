import type { Clock } from '@millrace/core';
import type { HashRange } from './hash-key';
import type { KinesisLimits } from './limits';
import { RecordLog } from './record-log';
import type { SequenceNumbers, ShardNumbers } from './sequence-numbers';
import { TokenBucket } from './token-bucket';
import { WriteBudget } from './write-budget';

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
  /** Of the newest record there ever was: it may be trimmed. */
  #newestNumber: string;
  #newestArrivalMs: number;
  readonly #numbers: ShardNumbers;

  constructor(seed: ShardSeed, sequenceNumbers: SequenceNumbers, clock: Clock, limits: KinesisLimits) {
    this.id = shardId(seed.index);
    this.index = seed.index;
    this.parentIds = seed.parentIds;
    this.range = seed.range;
    this.createdAtMs = seed.createdAtMs;
    this.budgets = new ShardBudgets(clock, limits);
    this.#numbers = sequenceNumbers.ofShard(seed.createdAtMs, seed.index);
    this.startingSequenceNumber = this.#numbers.next(seed.createdAtMs);
    this.#newestNumber = this.startingSequenceNumber;
    this.#newestArrivalMs = seed.createdAtMs;
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

  /** The greatest number that this shard has issued, also when its record is trimmed. */
  get newestSequenceNumber(): string {
    return this.endingSequenceNumber ?? this.#newestNumber;
  }

  /** The latest moment that a record, or the shard's beginning or end, is dated: maybe ahead of a clock that stands still. */
  get latestMomentMs(): number {
    return this.closedAtMs ?? this.#newestArrivalMs;
  }

  /**
   * A moment after all that has happened in the shard: when it may end. A millisecond later, so that at every moment
   * either the parent or its children were open, also when a test's clock stands still.
   */
  get earliestEndMs(): number {
    return this.#newestArrivalMs + 1;
  }

  /** Stores a record and returns its sequence number. Arrival times never go back within a shard. */
  append(data: string, partitionKey: string, bytes: number, wallTimeMs: number): string {
    const arrivedAtMs = Math.max(Math.floor(wallTimeMs), this.#newestArrivalMs);
    const sequenceNumber = this.#numbers.next(arrivedAtMs);
    this.#newestNumber = sequenceNumber;
    this.#newestArrivalMs = arrivedAtMs;
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

  /** Ends the shard. The moment is not before {@link earliestEndMs}. */
  close(atMs: number): void {
    this.#closing = { atMs, endingSequenceNumber: this.#numbers.next(atMs) };
  }
}

/** What of its rate limits a shard has left. */
class ShardBudgets {
  readonly getRecordsCalls: TokenBucket;
  readonly readBytes: TokenBucket;
  readonly getShardIteratorCalls: TokenBucket;
  readonly writes: WriteBudget;

  constructor(clock: Clock, limits: KinesisLimits) {
    this.getRecordsCalls = new TokenBucket(clock, limits.getRecordsCallsPerSecond);
    this.readBytes = new TokenBucket(clock, limits.readBytesPerSecond);
    this.getShardIteratorCalls = new TokenBucket(clock, limits.getShardIteratorCallsPerSecond);
    this.writes = new WriteBudget(clock, limits);
  }
}

function shardId(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}
