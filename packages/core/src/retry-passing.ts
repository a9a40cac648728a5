import { isTransient } from './aws-errors';
import { backoffDelayMs, type BackoffOptions } from './backoff';
import type { Clock } from './clock';
import type { AbortSignalLike } from './stop-signal';
import { isDynamoDbThrottled } from './dynamodb-errors';
import { isExpiredNextToken, isKinesisThrottled } from './kinesis-errors';
import type { Random } from './random';

/** Eight attempts with these delays last about ten seconds. */
const maxAttempts = 8;
const backoff: BackoffOptions = { baseMs: 200, maxMs: 5_000 };

/**
 * Makes a call that may be made again, up to eight times while it fails for a reason that passes: a throttle, a lost
 * connection, a time-out, a fault of the service. Rejects with the last error, or at once with any other.
 */
export async function retryPassing<T>(
  { clock, random, signal }: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignalLike },
  call: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const passing =
        isTransient(error) || isKinesisThrottled(error) || isDynamoDbThrottled(error) || isExpiredNextToken(error);
      if (!passing || signal.aborted || attempt + 1 >= maxAttempts) throw error;
      await clock.sleep(backoffDelayMs(attempt, backoff, random), signal);
    }
  }
}
