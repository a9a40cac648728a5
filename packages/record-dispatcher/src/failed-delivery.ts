import { backoffDelayMs, type Logger, type Random } from '@millrace/core';
import type { FailureDecision, GiveUpReason } from './failure-policy';
import type { ResolvedRetryOptions } from './retry-options';

/** Why a record is let go. */
export interface LostCause {
  readonly reason: GiveUpReason;
  /** How often it has failed by itself. */
  readonly attempts: number;
  /** The last failure. */
  readonly error: unknown;
}

export interface DeliveryFailure {
  readonly error: unknown;
  /** How often these records have failed in a row; 1 for the first time. */
  readonly attempt: number;
  /** What comes of it: the records are handed over again, as they were or in two pieces; or the first of them is let go. */
  readonly action: FailureDecision['kind'];
  /** Records that this is about. */
  readonly recordCount: number;
  readonly firstSequenceNumber: string;
  readonly retryInMs: number;
}

/** How often the lease is asked again while it cannot be proven ours, e.g. after the machine was suspended. */
export const recheckLeaseMs = 100;

/** From this failure in a row on, a person is called: the log line becomes an error. */
const loudAttempt = 5;

/** Of records that were handed over in vain. */
export function logFailure(logger: Logger, { error, ...failure }: DeliveryFailure): void {
  if (failure.action === 'let-go') {
    logger.warn({ err: error, ...failure }, 'record processor failed, the record is let go');
    return;
  }
  const log = failure.attempt < loudAttempt ? 'warn' : 'error';
  logger[log]({ err: error, ...failure }, 'record processor failed, its records will be delivered again');
}

export interface SinkFailure {
  readonly error: unknown;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** 1 for the first time. */
  readonly attempt: number;
  readonly retryInMs: number;
}

/** Of a sink that did not confirm. */
export function logSinkFailure(logger: Logger, { error, ...failure }: SinkFailure): void {
  const log = failure.attempt < loudAttempt ? 'warn' : 'error';
  logger[log]({ err: error, ...failure }, 'dead letter was not confirmed, it will be sent again');
}

/** After so many failures in a row. */
export function retryDelayMs(failures: number, retry: ResolvedRetryOptions, random: Random): number {
  return backoffDelayMs(failures - 1, { baseMs: retry.baseDelayMs, maxMs: retry.maxDelayMs }, random);
}
