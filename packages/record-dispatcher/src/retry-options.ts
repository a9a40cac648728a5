import { rejectUnknownOptions } from '@millrace/core';
import { letsRecordsGo, type FailurePolicy } from './failure-policy';

/** How failed records are tried again, and when a failure policy lets one go. */
export interface RetryOptions {
  /**
   * Upper bound of the first delay after a failure, in milliseconds; it doubles with every further failure of the same
   * records, with jitter. 1 or more.
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
  /**
   * How often a record may fail by itself before it is skipped or becomes a dead letter; attempts of the batch that it came
   * with do not count. 1 to 10,000, or `Infinity`. Counted in one life of the lease: another worker begins anew. Only with
   * `failurePolicy: 'skip'` or a dead-letter sink.
   *
   * @defaultValue 10, which takes about 40 to 80 s with the default delays
   */
  readonly maxAttempts?: number;
  /**
   * A record that has failed by itself and is older than this, since it arrived in the stream, is let go without further
   * attempts, in milliseconds: 60,000 to 31,536,000,000 (a year), or `Infinity`. By this machine's clock. Only with
   * `failurePolicy: 'skip'` or a dead-letter sink.
   *
   * @defaultValue Infinity
   */
  readonly maxRecordAgeMs?: number;
  /**
   * How often the process may end, or lose the lease, with a record alone in hand before that record is held to be the reason: 1
   * to 100. Counted in the lease row, from one worker to the next. The record is then skipped, or becomes a dead letter, without
   * being delivered; with `failurePolicy` `'block'` or `'bisect'` it is delivered again only after a pause, which grows from
   * `leases.failoverTimeMs` up to an hour. More spares records that were in hand by chance; fewer ends a crash loop sooner.
   *
   * @defaultValue 3
   */
  readonly maxCrashes?: number;
}

export type ResolvedRetryOptions = Required<RetryOptions>;

const known: readonly (keyof RetryOptions)[] = [
  'baseDelayMs',
  'maxDelayMs',
  'maxAttempts',
  'maxRecordAgeMs',
  'maxCrashes',
];

/** Fills in the defaults and adds every problem to `problems`. */
export function resolveRetryOptions(
  options: RetryOptions | undefined,
  policy: FailurePolicy,
  problems: string[],
): ResolvedRetryOptions {
  rejectUnknownOptions(options, { prefix: 'retry.', known, problems });
  const baseDelayMs = options?.baseDelayMs ?? 200;
  const maxDelayMs = options?.maxDelayMs ?? 30_000;
  const maxAttempts = options?.maxAttempts ?? 10;
  const maxRecordAgeMs = options?.maxRecordAgeMs ?? Infinity;
  const maxCrashes = options?.maxCrashes ?? 3;
  if (!(baseDelayMs >= 1)) problems.push(`retry.baseDelayMs (${String(baseDelayMs)}) must be 1 or more`);
  if (!(maxDelayMs >= baseDelayMs) || !Number.isFinite(maxDelayMs)) {
    problems.push(
      `retry.maxDelayMs (${String(maxDelayMs)}) must be at least retry.baseDelayMs (${String(baseDelayMs)}), and finite`,
    );
  }
  if (maxAttempts !== Infinity && !(Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 10_000)) {
    problems.push(`retry.maxAttempts (${String(maxAttempts)}) must be a whole number from 1 to 10000, or Infinity`);
  }
  if (maxRecordAgeMs !== Infinity && !(maxRecordAgeMs >= 60_000 && maxRecordAgeMs <= 31_536_000_000)) {
    problems.push(`retry.maxRecordAgeMs (${String(maxRecordAgeMs)}) must be from 60000 to 31536000000, or Infinity`);
  }
  if (!(Number.isInteger(maxCrashes) && maxCrashes >= 1 && maxCrashes <= 100)) {
    problems.push(`retry.maxCrashes (${String(maxCrashes)}) must be a whole number from 1 to 100`);
  }
  if (!letsRecordsGo(policy)) {
    for (const name of ['maxAttempts', 'maxRecordAgeMs'] as const) {
      if (options?.[name] === undefined) continue;
      problems.push(
        `retry.${name} has no effect with failurePolicy '${policy}', which lets no record go: ` +
          "leave it out, or choose 'skip' or { deadLetter }",
      );
    }
  }
  return { baseDelayMs, maxDelayMs, maxAttempts, maxRecordAgeMs, maxCrashes };
}
