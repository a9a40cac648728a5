import {
  type Clock,
  type CorruptLeaseError,
  errorName,
  isBadCredentials,
  isDynamoDbThrottled,
  type Logger,
  type MillraceError,
} from '@millrace/core';
import type { LeaseObserverEvents } from './lease-events';

/** The same cause is logged again after this long at the earliest. */
const REPEAT_AFTER_MS = 60_000;

/** What to do when DynamoDB throttles the lease table. */
export const throttledAdvice = 'the lease table is throttled: raise its write capacity or use on-demand';

/** True for errors of Millrace's with this code, whichever copy of the package threw them. */
export function hasCode(error: unknown, code: MillraceError['code']): boolean {
  return error instanceof Error && (error as { readonly code?: unknown }).code === code;
}

/** Says what goes wrong with the lease table, without repeating itself, and tells the observer. */
export class LeaseReporter {
  readonly #loggedAtMs = new Map<string, number>();
  readonly #corrupt = new Map<string, string>();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly observer: LeaseObserverEvents,
  ) {}

  /** Calls a listener. One that throws must not stop a renewal. */
  notify(event: (observer: LeaseObserverEvents) => void): void {
    try {
      event(this.observer);
    } catch (err) {
      this.logger.error({ err }, 'lease observer threw');
    }
  }

  /** A call to the lease table failed and will be made again. */
  callFailed(operation: string, err: unknown, fields: { readonly leaseKey?: string } = {}): void {
    const throttled = isDynamoDbThrottled(err);
    this.notify((observer) =>
      throttled
        ? observer.tableThrottled?.({ operation, error: err })
        : observer.tableFailing?.({ operation, error: err }),
    );
    if (this.#isRepeated(`${operation} ${errorName(err)}`)) {
      this.logger.debug({ operation, err, ...fields }, 'lease table call failed');
    } else if (throttled) {
      this.logger.warn(
        { operation, err, ...fields },
        'the lease table is throttled: raise its write capacity or use on-demand',
      );
    } else if (hasCode(err, 'PERMISSION_MISSING') || isBadCredentials(err)) {
      this.logger.error({ operation, err, ...fields }, 'lease table refuses these credentials');
    } else {
      this.logger.warn({ operation, err, ...fields }, 'lease table call failed');
    }
  }

  /** The table was read. */
  listed(
    event: { readonly leases: number; readonly held: number; readonly durationMs: number },
    { failoverTimeMs }: { readonly failoverTimeMs: number },
  ): void {
    this.notify((observer) => observer.listed?.(event));
    if (event.durationMs <= failoverTimeMs / 2 || this.#isRepeated('slow listing')) return;
    this.logger.warn(
      { ...event, failoverTimeMs },
      'reading the lease table takes long, crashed workers are noticed late: raise its read capacity or use on-demand',
    );
  }

  /** So many free leases are nobody's, because every worker has as many as it may. */
  leftOver(leases: number): void {
    if (leases === 0 || this.#isRepeated('left over')) return;
    this.logger.warn(
      { leases },
      'leases stay unread, every worker is at its maxLeases: raise it or start more workers',
    );
  }

  /** The rows that could not be understood in one reading of the table. */
  corrupt(errors: readonly CorruptLeaseError[]): void {
    for (const error of errors) {
      if (this.#corrupt.get(error.leaseKey) === error.problem) continue;
      this.logger.error({ leaseKey: error.leaseKey, err: error }, 'lease cannot be understood');
      this.notify((observer) => observer.corrupt?.({ leaseKey: error.leaseKey, error }));
    }
    this.#corrupt.clear();
    for (const { leaseKey, problem } of errors) this.#corrupt.set(leaseKey, problem);
  }

  #isRepeated(cause: string): boolean {
    const nowMs = this.clock.now();
    const lastMs = this.#loggedAtMs.get(cause);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_AFTER_MS) return true;
    this.#loggedAtMs.set(cause, nowMs);
    return false;
  }
}
