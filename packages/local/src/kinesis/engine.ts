import { ConfigError, systemClock, type Clock } from '@millrace/core';
import { defaultRegion } from '../default-region';
import { Account } from './account';
import { callTarget, type CallTarget } from './call-target';
import { Input } from './input';
import { resolveKinesisLimits, type KinesisLimits } from './limits';
import type { CallOptions, OperationInput, OperationName, OperationOutput } from './operation-types';
import { isOperationName, operations } from './operations';
import { planMerge, planShardCount, planSplit, type Reshard } from './reshard-operations';
import { invalidArgument, KinesisServiceError } from './service-error';
import { expireIterators } from './shard-iterator';
import type { Stream } from './stream';
import { createStreamNow } from './stream-operations';

export interface KinesisEngineOptions {
  /** Monotonic time for limits, expiry and transitions; wall time for every date. Default: the system's. */
  readonly clock?: Clock;
  /** Default: those of AWS; see {@link defaultKinesisLimits}. */
  readonly limits?: Partial<KinesisLimits>;
  /** Part of every ARN. Default: `us-east-1`. */
  readonly region?: string;
  /** Part of every ARN, 12 digits. Default: `000000000000`. */
  readonly accountId?: string;
  /** How long a stream stays CREATING, UPDATING or DELETING, by the clock. Default: 10. */
  readonly streamTransitionMs?: number;
}

/** A shard as {@link KinesisEngine.inspect} shows it. */
export interface ShardInspection {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  readonly open: boolean;
  /** Records that can still be read. */
  readonly recordCount: number;
  /** Of the newest record that can still be read. */
  readonly lastSequenceNumber: string | undefined;
}

/**
 * Kinesis without a network: streams, shards, records, iterators, limits and trimming. It is synchronous and passive, keeps no
 * timer, and learns the time only from its clock, at each call: what was due in between (a split, a trimming) has then
 * taken effect at its own moment.
 */
export class KinesisEngine {
  readonly #account: Account;

  /** @throws ConfigError if an option is out of range. */
  constructor(options: KinesisEngineOptions = {}) {
    const { limits, problems } = resolveKinesisLimits(options.limits);
    const resolved = {
      clock: options.clock ?? systemClock,
      limits,
      region: options.region ?? defaultRegion,
      accountId: options.accountId ?? '000000000000',
      streamTransitionMs: options.streamTransitionMs ?? 10,
    };
    const allProblems = [
      ...problems,
      ...(/^[a-z0-9-]+$/.test(resolved.region) ? [] : ['region must be the name of an AWS region']),
      ...(/^\d{12}$/.test(resolved.accountId) ? [] : ['accountId must have 12 digits']),
      ...(resolved.streamTransitionMs >= 0 && Number.isFinite(resolved.streamTransitionMs)
        ? []
        : ['streamTransitionMs must be 0 or more']),
    ];
    if (allProblems.length > 0) throw new ConfigError(allProblems);
    this.#account = new Account(resolved);
  }

  /** Wall time of the service, in milliseconds since the epoch. */
  wallTime(): number {
    return this.#account.clock.wallTime();
  }

  /** Does one operation. Inputs and outputs are in the form of the wire. @throws KinesisServiceError */
  handle<Name extends OperationName>(name: Name, input: OperationInput<Name>): OperationOutput<Name> {
    return this.#perform(name, input, {});
  }

  /** {@link handle} for a name and an input that nobody has looked at yet. @throws KinesisServiceError */
  dispatch(name: string, input: unknown, options: CallOptions = {}): OperationOutput<OperationName> {
    if (!isOperationName(name)) throw new KinesisServiceError('UnknownOperationException', `no operation ${name}`);
    return this.#perform(name, input, options);
  }

  #perform<Name extends OperationName>(name: Name, input: unknown, options: CallOptions): OperationOutput<Name> {
    this.#account.tidy();
    this.#account.rates.admit(name);
    const output = operations[name](this.#account, Input.of(input), options);
    this.#account.rates.count(name);
    return output;
  }

  /**
   * Which stream and shard a call is about, as far as its input says so: the input of `dispatch`, not validated, which may
   * be anything. Whether they exist is another question. Never throws.
   */
  targetOf(name: string, input: unknown): CallTarget {
    return callTarget(name, input);
  }

