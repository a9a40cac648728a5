import { rejectUnknownOptions } from '@millrace/core';

/** How a shard is read. */
export interface FetchOptions {
  /**
   * The most records that one call may return: 1 to 10 000, default 10 000. Lower it when one batch takes your code
   * too long, or too much memory. A call also asks for no more records than come to about 2 MB, as far as that can be told
   * from those before, and the first for 1 800; for more, 10 MB at most, when time went by unused; and for less when
   * others read the shard.
   * The KCL's `maxRecords`.
   */
  readonly maxRecords?: number | undefined;
  /**
   * The time from one read of a shard to the next, in milliseconds, after a read that found nothing new: 200 to 240 000,
   * default 1 000. Up to a twentieth of it, or 25 ms, less or more, so that idle shards are read together; at 200 up to a
   * tenth more. New records wait half of it on average. Raise it when many applications read the stream, as they share
   * five calls a second and shard. A shard with records waiting is read without this pause.
   * The KCL's `idleTimeBetweenReadsInMillis` (there 1 500) is both times at once.
   */
  readonly idleTimeBetweenReadsMs?: number | undefined;
  /**
   * The least time from one read of a shard to the next, in milliseconds, after a read that found records: 200 to
   * 240 000, default 200, which is the limit of Kinesis. Raise it to get fewer and larger batches, or to leave more of
   * the five calls a second to others. It also holds while a shard is behind, and one read returns at most 10 MB and
   * {@link FetchOptions.maxRecords} records: a shard that is written at full speed needs one each five seconds. It may be
   * longer than {@link FetchOptions.idleTimeBetweenReadsMs}: the first record is seen soon then, and what follows comes
   * together.
   */
  readonly minTimeBetweenReadsMs?: number | undefined;
  /**
   * When an unanswered call is given up and made again, in milliseconds: 1 000 to 120 000, default 10 000. Raise it
   * when answers of 10 MB need longer on your network: reads that timed out ask for half of the records when repeated, so
   * a low value slows reading down but does not stop it. The KCL's `kinesisRequestTimeout` (there 30 000).
   */
  readonly callTimeoutMs?: number | undefined;
  /**
   * How many batches of a shard may wait, read, behind the one that your code has: 0 to 4, default 1. 0: nothing is read while your
   * code works. More help only when the time that it takes varies from batch to batch. They count against the memory budget, and are
   * read again elsewhere when the shard is handed over.
   */
  readonly readAheadPages?: number | undefined;
}

/** {@link FetchOptions} after defaults and validation. */
export interface ResolvedFetchOptions {
  readonly maxRecords: number;
  readonly idleTimeBetweenReadsMs: number;
  readonly minTimeBetweenReadsMs: number;
  readonly callTimeoutMs: number;
  readonly readAheadPages: number;
}

const ranges = {
  maxRecords: { min: 1, max: 10_000, default: 10_000 },
  idleTimeBetweenReadsMs: { min: 200, max: 240_000, default: 1_000 },
  minTimeBetweenReadsMs: { min: 200, max: 240_000, default: 200 },
  callTimeoutMs: { min: 1_000, max: 120_000, default: 10_000 },
  readAheadPages: { min: 0, max: 4, default: 1 },
} as const;

/** Fills in defaults. What is wrong is added to `problems`, one sentence each; the result is then not to be used. */
export function resolveFetchOptions(options: FetchOptions | undefined, problems: string[]): ResolvedFetchOptions {
  rejectUnknownOptions(options, { prefix: 'fetch.', known: Object.keys(ranges), problems });
  const resolve = (name: keyof FetchOptions): number => {
    const range = ranges[name];
    const value: unknown = options?.[name] ?? range.default;
    if (Number.isInteger(value) && Number(value) >= range.min && Number(value) <= range.max) return Number(value);
    problems.push(
      `fetch.${name} must be an integer from ${String(range.min)} to ${String(range.max)}, not ${String(value)}`,
    );
    return range.default;
  };
  return {
    maxRecords: resolve('maxRecords'),
    idleTimeBetweenReadsMs: resolve('idleTimeBetweenReadsMs'),
    minTimeBetweenReadsMs: resolve('minTimeBetweenReadsMs'),
    callTimeoutMs: resolve('callTimeoutMs'),
    readAheadPages: resolve('readAheadPages'),
  };
}
