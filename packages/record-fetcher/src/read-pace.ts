import type { Random, StreamRecord } from '@millrace/core';
import { CallSpacing, MIN_SPACING_MS } from './call-spacing';

/**
 * All who poll a shard share two megabytes a second, of data and partition keys. What is not read is saved up for a second.
 * An answer may be larger than what is left, and calls are refused until it is paid for: for five seconds after 10 MB.
 * We take a megabyte for a million bytes: if it is more, we are only a little slow.
 *
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
 * https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
 */
const BYTES_PER_MS = 2_000_000 / 1_000;
const SAVED_UP_MS = 1_000;

/** What an answer may cost when nobody else seems to read. More than a second's worth would lock out whoever comes. */
const ANSWER_COST_MS = 900;
/** The same of records of a kilobyte, as long as nobody knows how large they are. */
const FIRST_LIMIT = (ANSWER_COST_MS * BYTES_PER_MS) / 1_000;

/** The most that an answer holds, and what a shard takes in, both in the larger reading of a megabyte. */
const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const MAX_WRITTEN_BYTES_PER_MS = (1024 * 1024) / 1_000;

/** The most that one record holds, and how many of them a shard takes in. */
const MAX_RECORD_BYTES = 1024 * 1024;
const MAX_WRITTEN_RECORDS_PER_MS = 1;

/** What small records cost is for each of them more than for its bytes: ten times what a shard takes in is fast enough. */
const FAST_RECORDS_PER_MS = 10 * MAX_WRITTEN_RECORDS_PER_MS;

/**
 * Spreads the calls of readers that share a shard, leaves them room to come in, and the network room to bunch ours. Of bytes,
 * too: one that is far behind would otherwise call at the moment when its last answer is paid for, each time, and nobody else
 * would ever find the shard free. What it leaves is saved up, enough for others that read little.
 */
const JITTER = 0.1;

/** Idle shards are read at multiples of this share of their rest, or of so many milliseconds if that is less: many at a time. */
const GRID_SHARE = 1 / 10;
const MAX_GRID_MS = 50;

interface Answer {
  readonly nowMs: number;
  readonly recordCount: number;
  readonly bytes: number;
  /** There was nothing more to read. */
  readonly isCaughtUp: boolean;
}

/** What an answer may hold. */
export interface Expectation {
  readonly bytes: number;
  readonly records: number;
}

/**
 * How fast one shard is read: when the next call may start, and for how much, so that it is not refused. Times are the
 * clock's `now()`.
 *
 * Calls are counted when they start, unless they are refused; how far apart they are to be is up to {@link CallSpacing}.
 * Bytes are counted when the answer is there. That is after Kinesis counted them: we never think more is left than there is.
 *
 * With others on the shard we take our share of the bytes as of the calls, and ask for no more at a time than a call's
 * part of it: then calls and bytes run out together, and whoever calls as often as we do can read as much.
 */
export class ReadPace {
  readonly #random: Random;
  readonly #spacing = new CallSpacing();
  #calledAtMs = -Infinity;
  /** How many calls could have been made from the one before the last to the last, by the spacing. */
  #callsSinceLast = 1;
  /** The last call was made as soon as it could be. */
  #wasPrompt = false;
  /** The most bytes that the last call asked for, as far as that can be told. */
  #askedBytes = MAX_ANSWER_BYTES;
  /** Since the last answer. */
  #refusalsInARow = 0;
  /** The limits allow no earlier call. */
  #allowedAtMs = -Infinity;
  #restUntilMs = -Infinity;
  /** The next call starts at a multiple of it; 0: at any time. */
  #gridMs = 0;
  /** When all bytes are paid for; what goes by afterwards is saved up. */
  #paidAtMs = -Infinity;
  /** The last answer or refusal. What was saved up by then was had, or taken by others. */
  #answeredAtMs = -Infinity;
  /** On average, in the last answer that had any. */
  #bytesPerRecord: number | undefined;
  /** When the last call began, if it found nothing more to read. */
  #caughtUpAtMs = -Infinity;

  constructor(random: Random) {
    this.#random = random;
  }

