import { rejectUnknownOptions } from '@millrace/core';

/** How a failed batch is tried again. It is tried until it succeeds or the lease is given up; it is never skipped. */
export interface RetryOptions {
  /**
   * Upper bound of the first delay after a failure, in milliseconds; it doubles with every further failure of the same
   * batch, with jitter. 1 or more.
   *
   * @defaultValue 200
   */
  readonly baseDelayMs?: number;
  /**
   * Upper bound of every delay, in milliseconds. At least `baseDelayMs`. Shorter recovers sooner after a dependency
   * comes back; longer spares it while it is down.
   *
   * @defaultValue 30_000
   */
  readonly maxDelayMs?: number;
}

export type ResolvedRetryOptions = Required<RetryOptions>;

/** Fills in the defaults and adds every problem to `problems`. */
export function resolveRetryOptions(options: RetryOptions | undefined, problems: string[]): ResolvedRetryOptions {
  rejectUnknownOptions(options, { prefix: 'retry.', known: ['baseDelayMs', 'maxDelayMs'], problems });
  const baseDelayMs = options?.baseDelayMs ?? 200;
  const maxDelayMs = options?.maxDelayMs ?? 30_000;
  if (!(baseDelayMs >= 1)) problems.push(`retry.baseDelayMs (${String(baseDelayMs)}) must be 1 or more`);
  if (!(maxDelayMs >= baseDelayMs) || !Number.isFinite(maxDelayMs)) {
    problems.push(
      `retry.maxDelayMs (${String(maxDelayMs)}) must be at least retry.baseDelayMs (${String(baseDelayMs)}), and finite`,
    );
  }
  return { baseDelayMs, maxDelayMs };
}
