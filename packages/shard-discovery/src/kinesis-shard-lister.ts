import {
  ListShardsCommand,
  type KinesisClient,
  type Shard as AwsShard,
  type ShardFilter,
} from '@aws-sdk/client-kinesis';
import {
  type AbortSignalLike,
  isAccessDenied,
  isKinesisResourceNotFound,
  MissingPermissionError,
  retryPassing,
  StreamNotFoundError,
  nativeSignal,
  withDeadline,
  type Clock,
  type Random,
  type Shard,
} from '@millrace/core';
import type { ApplicationPosition } from './application-position';
import type { ShardLister } from './shard-lister';

/** Bounds the work of one listing: 100 pages of 1,000 shards are five times the largest stream AWS gives by default. */
const maxPages = 100;

/** Lists shards by ListShards, page by page. A listing that could not be read to its end is an error, never a part. */
export class KinesisShardLister implements ShardLister {
  readonly #kinesis: Pick<KinesisClient, 'send'>;
  readonly #streamArn: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #callTimeoutMs: number;

  constructor(options: {
    readonly kinesis: Pick<KinesisClient, 'send'>;
    readonly streamArn: string;
    readonly clock: Clock;
    readonly random: Random;
    readonly callTimeoutMs: number;
  }) {
    this.#kinesis = options.kinesis;
    this.#streamArn = options.streamArn;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#callTimeoutMs = options.callTimeoutMs;
  }

  async list(position: ApplicationPosition, signal: AbortSignalLike): Promise<readonly Shard[]> {
    try {
      // A listing that was interrupted begins again from its first page.
      return await retryPassing({ clock: this.#clock, random: this.#random, signal }, () =>
        this.#listOnce(position, signal),
      );
    } catch (error) {
      if (isAccessDenied(error)) {
        throw new MissingPermissionError('kinesis:ListShards', this.#streamArn, { cause: error });
      }
      if (isKinesisResourceNotFound(error)) throw new StreamNotFoundError(this.#streamArn, { cause: error });
      throw error;
    }
  }

  async #listOnce(position: ApplicationPosition, signal: AbortSignalLike): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      // A token stands for the whole request before it: AWS refuses it beside a stream or a filter.
      const command = new ListShardsCommand(
        nextToken === undefined
          ? { StreamARN: this.#streamArn, ShardFilter: toFilter(position) }
          : { NextToken: nextToken },
      );
      const answer = await withDeadline(
        this.#clock,
        this.#callTimeoutMs,
        { what: 'kinesis:ListShards', signal },
        (end) => this.#kinesis.send(command, { abortSignal: nativeSignal(end) }),
      );
      for (const shard of answer.Shards ?? []) shards.push(toShard(shard));
      nextToken = answer.NextToken;
      if (nextToken === undefined) return shards;
    }
    throw new Error(`stream ${this.#streamArn} lists more than ${String(maxPages)} pages of shards`);
  }
}

function toFilter(position: ApplicationPosition): ShardFilter {
  return position.kind === 'trim-horizon'
    ? { Type: 'FROM_TRIM_HORIZON' }
    : { Type: 'FROM_TIMESTAMP', Timestamp: new Date(position.timestampMs) };
}

function toShard(shard: AwsShard): Shard {
  const { ShardId: shardId, HashKeyRange: range, SequenceNumberRange: sequenceNumbers } = shard;
  if (shardId === undefined || range?.StartingHashKey === undefined || range.EndingHashKey === undefined) {
    throw new Error('kinesis:ListShards answered with a shard without an id or a hash key range');
  }
  return {
    shardId,
    parentShardIds: [shard.ParentShardId, shard.AdjacentParentShardId].flatMap((parent) => parent ?? []),
    hashKeyRange: { start: range.StartingHashKey, end: range.EndingHashKey },
    startingSequenceNumber: sequenceNumbers?.StartingSequenceNumber,
    endingSequenceNumber: sequenceNumbers?.EndingSequenceNumber,
  };
}