  /** No call may start earlier. */
  get nextCallAtMs(): number {
    const atMs = Math.max(this.#allowedAtMs, this.#restUntilMs);
    if (this.#gridMs === 0) return atMs;
    const togetherAtMs = Math.round(atMs / this.#gridMs) * this.#gridMs;
    return togetherAtMs < this.#allowedAtMs ? togetherAtMs + this.#gridMs : togetherAtMs;
  }

  /** The most records to ask for now: an answer's worth, and what we have left unread since the last was paid for. */
  maxRecords(nowMs: number): number {
    if (this.#bytesPerRecord === undefined) return FIRST_LIMIT;
    const { ms, share } = this.#spacing;
    const unreadMs = Math.max(0, nowMs - Math.max(this.#paidAtMs, this.#answeredAtMs));
    const costMs = (share === 1 ? ANSWER_COST_MS : ms) + unreadMs;
    return Math.max(1, Math.floor((costMs * share * BYTES_PER_MS) / this.#bytesPerRecord));
  }

  /**
   * With so many records a call the shard is read at our share of its limits, if calls are that far apart, or as far as they
   * must be. What was left unread does not count: who waits for a call would need more and more for it. One, as long as
   * nobody knows how large they are.
   */
  recordsPerCall(apartMs: number): number {
    if (this.#bytesPerRecord === undefined) return 1;
    const { ms, share } = this.#spacing;
    const recordsPerMs = Math.min(BYTES_PER_MS / this.#bytesPerRecord, FAST_RECORDS_PER_MS);
    return Math.max(1, Math.ceil(Math.max(ms, apartMs) * share * recordsPerMs));
  }

  /**
   * What the answer to a call may hold that asks for so many records: what they come to if they are as large as those before,
   * and no more than was written since we were caught up, or an answer can hold.
   */
  expected(limit: number, nowMs: number): Expectation {
    const bytesPerRecord = this.#bytesPerRecord ?? MAX_RECORD_BYTES;
    const writtenMs = nowMs - this.#caughtUpAtMs + SAVED_UP_MS;
    return {
      bytes: Math.min(limit * bytesPerRecord, writtenMs * MAX_WRITTEN_BYTES_PER_MS, MAX_ANSWER_BYTES),
      records: Math.min(limit, writtenMs * MAX_WRITTEN_RECORDS_PER_MS),
    };
  }

  /** A call for so many records starts now. */
  called(nowMs: number, limit: number): void {
    const { ms } = this.#spacing;
    const sinceLastMs = nowMs - this.#calledAtMs;
    this.#callsSinceLast = sinceLastMs === Infinity ? 1 : Math.max(1, sinceLastMs / ms);
    this.#wasPrompt = nowMs <= this.#allowedAtMs + JITTER * ms;
    this.#askedBytes = Math.min(MAX_ANSWER_BYTES, limit * (this.#bytesPerRecord ?? Infinity));
    this.#spacing.called();
    this.#calledAtMs = nowMs;
    this.#restUntilMs = nowMs;
    this.#gridMs = 0;
    this.#allowedAtMs = nowMs + ms * this.#jitter();
  }

  /** The call was answered now. */
  answered({ nowMs, recordCount, bytes, isCaughtUp }: Answer): void {
    if (this.#refusalsInARow > 0) this.#spacing.refused(this.#refusalsInARow, { isCaughtUp });
    this.#refusalsInARow = 0;
    // Who has read all, and calls later than it might, does not learn what would have come of more calls.
    this.#spacing.answered(this.#wasPrompt || !isCaughtUp ? this.#callsSinceLast : 0);
    this.#answeredAtMs = nowMs;
    this.#spend(nowMs, bytes);
    if (recordCount > 0) this.#bytesPerRecord = bytes / recordCount;
    this.#caughtUpAtMs = isCaughtUp ? this.#calledAtMs : -Infinity;
  }

  /**
   * The call may have reached Kinesis, but no answer came, or not all of it. What that cost nobody knows: at worst what it
   * asked for, or all that there can have been to read, which is what was written since we were caught up, with a second's
   * worth that writers may have saved up. It is paid for from when the call was made: that is when it was carried out, if it
   * was.
   */
  unanswered(): void {
    const writtenMs = this.#calledAtMs - this.#caughtUpAtMs + SAVED_UP_MS;
    this.#spend(this.#calledAtMs, Math.min(this.#askedBytes, writtenMs * MAX_WRITTEN_BYTES_PER_MS));
  }

  /** The call was refused because of a limit of the shard. It has cost nothing, and may be made again before its turn. */
  refused(): void {
    this.#refusalsInARow++;
    this.#answeredAtMs = this.#calledAtMs;
    this.#allowedAtMs = this.#calledAtMs + MIN_SPACING_MS;
  }

  /** From the start of the last call to that of the next, so long at least. */
  rest(restMs: number): void {
    this.#restUntilMs = this.#calledAtMs + restMs;
  }

  /**
   * From the start of the last call to that of the next, of a shard that has nothing to read: until the nearest moment that others which
   * rest for as long have in common. A process with many shards wakes less often then, and a call costs less (decision 0030).
   */
  restIdly(restMs: number): void {
    this.rest(restMs);
    this.#gridMs = Math.min(MAX_GRID_MS, restMs * GRID_SHARE);
  }

  #spend(atMs: number, bytes: number): void {
    const costMs = (bytes / BYTES_PER_MS / this.#spacing.share) * this.#jitter();
    // An answer that costs more than what can be saved up is paid for in full, from then on.
    const fromMs = costMs > SAVED_UP_MS ? atMs : atMs - SAVED_UP_MS;
    this.#paidAtMs = Math.max(this.#paidAtMs, fromMs) + costMs;
    this.#allowedAtMs = Math.max(this.#allowedAtMs, this.#paidAtMs);
  }

  #jitter(): number {
    return 1 + JITTER * this.#random.next();
  }
}

/** What the records count against the limit of bytes. */
export function sizeOf(records: readonly StreamRecord[]): number {
  return records.reduce((bytes, { data, partitionKey }) => bytes + data.length + Buffer.byteLength(partitionKey), 0);
}
