import type { Random, StreamRecord } from '@millrace/core';

/**
 * The read limits of a shard, shared by all that poll it: five GetRecords calls and 2 MB a second. After an answer of
 * 10 MB, calls within the next five seconds are refused.
 *
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
 * https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
 */
const MIN_SPACING_MS = 1_000 / 5;
const BYTES_PER_MS = 2_000_000 / 1_000;

/** Spreads the calls of readers that share a shard, and leaves room for the network to bunch ours. */
const SPACING_JITTER = 0.1;

/** Other applications read the shard too: after a throttle we call more rarely, and come back in steps of 3 %, or 10 ms. */
const SPACING_GROWTH = 1.5;
const SPACING_DECAY = 0.03;
const SPACING_DECAY_MS = 10;
const MAX_SPACING_MS = 2_000;

/** How fast one shard is read. Times are the clock's `now()`. */
export interface ReadPace {
  /** From the start of one call to the start of the next. */
  readonly spacingMs: number;
  readonly lastCallAtMs: number;
  /** No call may start earlier. */
  readonly nextCallAtMs: number;
}

export const FRESH_PACE: ReadPace = {
  spacingMs: MIN_SPACING_MS,
  lastCallAtMs: -Infinity,
  nextCallAtMs: -Infinity,
};

/** A call starts now, whatever will become of it: refused and failed calls count as well. */
export function afterCall(pace: ReadPace, nowMs: number, random: Random): ReadPace {
  const spacingMs = pace.spacingMs * (1 + SPACING_JITTER * random.next());
  return { ...pace, lastCallAtMs: nowMs, nextCallAtMs: nowMs + spacingMs };
}

/** The call was answered now with `bytes`. When `idle`, there was nothing to read, and `idleTimeMs` is to pass between calls. */
export function afterAnswer(
  pace: ReadPace,
  answer: { readonly nowMs: number; readonly bytes: number; readonly idle: boolean; readonly idleTimeMs: number },
): ReadPace {
  return {
    ...pace,
    spacingMs: Math.max(MIN_SPACING_MS, pace.spacingMs - Math.max(SPACING_DECAY_MS, pace.spacingMs * SPACING_DECAY)),
    nextCallAtMs: Math.max(
      pace.nextCallAtMs,
      answer.nowMs + answer.bytes / BYTES_PER_MS,
      answer.idle ? pace.lastCallAtMs + answer.idleTimeMs : -Infinity,
    ),
  };
}

/** The call was refused because of a rate limit, the first of a streak: the back-off of the streak sees to the others. */
export function afterThrottle(pace: ReadPace): ReadPace {
  return { ...pace, spacingMs: Math.min(MAX_SPACING_MS, pace.spacingMs * SPACING_GROWTH) };
}

/** What the records count against the limit of bytes. */
export function sizeOf(records: readonly StreamRecord[]): number {
  return records.reduce((bytes, { data, partitionKey }) => bytes + data.length + partitionKey.length, 0);
}
