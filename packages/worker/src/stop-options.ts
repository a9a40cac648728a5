import { ConfigError, type Checkpoint, type RecordPosition } from '@millrace/core';

export interface StopOptions {
  /**
   * How long the user's code may take to finish, in milliseconds; 0 or more. Orchestrators mostly kill after 30 s. What has
   * not finished by then is told to by its `signal`, and abandoned: its lease is left to expire.
   *
   * @defaultValue 20_000
   */
  readonly timeoutMs?: number;
  /**
   * What becomes of the calls of the user's code that are under way.
   * - `'finish'`: they go on to their end. Nothing comes again if they acknowledge what they were given.
   * - `'abort'`: their `signal` aborts at once. They are waited for all the same, for `timeoutMs` at most, so that the lease is
   *   given up and the next worker begins at once: behind the last record that was acknowledged. With automatic
   *   checkpointing a call that is cut short must throw: by resolving it acknowledges all that it was given.
   *
   * @defaultValue 'finish'
   */
  readonly inFlight?: 'abort' | 'finish';
}

/** A shard that a stop was not done with. */
export interface UnfinishedShard {
  readonly shardId: string;
  /**
   * What had not settled when the time was up: a call of the user's code (`processRecords`, `deadLetter`,
   * `shutdownRequested` and so on), or `release`: Millrace itself was still storing, or giving the lease up. The lease was left
   * to expire: another worker takes it after the failover time. `undefined`: everything had settled.
   */
  readonly inFlight: string | undefined;
  /**
   * The records that were handed to the user's code, and whose acknowledgement is not known to be stored: those behind
   * `after`, up to and including `upTo`. They come again to the next worker. `undefined`: none.
   */
  readonly unacknowledged: { readonly after: Checkpoint; readonly upTo: RecordPosition } | undefined;
}

export interface StopResult {
  /**
   * Shards whose processor had not finished in time. Their leases were not given up but left to expire: another worker
   * takes them after the failover time, from the last stored checkpoint.
   */
  readonly unfinishedShardIds: readonly string[];
  /** The same shards, and those that were given up although not all that was handed over is acknowledged. */
  readonly unfinished: readonly UnfinishedShard[];
}

const defaultStopTimeoutMs = 20_000;

/** @throws ConfigError with everything that is wrong */
export function resolveStopOptions({
  timeoutMs = defaultStopTimeoutMs,
  inFlight = 'finish',
}: StopOptions): Required<StopOptions> {
  const problems: string[] = [];
  if (!(timeoutMs >= 0)) problems.push(`timeoutMs (${String(timeoutMs)}) must be 0 or more`);
  // What a program without types may pass.
  if (!['abort', 'finish'].includes(inFlight)) problems.push(`inFlight (${inFlight}) must be 'finish' or 'abort'`);
  if (problems.length > 0) throw new ConfigError(problems);
  return { timeoutMs, inFlight };
}

export function stopResult(unfinished: readonly UnfinishedShard[]): StopResult {
  const isLeft = ({ inFlight }: UnfinishedShard): boolean => inFlight !== undefined;
  return { unfinishedShardIds: unfinished.filter(isLeft).map(({ shardId }) => shardId), unfinished };
}
