import { ConfigError, systemClock, type Clock } from '@millrace/core';
import { Account } from './account';
import { Input } from './input';
import { resolveKinesisLimits, type KinesisLimits } from './limits';
import type { OperationInput, OperationName, OperationOutput } from './operation-types';
import { isOperationName, operations } from './operations';
import { KinesisServiceError } from './service-error';

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
      region: options.region ?? 'us-east-1',
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
    return operations[name](this.#account, Input.of(input));
  }

  /** {@link handle} for a name and an input that nobody has looked at yet. @throws KinesisServiceError */
  dispatch(name: string, input: unknown): OperationOutput<OperationName> {
    if (!isOperationName(name)) throw new KinesisServiceError('UnknownOperationException', `no operation ${name}`);
    return operations[name](this.#account, Input.of(input));
  }

  /** Makes a stream that is ACTIVE at once. @throws KinesisServiceError as CreateStream does */
  addStream(streamName: string, shardCount: number): void {
    const input = { StreamName: streamName, ShardCount: shardCount };
    this.handle('CreateStream', input);
    this.#account.stream(streamName).settleNow();
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