  /**
   * Makes a stream that is ACTIVE at once. Neither the rate of CreateStream nor the number of streams in CREATING limits
   * it. @throws KinesisServiceError as CreateStream does otherwise
   */
  addStream(streamName: string, shardCount: number): void {
    this.#account.tidy();
    createStreamNow(this.#account, Input.of({ StreamName: streamName, ShardCount: shardCount }));
  }

  /**
   * Splits a shard at once, in any mode of the stream, and returns the ids of its children. A change that is under way takes
   * effect before. SplitShard's rate doesn't limit it, the quota of shards does.
   *
   * @param shardId default: the open shard with the lowest hash keys
   * @param newStartingHashKey in decimal, where the second child begins; default: the middle
   * @throws KinesisServiceError as SplitShard does; nothing was changed
   */
  split(streamName: string, shardId?: string, newStartingHashKey?: string): readonly string[] {
    return this.#reshardNow(streamName, (stream) => planSplit(this.#account, stream, shardId, newStartingHashKey));
  }

  /** Merges two adjacent shards at once, like {@link split}, and returns the id of their child, alone in a list. */
  merge(streamName: string, shardId: string, adjacentShardId: string): readonly string[] {
    return this.#reshardNow(streamName, (stream) => planMerge(this.#account, stream, shardId, adjacentShardId));
  }

  /**
   * Splits and merges at once, like {@link split}, until the stream has so many even shards: an integer, 1 or more. Returns
   * the ids of the open shards, in the order of their hash keys; those that were right before are still the same.
   * UpdateShardCount's bounds (double, half, so many times a day) don't limit it.
   */
  updateShardCount(streamName: string, count: number): readonly string[] {
    if (!Number.isInteger(count) || count < 1) throw invalidArgument(`${count} is not a number of shards.`);
    return this.#reshardNow(streamName, (stream) => planShardCount(this.#account, stream, count));
  }

  #reshardNow(streamName: string, plan: (stream: Stream) => Reshard): readonly string[] {
    const stream = this.#account.stream(streamName);
    if (stream.status !== 'DELETING') stream.settleNow();
    this.#account.assertActive(stream);
    return plan(stream)
      .takeEffect(this.wallTime())
      .map((shard) => shard.id);
  }

  /**
   * Makes every iterator expire that was issued until now: its next use is an ExpiredIteratorException. Of one stream, or
   * of all. @throws KinesisServiceError if there is no such stream
   */
  expireIterators(streamName?: string): void {
    expireIterators(this.#account, streamName === undefined ? undefined : this.#account.stream(streamName));
  }

  /**
   * Moves a stream's trim horizon, as if the retention period of all records that arrived before `beforeMs` had passed: they
   * are gone, positions among them mean the trim horizon, and so are shards that had been closed by then. It never moves back.
   *
   * @param options.beforeMs wall time in milliseconds, not in the future; default: all that is in the stream is gone
   * @throws KinesisServiceError if there is no such stream, or the moment is to come
   */
  trim(streamName: string, { beforeMs }: { readonly beforeMs?: number } = {}): void {
    const stream = this.#account.stream(streamName);
    if (beforeMs !== undefined && !(beforeMs <= this.wallTime())) {
      throw invalidArgument(`Cannot trim before ${beforeMs}, which is not a moment in the past.`);
    }
    stream.trim(beforeMs);
  }

  /** A stream's shards that are not expired, oldest first. @throws KinesisServiceError if there is no such stream */
  inspect(streamName: string): readonly ShardInspection[] {
    return this.#account
      .stream(streamName)
      .shards()
      .map((shard) => ({
        shardId: shard.id,
        parentShardIds: shard.parentIds,
        open: shard.isOpen,
        recordCount: shard.log.endOrdinal - shard.log.firstOrdinal,
        lastSequenceNumber: shard.log.newest?.SequenceNumber,
      }));
  }

  /**
   * How many readable records of a shard come after a sequence number: the lag of a consumer with that checkpoint. Without
   * a number: all of them. 0 for a shard that is expired or never was.
   */
  recordsAfter(streamName: string, shardId: string, sequenceNumber?: string): number {
    const shard = this.#account.stream(streamName).shard(shardId);
    if (shard === undefined) return 0;
    const { log } = shard;
    return log.endOrdinal - (sequenceNumber === undefined ? log.firstOrdinal : log.ordinalAfter(sequenceNumber));
  }
}
