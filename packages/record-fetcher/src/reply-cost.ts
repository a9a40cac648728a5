import type { MemoryRequest } from './memory-budget';
import type { Expectation } from './read-pace';

/**
 * While an answer comes in and is taken apart it exists several times: as pieces of its body (4/3 of the data, as base64), as
 * one text, as parsed strings, as bytes. All but the pieces exist for one answer at a time, but what they leave behind is collected late.
 * With direct calls there are no texts and strings, as a rule: these figures are from before that, and an upper bound for them.
 *
 * Measured, Node.js 20, peak of the resident memory: answers of 10 MB took 26 to 35 MB each when six
 * came at once, and 49 to 71 MB when one came by itself, which is what is charged; answers of 10 000 records of 20 bytes took 10 to 12 MB.
 */
const callBytesPerByte = 7;
const callBytesPerRecord = 1_000;

/**
 * What stays of an answer: its data, and for each record its strings and objects. Measured: 360 to 480 bytes a record. While
 * much is held, 80 to 120 MB are besides that V8 has not collected: a part of what is held stands for them.
 */
const heldBytesPerByte = 1.75;
const heldBytesPerRecord = 500;

/**
 * A call waits until this part of the budget is free, at most, or room for one record: others may hold for long what they
 * have, and all that come after who waits wait with it.
 */
const leastShare = 1 / 8;

/** What a call costs at its peak that is answered with so much. */
function callBytes({ bytes, records }: Expectation): number {
  return callBytesPerByte * bytes + callBytesPerRecord * records;
}

/** What an answer costs as long as its records are held. */
export function heldBytes({ bytes, records }: Expectation): number {
  return heldBytesPerByte * bytes + heldBytesPerRecord * records;
}

export interface CallPlan {
  /** The most records that the call would ask for. */
  readonly limit: number;
  /** So many are enough to read the shard at full speed. */
  readonly enough: number;
  /** What an answer may hold if so many records are asked for. */
  readonly expected: (limit: number) => Expectation;
}

/**
 * What to reserve for a call: less than for all of it will do, but neither so little that reading would become slow, nor so
 * much that most of the budget has to be free.
 */
export function requestFor({ limit, enough, expected }: CallPlan, budgetBytes: number): MemoryRequest {
  const wantedBytes = Math.min(callBytes(expected(Math.min(limit, enough))), leastShare * budgetBytes);
  return { least: Math.max(callBytes(expected(1)), wantedBytes), most: callBytes(expected(limit)) };
}

/** How many records to ask for with so much reserved. */
export function affordableLimit({ limit, expected }: CallPlan, reservedBytes: number): number {
  if (callBytes(expected(limit)) <= reservedBytes) return limit;
  // What is expected grows with the limit.
  let [fits, tooMany] = [1, limit];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (callBytes(expected(middle)) <= reservedBytes) fits = middle;
    else tooMany = middle;
  }
  return fits;
}
