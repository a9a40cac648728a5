import type { Account } from './account';
import { openToken, sealToken } from './opaque-token';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import type { Stream } from './stream';

/** A place in a shard. */
export interface ShardPosition {
  readonly stream: Stream;
  readonly shard: Shard;
  /** Of the next record; see `RecordLog`. */
  readonly ordinal: number;
}

/** The opaque string for a place, good for five minutes from now. */
export function sealIterator(account: Account, { stream, shard, ordinal }: ShardPosition): string {
  return sealToken('iterator', [stream.name, stream.id, shard.id, ordinal, account.clock.now()]);
}

/** The place that an iterator stands for. */
export function openIterator(account: Account, iterator: string): ShardPosition {
  const [name, streamId, shardId, ordinal, issuedAtMs] = openToken('iterator', iterator) ?? [];
  if (
    typeof name !== 'string' ||
    typeof shardId !== 'string' ||
    typeof ordinal !== 'number' ||
    typeof issuedAtMs !== 'number'
  ) {
    throw invalidArgument('Invalid ShardIterator.');
  }
  const stream = account.findStream(name);
  // Another id under the same name: the stream was deleted and made again, and the iterator belongs to the old one.
  const shard = stream?.id === streamId ? stream?.shard(shardId) : undefined;
  if (stream === undefined || shard === undefined) {
    throw resourceNotFound(`Shard ${shardId} in stream ${name} under account ${account.id} does not exist`);
  }
  const ageMs = account.clock.now() - issuedAtMs;
  if (ageMs > account.limits.shardIteratorLifeMs) {
    throw new KinesisServiceError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created ${Math.floor(ageMs)} milliseconds ago, which is further in the past ` +
        `than the tolerated delay of ${account.limits.shardIteratorLifeMs} milliseconds.`,
    );
  }
  return { stream, shard, ordinal };
}
