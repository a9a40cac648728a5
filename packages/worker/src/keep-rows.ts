import { isDynamoDbThrottled, isKinesisThrottled, isTransient, type Logger } from '@millrace/core';
import type { LeaseCoordinator } from '@millrace/lease-coordinator';
import type { ShardSync } from '@millrace/shard-discovery';

export interface KeepRowsParts {
  readonly shardSync: ShardSync;
  readonly coordinator: LeaseCoordinator;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Fills an empty lease table, and keeps the rows in step with the shards until `signal` aborts. */
export async function keepRows({ shardSync, coordinator, logger, signal }: KeepRowsParts): Promise<void> {
  try {
    await shardSync.start(coordinator.firstStart, signal);
  } catch (err) {
    if (signal.aborted) return;
    if (!mayPass(err)) throw err;
    logger.warn({ err }, 'not all leases were created, the next audit will go on');
  }
  coordinator.wake();
  await shardSync.run(signal, coordinator.firstStart);
}

/** What passes by itself must not end a worker that others count on by now. */
function mayPass(error: unknown): boolean {
  return isTransient(error) || isDynamoDbThrottled(error) || isKinesisThrottled(error);
}
