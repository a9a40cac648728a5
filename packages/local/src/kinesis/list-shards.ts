import type { Account } from './account';
import { shardIdRule, type Input } from './input';
import { openToken, sealToken } from './opaque-token';
import { shardFilterTypes, type OperationOutput } from './operation-types';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import type { Shard } from './shard';
import type { Stream } from './stream';
import { wireShard } from './wire-shard';

/**
 * A ShardFilter with its moment resolved, so that all pages of one listing mean the same moment:
 * `open` is open now, `open-at` and `from` are "open at" and "open at or after" `momentMs`.
 * Both ends of `open-at` belong to it when a timestamp was given; at the trim horizon a shard that closed at that very
 * moment has nothing left to read.
 */
interface ResolvedFilter {
  readonly kind: 'all' | 'from' | 'open' | 'open-at' | 'open-at-horizon';
  readonly momentMs: number;
}

/** Where a listing goes on, as the NextToken carries it. */
interface Listing {
  readonly stream: Stream;
  readonly filter: ResolvedFilter;
  readonly afterShardId: string;
}

/** Shards of one answer, whatever more is asked for. */
const maxPage = 1000;

export function listShards(account: Account, input: Input): OperationOutput<'ListShards'> {
  const maxResults = Math.min(input.optionalInteger('MaxResults', { min: 1, max: 10_000 }) ?? maxPage, maxPage);
  const token = input.optionalText('NextToken', { minLength: 1, maxLength: 1_048_576 });
  const { stream, filter, afterShardId } =
    token === undefined ? newListing(account, input) : continuedListing(account, input, token);
  takeCall(account, stream);
  const shards = stream.shards().filter((shard) => shard.id > afterShardId && isSelected(shard, filter));
  const page = shards.slice(0, maxResults);
  const last = page.at(-1);
  if (last === undefined || shards.length <= maxResults) return { Shards: page.map(wireShard) };
  const fields = [stream.name, stream.id, filter.kind, filter.momentMs, last.id, account.clock.now()];
  return { Shards: page.map(wireShard), NextToken: sealToken('shards', fields) };
}

function newListing(account: Account, input: Input): Listing {
  const stream = account.streamOf(input);
  const createdAtMs = input.optionalTimestampMs('StreamCreationTimestamp');
  if (createdAtMs !== undefined && Math.floor(createdAtMs / 1000) !== stream.creationTimestamp) {
    throw resourceNotFound(
      `Stream ${stream.name} under account ${account.id} was not created at ${createdAtMs / 1000}.`,
    );
  }
  if (stream.status === 'CREATING' || stream.status === 'DELETING') {
    throw new KinesisServiceError(
      'ResourceInUseException',
      `Stream ${stream.name} under account ${account.id} not in ACTIVE or UPDATING state.`,
    );
  }
  const exclusiveStart = input.optionalText('ExclusiveStartShardId', shardIdRule) ?? '';
  const { filter, afterShardId } = readFilter(input.optionalStructure('ShardFilter'), stream);
  return { stream, filter, afterShardId: exclusiveStart > afterShardId ? exclusiveStart : afterShardId };
}

