import type { Clock } from '@millrace/core';
import { splitEvenly, type HashKey, type HashRange } from './hash-key';
import type { KinesisLimits } from './limits';
import { SequenceNumbers } from './sequence-numbers';
import { Shard } from './shard';
import { TokenBucket } from './token-bucket';

export type StreamStatus = 'ACTIVE' | 'CREATING' | 'DELETING' | 'UPDATING';

/** A change that takes a while. Nothing runs in the background: it takes effect at the first look after its time. */
interface Transition {
  readonly status: Exclude<StreamStatus, 'ACTIVE'>;
  /** By the monotonic clock. */
  readonly dueAtMs: number;
  readonly takeEffect: (wallTimeMs: number) => void;
}

export interface StreamSeed {
  readonly name: string;
  readonly arn: string;
  /** Differs for every stream ever made by this engine, also under one name. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly clock: Clock;
  readonly limits: KinesisLimits;
}

const hourMs = 3_600_000;
export const minRetentionHours = 24;
export const maxRetentionHours = 8760;

/**
 * One stream: its shards, open and closed, and the change it is going through. Time enters by looking: callers come
 * through `Account.stream`, which first lets take effect what is due.
 */
export class Stream {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  /** Wall time. */
  readonly createdAtMs: number;
  readonly listShardsCalls: TokenBucket;
  retentionHours = minRetentionHours;
  isDeleted = false;
  /** By index, which is also the order of ids. */
  readonly #shards = new Map<string, Shard>();
  /** By hash key, without gaps or overlaps once there are any. */
  #open: Shard[] = [];
  #nextShardIndex = 0;
  #transition: Transition | undefined;
  readonly #sequenceNumbers = new SequenceNumbers();
  readonly #clock: Clock;
  readonly #limits: KinesisLimits;

  constructor(seed: StreamSeed) {
    this.name = seed.name;
    this.arn = seed.arn;
    this.id = seed.id;
    this.createdAtMs = seed.createdAtMs;
    this.#clock = seed.clock;
    this.#limits = seed.limits;
    this.listShardsCalls = new TokenBucket(seed.clock, seed.limits.listShardsCallsPerSecond);
  }

  get status(): StreamStatus {
    return this.#transition?.status ?? 'ACTIVE';
  }

  get openShards(): readonly Shard[] {
    return this.#open;
  }

  /** Records that arrived before this moment are gone. */
  get trimHorizonMs(): number {
    return Math.max(this.createdAtMs, this.#clock.wallTime() - this.retentionHours * hourMs);
  }

  /** Starts a change that takes effect `delayMs` later. The caller has checked that none is under way. */
  begin(status: Transition['status'], delayMs: number, takeEffect: Transition['takeEffect']): void {
    this.#transition = { status, dueAtMs: this.#clock.now() + delayMs, takeEffect };
  }

  /** Lets a change that is due take effect, at the moment it was due. */
  settle(): void {
    const lateMs = this.#clock.now() - (this.#transition?.dueAtMs ?? Infinity);
    if (lateMs >= 0) this.#finish(this.#clock.wallTime() - lateMs);
  }

  /** Lets a change take effect before its time. */
  settleNow(): void {
    this.#finish(this.#clock.wallTime());
  }

  #finish(wallTimeMs: number): void {
    const transition = this.#transition;
    this.#transition = undefined;
    transition?.takeEffect(wallTimeMs);
  }

  /** The shards of a new stream. */
  openInitialShards(count: number): void {
    for (const range of splitEvenly(count)) this.#addShard([], range, this.createdAtMs);
  }

  /** Closes the parents and opens their children over the same hash keys. */
  replace(parents: readonly Shard[], ranges: readonly HashRange[], wallTimeMs: number): void {
    const closedAtMs = Math.max(...parents.map((parent) => parent.close(wallTimeMs)));
    this.#open = this.#open.filter((shard) => !parents.includes(shard));
    const parentIds = parents.map((parent) => parent.id);
    for (const range of ranges) this.#addShard(parentIds, range, closedAtMs);
  }

  /** The open shard for a hash key. Only a stream that is still CREATING has none. */
  shardFor(key: HashKey): Shard | undefined {
    let low = 0;
    let high = this.#open.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const shard = this.#open[middle];
      if (shard !== undefined && shard.range.end >= key) high = middle;
      else low = middle + 1;
    }
    return this.#open[low];
  }

  /** A shard by its id, trimmed; `undefined` if there is none, or none any longer. */
  shard(shardId: string): Shard | undefined {
    const shard = this.#shards.get(shardId);
    return shard !== undefined && this.#trim(shard) ? shard : undefined;
  }

  /** All shards that are not expired, in the order of their ids, trimmed. */
  shards(): readonly Shard[] {
    return [...this.#shards.values()].filter((shard) => this.#trim(shard));
  }

  childrenOf(parentId: string): readonly Shard[] {
    return [...this.#shards.values()].filter((shard) => shard.parentIds.includes(parentId));
  }

  /** Stores a record in one of the open shards and forgets what has expired there. */
  append(shard: Shard, data: string, partitionKey: string, bytes: number): string {
    shard.log.trimBefore(this.trimHorizonMs);
    return shard.append(data, partitionKey, bytes, this.#clock.wallTime());
  }

  /** Forgets expired records, and the shard itself once it was closed for the whole of the retention period. */
  #trim(shard: Shard): boolean {
    const horizonMs = this.trimHorizonMs;
    if (shard.closedAtMs !== undefined && shard.closedAtMs <= horizonMs) {
      this.#shards.delete(shard.id);
      return false;
    }
    shard.log.trimBefore(horizonMs);
    return true;
  }

  #addShard(parentIds: readonly string[], range: HashRange, createdAtMs: number): void {
    const seed = { index: this.#nextShardIndex++, parentIds, range, createdAtMs };
    const shard = new Shard(seed, this.#sequenceNumbers, this.#clock, this.#limits);
    this.#shards.set(shard.id, shard);
    this.#open.push(shard);
    this.#open.sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
  }
}
