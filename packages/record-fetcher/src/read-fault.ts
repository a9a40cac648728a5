import {
  isAccessDenied,
  isBadCredentials,
  isCutOff,
  isExpiredIterator,
  isKinesisInvalidArgument,
  isKinesisResourceInUse,
  isKinesisResourceNotFound,
  isKinesisThrottled,
  isKmsRefused,
  isTimeout,
  isTransient,
} from '@millrace/core';

/** What a failed call means to somebody who reads a shard; `'unknown'` is not retried. */
export type ReadFault =
  'throttled' | 'transient' | 'unauthorized' | 'expired-iterator' | 'invalid-argument' | 'not-found' | 'unknown';

export function classifyReadFault(error: unknown): ReadFault {
  if (isKinesisThrottled(error)) return 'throttled';
  if (isExpiredIterator(error)) return 'expired-iterator';
  if (isKinesisResourceNotFound(error)) return 'not-found';
  if (isKinesisInvalidArgument(error)) return 'invalid-argument';
  if (isAccessDenied(error) || isBadCredentials(error) || isMissingPermission(error) || isKmsRefused(error)) {
    return 'unauthorized';
  }
  if (isTransient(error) || isKinesisResourceInUse(error)) return 'transient';
  return 'unknown';
}

/** No answer came, or not all of it, but the call may have reached Kinesis and counts as a read there. */
export function mayHaveBeenRead(error: unknown): boolean {
  return isTimeout(error) || isCutOff(error);
}

/** By its code: two copies of a package break `instanceof`. */
function isMissingPermission(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'PERMISSION_MISSING';
}
