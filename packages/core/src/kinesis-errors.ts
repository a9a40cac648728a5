import { errorName } from './aws-errors';

const throttled = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'ThrottlingException',
  'Throttling',
  'KMSThrottlingException',
  'RequestLimitExceeded',
  'SlowDown',
]);

/** A rate limit was met; the call had no effect. */
export function isKinesisThrottled(error: unknown): boolean {
  return throttled.has(errorName(error));
}

/** A limit of the shard itself was met, that of calls or that of bytes. Other throttles are the account's, or those of its keys. */
export function isShardThroughputExceeded(error: unknown): boolean {
  return errorName(error) === 'ProvisionedThroughputExceededException';
}

/** The stream, or a shard of it, does not exist (any longer). */
export function isKinesisResourceNotFound(error: unknown): boolean {
  return errorName(error) === 'ResourceNotFoundException';
}

/** The iterator is older than five minutes. */
export function isExpiredIterator(error: unknown): boolean {
  return errorName(error) === 'ExpiredIteratorException';
}

/** A value was refused: a sequence number of another shard or stream, a malformed iterator. */
export function isKinesisInvalidArgument(error: unknown): boolean {
  const name = errorName(error);
  return name === 'InvalidArgumentException' || name === 'ValidationException';
}

/** The list of shards moved on while it was paged through; it must be read again from its beginning. */
export function isExpiredNextToken(error: unknown): boolean {
  return errorName(error) === 'ExpiredNextTokenException';
}

/** The stream is being created, deleted or changed. */
export function isKinesisResourceInUse(error: unknown): boolean {
  return errorName(error) === 'ResourceInUseException';
}

const kmsRefused = new Set([
  'KMSAccessDeniedException',
  'KMSDisabledException',
  'KMSInvalidStateException',
  'KMSNotFoundException',
  'KMSOptInRequired',
]);

/** The stream's records are encrypted with a key that these credentials cannot use now. */
export function isKmsRefused(error: unknown): boolean {
  return kmsRefused.has(errorName(error));
}
