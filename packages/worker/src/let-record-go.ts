import type { UserRecord } from '@millrace/core';
import type { LostCause } from '@millrace/record-dispatcher';
import type { DeliveryParts } from './delivery';

export interface LettingGo extends LostCause {
  /** The record is safe, or is left out, by now. */
  readonly done: () => void;
}

/**
 * Skips the record, or puts it into the sink and resolves once that has confirmed. The sink is the user's code, too: reached in the
 * turn in which the lease was found ours, and waited for.
 */
export async function letRecordGo(
  { settings, watchdog, lease, signal, logger }: DeliveryParts,
  record: UserRecord,
  { error, reason, attempts, done }: LettingGo,
): Promise<void> {
  const { failurePolicy, letterhead, emit } = settings;
  const { shardId, fencingToken } = lease;
  const { sequenceNumber, subSequenceNumber } = record;
  const cause = { sequenceNumber, subSequenceNumber, reason, attempts };
  if (failurePolicy.kind !== 'dead-letter') {
    done();
    logger.warn({ err: error, ...cause }, 'record skipped');
    emit('recordSkipped', { shardId, error, ...cause });
    return;
  }
  const id = [letterhead.streamArn, shardId, sequenceNumber, subSequenceNumber].join('/');
  const letter = { id, ...letterhead, shardId, fencingToken, record, error, reason, attempts };
  await watchdog.userCall('deadLetter', () => failurePolicy.sink(letter, { signal: signal.forUsers }));
  done();
  logger.warn({ err: error, ...cause }, 'record became a dead letter');
  emit('recordDeadLettered', { shardId, error, ...cause });
}
