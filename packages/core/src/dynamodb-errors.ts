import { errorName } from './aws-errors';

const throttled = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
]);

/** The table's capacity or the account's rate was exceeded; the call had no effect. */
export function isDynamoDbThrottled(error: unknown): boolean {
  return throttled.has(errorName(error));
}

/** A condition did not hold. Ambiguous after a retry: an earlier attempt of the same write may be why. */
export function isConditionFailed(error: unknown): boolean {
  return errorName(error) === 'ConditionalCheckFailedException';
}

/** The table does not exist. */
export function isTableNotFound(error: unknown): boolean {
  return errorName(error) === 'ResourceNotFoundException';
}

/** The table exists already, or is being created or deleted. */
export function isTableInUse(error: unknown): boolean {
  return errorName(error) === 'ResourceInUseException';
}
