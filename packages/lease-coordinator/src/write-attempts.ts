import {
  backoffDelayMs,
  type Clock,
  errorName,
  isAccessDenied,
  isBadCredentials,
  isDynamoDbThrottled,
  isTransient,
  type Random,
  withDeadline,
} from '@millrace/core';
import type { CallWindow } from './call-window';
import type { ResolvedLeaseOptions } from './lease-options';
import { hasCode, type LeaseReporter } from './lease-reporter';
import { type Moment, readMoment } from './moment';

export interface WriteContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: ResolvedLeaseOptions;
  readonly reporter: LeaseReporter;
  readonly window: CallWindow;
}

/** One write, whose attempts all bear the same id. */
export interface LeaseWrite<T> {
  readonly operation: string;
  readonly leaseKey: string;
  /** Whoever writes holds the lease, until then unless something gets through. */
  readonly leaseUntilMs?: number;
  /** Asked before each attempt: nothing more is sent if not. */
  readonly isWanted?: (() => boolean) | undefined;
  /** Asked right before each attempt; no attempt outlasts it. Not later than now: nothing more is sent. */
  readonly sendUntilMs: () => number;
  readonly send: () => Promise<T>;
}

/**
 * What the attempts came to. `ambiguous`: one of those without an answer may have taken effect, or may still.
 * `failed`: another attempt would not mend it, or is not wanted. `out-of-time`: nothing more may be sent.
 */
export type AttemptsOutcome<T> = { readonly ambiguous: boolean } & (
  | {
      readonly kind: 'answered';
      readonly result: T;
      /** Before the first attempt was sent: none has taken effect earlier. */
      readonly startedAt: Moment;
    }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'out-of-time'; readonly error: unknown }
);

/** Makes a write again and again until it is answered, its time is up, or it fails for good. */
export async function sendUntilAnswered<T>(context: WriteContext, write: LeaseWrite<T>): Promise<AttemptsOutcome<T>> {
  const { clock, random, options, reporter, window } = context;
  const backoff = { baseMs: options.failoverTimeMs / 100, maxMs: options.failoverTimeMs / 10 };
  let ambiguous = false;
  let lastError: unknown;
  let startedAt: Moment | undefined;
  for (let attempt = 0; ; attempt++) {
    const leave = await window.enter(write.leaseUntilMs);
    // Its turn may have come late.
    const leftMs = write.sendUntilMs() - clock.now();
    const isWanted = write.isWanted?.() !== false;
    if (leftMs <= 0 || !isWanted) {
      leave('other');
      return { kind: isWanted ? 'out-of-time' : 'failed', ambiguous, error: lastError };
    }
    startedAt ??= readMoment(clock);
    const deadlineMs = Math.min(options.callTimeoutMs, leftMs);
    try {
      const result = await withDeadline(clock, deadlineMs, { what: `lease ${write.operation}` }, write.send);
      leave('answered');
      reporter.notify((observer) => observer.written?.({ operation: write.operation }));
      return { kind: 'answered', ambiguous, result, startedAt };
    } catch (error) {
      leave(errorName(error) === 'CallTimeoutError' && deadlineMs === options.callTimeoutMs ? 'late' : 'other');
      lastError = error;
      ambiguous ||= mayHaveTakenEffect(error);
      reporter.callFailed(write.operation, error, { leaseKey: write.leaseKey });
      if (!isDynamoDbThrottled(error) && !isTransient(error)) return { kind: 'failed', ambiguous, error };
    }
    const untilEndMs = Math.max(0, write.sendUntilMs() - clock.now());
    await clock.sleep(Math.min(backoffDelayMs(attempt, backoff, random), untilEndMs));
  }
}

/** Refusals of DynamoDB have no effect. Anything else may be a reply that was lost. */
function mayHaveTakenEffect(error: unknown): boolean {
  return !(
    isDynamoDbThrottled(error) ||
    isAccessDenied(error) ||
    isBadCredentials(error) ||
    errorName(error) === 'ValidationException' ||
    hasCode(error, 'PERMISSION_MISSING') ||
    hasCode(error, 'LEASE_TABLE_MISSING')
  );
}
