import type { MemoryRequest } from './memory-budget';
import type { Expectation } from './read-pace';

/**
 * While an answer comes in and is taken apart it exists several times: as pieces of its body (4/3 of the data, as base64), as
 * one text, as parsed strings, as bytes. All but the pieces exist for one answer at a time, but what they leave behind is collected late.
 *
 * Measured, Node.js 20, peak of the resident memory, `direct` and `sdk` alike: answers of 10 MB took 26 to 35 MB each when six
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

/** With a fifth of what it could ask for a shard is read as fast: five calls may be made a second. */
const leastShare = 1 / 5;

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
  /** What is known of the size of records; without it they may be as large as they can be. */
  readonly isSizeKnown: boolean;
  /** What an answer may hold if so many records are asked for. */
  readonly expected: (limit: number) => Expectation;
}

/** What to reserve for a call: less than for all of it will do, but not so little that reading would become slow. */
export function requestFor({ limit, isSizeKnown, expected }: CallPlan): MemoryRequest {
  const leastRecords = isSizeKnown ? Math.ceil(limit * leastShare) : 1;
  return { least: callBytes(expected(leastRecords)), most: callBytes(expected(limit)) };
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
