import type { Clock } from '@millrace/core';
import type { KinesisLimits } from './limits';
import { RollingCount } from './rolling-count';
import type { Shard } from './shard';
import { ShardGraph } from './shard-graph';
import { TokenBucket } from './token-bucket';

export type StreamStatus = 'ACTIVE' | 'CREATING' | 'DELETING' | 'UPDATING';

export const streamModes = ['PROVISIONED', 'ON_DEMAND'] as const;
export type StreamMode = (typeof streamModes)[number];

/** What a change takes from the account's quotas from its beginning, and counts there by itself once it has taken effect. */
export interface QuotaUse {
  readonly shards?: number;
  readonly onDemandStreams?: number;
}

/** A change that takes a while. Nothing runs in the background: it takes effect at the first look after its time. */
interface Transition {
  readonly status: Exclude<StreamStatus, 'ACTIVE'>;
  /** By the monotonic clock. */
  readonly dueAtMs: number;
  readonly takeEffect: (wallTimeMs: number) => void;
  readonly reserved: QuotaUse;
}

export interface StreamSeed {
  readonly name: string;
  readonly arn: string;
  /** Differs for every stream ever made by this engine, also under one name. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly creationTimestamp: number;
  readonly initialShardCount: number;
  readonly mode: StreamMode;
  readonly maxRecordBytes: number;
  readonly tags: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly limits: KinesisLimits;
}

const hourMs = 3_600_000;
export const minRetentionHours = 24;
export const maxRetentionHours = 8760;

/**
 * One stream: its shards, its settings, and the change it is going through. Time enters by looking: callers come through
 * `Account.stream`, which first lets take effect what is due.
 */
export class Stream {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  /** Wall time. */
  readonly createdAtMs: number;
  /** As clients see it: seconds, and different for every stream under one name. */
  readonly creationTimestamp: number;
  readonly initialShardCount: number;
  readonly graph: ShardGraph;
  readonly tags: Map<string, string>;
  readonly listShardsCalls: TokenBucket;
  readonly retentionCalls: Readonly<Record<'Decrease' | 'Increase', TokenBucket>>;
  readonly shardCountUpdates: RollingCount;
  readonly modeSwitches: RollingCount;
  mode: StreamMode;
  maxRecordBytes: number;
  isDeleted = false;
  /** Iterators with a smaller serial number are expired; see `Account.iteratorSerial`. */
  oldestIteratorSerial = 0;
  #retentionHours = minRetentionHours;
  /** Wall time. What has been trimmed stays so, whatever the retention period becomes. */
  #trimmedBeforeMs = 0;
  #transition: Transition | undefined;
  readonly #clock: Clock;

  constructor(seed: StreamSeed) {
    const { clock, limits } = seed;
    this.name = seed.name;
    this.arn = seed.arn;
    this.id = seed.id;
    this.createdAtMs = seed.createdAtMs;
    this.creationTimestamp = seed.creationTimestamp;
    this.initialShardCount = seed.initialShardCount;
    this.mode = seed.mode;
    this.maxRecordBytes = seed.maxRecordBytes;
    this.tags = new Map(seed.tags);
    this.#clock = clock;
    this.graph = new ShardGraph(clock, limits);
    this.listShardsCalls = new TokenBucket(clock, limits.listShardsCallsPerSecond);
    this.retentionCalls = {
      Decrease: new TokenBucket(clock, limits.decreaseRetentionCallsPerSecond),
      Increase: new TokenBucket(clock, limits.increaseRetentionCallsPerSecond),
    };
    this.shardCountUpdates = new RollingCount(clock, limits.shardCountUpdatesPerDay);
    this.modeSwitches = new RollingCount(clock, limits.streamModeSwitchesPerDay);
  }

  get status(): StreamStatus {
    return this.#transition?.status ?? 'ACTIVE';
  }

  get openShards(): readonly Shard[] {
    return this.graph.open;
  }

  get retentionHours(): number {
    return this.#retentionHours;
  }

  /** Changes the retention period as of a moment by the wall clock, which may have passed: what had expired then stays so. */
  setRetention(hours: number, atMs: number): void {
    this.#trimmedBeforeMs = this.#trimHorizonAt(atMs);
    this.#retentionHours = hours;
  }

  /** Records that arrived before this moment are gone. */
  get trimHorizonMs(): number {
    return this.#trimHorizonAt(this.#clock.wallTime());
  }

  #trimHorizonAt(wallTimeMs: number): number {
    const oldestMs = wallTimeMs - this.#retentionHours * hourMs;
    return Math.max(this.createdAtMs, this.#trimmedBeforeMs, oldestMs);
  }

  /** What the change under way will add to what the stream takes from the account's quotas already. */
  get reserved(): QuotaUse {
    return this.#transition?.reserved ?? {};
  }

  /** Starts a change that takes effect `delayMs` later. The caller has checked that none is under way. */
  begin(
    status: Transition['status'],
    delayMs: number,
    takeEffect: Transition['takeEffect'],
    reserved: QuotaUse = {},
  ): void {
    this.#transition = { status, dueAtMs: this.#clock.now() + delayMs, takeEffect, reserved };
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

  /** A shard by its id, trimmed; `undefined` if there is none, or none any longer. */
  shard(shardId: string): Shard | undefined {
    const shard = this.graph.find(shardId);
    return shard !== undefined && this.graph.trimShard(shard, this.trimHorizonMs) ? shard : undefined;
  }

  /** All shards that are not expired, in the order of their ids, trimmed. */
  shards(): readonly Shard[] {
    this.forgetExpired();
    return this.graph.all();
  }

  forgetExpired(): void {
    this.graph.trimBefore(this.trimHorizonMs);
  }

  /**
   * Moves the trim horizon: to a moment that has passed, or, without one, to behind everything that is in the stream, also
   * behind what a run of splits and merges has put a few milliseconds ahead of the clock.
   */
  trim(beforeMs?: number): void {
    const everythingMs = this.graph.all().map((shard) => shard.closedAtMs ?? shard.earliestEndMs);
    const horizonMs = beforeMs ?? Math.max(this.#clock.wallTime(), ...everythingMs);
    this.#trimmedBeforeMs = Math.max(this.#trimmedBeforeMs, horizonMs);
    this.forgetExpired();
  }

  /** The moment to date a new record, or the end of a shard: `wallTimeMs`, unless that is trimmed already. */
  momentMs(wallTimeMs: number): number {
    return Math.max(wallTimeMs, this.#trimmedBeforeMs + 1);
  }
}
