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
  const fields = [stream.name, stream.id, shard.id, ordinal, account.clock.now(), account.iteratorSerial];
  return sealToken('iterator', fields);
}

/** The place that an iterator stands for. */
export function openIterator(account: Account, iterator: string): ShardPosition {
  const [name, streamId, shardId, ordinal, issuedAtMs, serial] = openToken('iterator', iterator) ?? [];
  if (
    typeof name !== 'string' ||
    typeof shardId !== 'string' ||
    typeof ordinal !== 'number' ||
    typeof issuedAtMs !== 'number' ||
    typeof serial !== 'number'
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
  if (serial < Math.max(account.oldestIteratorSerial, stream.oldestIteratorSerial)) {
    throw new KinesisServiceError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created ${Math.floor(ageMs)} milliseconds ago, and all that were created by then ` +
        'have been made to expire.',
    );
  }
  return { stream, shard, ordinal };
}

/** Makes every iterator expire that was issued until now, of one stream or of all. */
export function expireIterators(account: Account, stream?: Stream): void {
  account.iteratorSerial++;
  (stream ?? account).oldestIteratorSerial = account.iteratorSerial;
}

/** What a string says that may be an iterator, whether it is good or not. */
export function iteratorTarget(iterator: string): { readonly streamName?: string; readonly shardId?: string } {
  const [streamName, , shardId] = openToken('iterator', iterator) ?? [];
  return typeof streamName === 'string' && typeof shardId === 'string' ? { streamName, shardId } : {};
}