function readFilter(
  input: Input | undefined,
  stream: Stream,
): { readonly filter: ResolvedFilter; readonly afterShardId: string } {
  if (input === undefined) return { filter: { kind: 'all', momentMs: 0 }, afterShardId: '' };
  const type = input.oneOf('Type', shardFilterTypes);
  const shardId = input.optionalText('ShardId', shardIdRule);
  const timestampMs = input.optionalTimestampMs('Timestamp');
  const takesTimestamp = type === 'AT_TIMESTAMP' || type === 'FROM_TIMESTAMP';
  if ((shardId !== undefined) !== (type === 'AFTER_SHARD_ID')) {
    throw invalidArgument('ShardFilter: ShardId must be given with AFTER_SHARD_ID, and only with it.');
  }
  if ((timestampMs !== undefined) !== takesTimestamp) {
    throw invalidArgument(
      'ShardFilter: Timestamp must be given with AT_TIMESTAMP or FROM_TIMESTAMP, and only with them.',
    );
  }
  const horizonMs = stream.trimHorizonMs;
  const select = (kind: ResolvedFilter['kind'], momentMs = 0): ReturnType<typeof readFilter> => ({
    filter: { kind, momentMs },
    afterShardId: shardId ?? '',
  });
  switch (type) {
    case 'AFTER_SHARD_ID':
    case 'FROM_TRIM_HORIZON':
      return select('all');
    case 'AT_LATEST':
      return select('open');
    case 'AT_TRIM_HORIZON':
      return select('open-at-horizon', horizonMs);
    // AWS documents the correction to the trim horizon for FROM_TIMESTAMP only. Without it AT_TIMESTAMP would answer with
    // no shard at all for a moment before the stream was made.
    case 'AT_TIMESTAMP':
      return timestampMs !== undefined && timestampMs > horizonMs
        ? select('open-at', timestampMs)
        : select('open-at-horizon', horizonMs);
    case 'FROM_TIMESTAMP':
      return select('from', Math.max(timestampMs ?? 0, horizonMs));
  }
}

function isSelected(shard: Shard, { kind, momentMs }: ResolvedFilter): boolean {
  const closedAtMs = shard.closedAtMs ?? Infinity;
  switch (kind) {
    case 'all':
      return true;
    case 'open':
      return shard.isOpen;
    case 'open-at':
      return shard.createdAtMs <= momentMs && closedAtMs >= momentMs;
    case 'open-at-horizon':
      return shard.createdAtMs <= momentMs && closedAtMs > momentMs;
    case 'from':
      return closedAtMs >= momentMs;
  }
}

function continuedListing(account: Account, input: Input, token: string): Listing {
  for (const member of ['StreamName', 'StreamARN', 'StreamCreationTimestamp', 'ExclusiveStartShardId', 'ShardFilter']) {
    if (input.has(member)) throw invalidArgument(`NextToken and ${member} cannot be provided together.`);
  }
  const [name, streamId, kind, momentMs, afterShardId, issuedAtMs] = openToken('shards', token) ?? [];
  if (
    typeof name !== 'string' ||
    !isFilterKind(kind) ||
    typeof momentMs !== 'number' ||
    typeof afterShardId !== 'string' ||
    typeof issuedAtMs !== 'number'
  ) {
    throw invalidArgument('Invalid NextToken.');
  }
  const stream = account.findStream(name);
  if (stream === undefined || stream.id !== streamId) {
    throw resourceNotFound(`Stream ${name} under account ${account.id} not found.`);
  }
  if (account.clock.now() - issuedAtMs > account.limits.nextTokenLifeMs) {
    throw new KinesisServiceError(
      'ExpiredNextTokenException',
      `NextToken is older than ${account.limits.nextTokenLifeMs} milliseconds.`,
    );
  }
  return { stream, filter: { kind, momentMs }, afterShardId };
}

function isFilterKind(kind: unknown): kind is ResolvedFilter['kind'] {
  return kind === 'all' || kind === 'from' || kind === 'open' || kind === 'open-at' || kind === 'open-at-horizon';
}

function takeCall(account: Account, stream: Stream): void {
  if (!stream.listShardsCalls.has(1)) {
    throw new KinesisServiceError(
      'LimitExceededException',
      `Rate exceeded for stream ${stream.name} under account ${account.id}: ` +
        `${account.limits.listShardsCallsPerSecond} ListShards calls per second.`,
    );
  }
  stream.listShardsCalls.take(1);
}

/** What a string says that may be a NextToken, whether it is good or not. */
export function listingTarget(token: string): { readonly streamName?: string } {
  const [streamName] = openToken('shards', token) ?? [];
  return typeof streamName === 'string' ? { streamName } : {};
}
