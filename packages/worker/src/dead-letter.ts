import type { UserRecord } from '@millrace/core';

/** A record that could not be processed, with what there is to know of that. */
export interface DeadLetter {
  /**
   * `streamArn/shardId/sequenceNumber/subSequenceNumber`: the same whenever this record becomes a dead letter again, which it may
   * after a crash. Applications that share a sink tell theirs apart by `applicationName`.
   */
  readonly id: string;
  readonly applicationName: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly record: UserRecord;
  /** What the processor rejected with the last time. */
  readonly error: unknown;
  /**
   * `'attempts'`: it failed `retry.maxAttempts` times. `'age'`: it is older than `retry.maxRecordAgeMs`. `'key'`: with `scope: 'key'`,
   * an earlier record with its partition key became a dead letter; `error` is that one's, and `attempts` is 0. `'crashes'`: the
   * process has ended, or lost the lease, `retry.maxCrashes` times with this record alone in hand.
   */
  readonly reason: 'attempts' | 'age' | 'key' | 'crashes';
  /** How often the processor has failed at this record by itself, in this life of the lease; or those times. */
  readonly attempts: number;
  readonly workerId: string;
  /** Of the lease under which it failed. */
  readonly fencingToken: number;
}

/**
 * Keeps records that could not be processed. Resolving confirms: the letter is safe, and the shard goes on. If it rejects it is
 * called again, with growing delays, for as long as the lease is held; the shard waits. The same letter may come more than once.
 * `signal` aborts as that of `processRecords` does: reject then, unless the letter is safe.
 */
export type DeadLetterSink = (letter: DeadLetter, context: { readonly signal: AbortSignal }) => Promise<void>;

/** What all letters of one worker have in common. */
export type Letterhead = Pick<DeadLetter, 'applicationName' | 'streamArn' | 'workerId'>;
