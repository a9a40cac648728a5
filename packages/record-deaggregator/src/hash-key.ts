import { hash } from 'node:crypto';
import type { HashKeyRange } from '@millrace/core';

/** A hash key as 32 lowercase hexadecimal digits, so that the order of strings is the order of the keys. */
export type HashKey = string;

/** Both ends inclusive. */
export interface HashKeyBounds {
  readonly first: HashKey;
  readonly last: HashKey;
}

const MAX_HASH_KEY = 2n ** 128n - 1n;

/** The hash key that Kinesis derives from a partition key: MD5 of its UTF-8 bytes. */
export function hashKeyOf(partitionKey: string): HashKey {
  return hash('md5', partitionKey, 'hex');
}

/** `undefined` when the text is not a decimal number from 0 to 2^128-1. */
export function parseHashKey(decimal: string): HashKey | undefined {
  // Checked before it is parsed: BigInt also takes '', ' 1' and '0x1', and megabytes of digits for ever.
  if (!/^\d{1,39}$/.test(decimal)) return undefined;
  const value = BigInt(decimal);
  return value > MAX_HASH_KEY ? undefined : value.toString(16).padStart(32, '0');
}

/** What was made of a range: that of a shard comes with each batch again. */
const known = new WeakMap<HashKeyRange, HashKeyRange & { readonly bounds: HashKeyBounds | undefined }>();

/** `undefined` when every hash key is inside. Throws RangeError when `range` is not one: no stream lists such a shard. */
export function boundsOf(range: HashKeyRange): HashKeyBounds | undefined {
  const { start, end } = range;
  const found = known.get(range);
  // The same object may be another range by now, if it is the user's.
  if (found?.start === start && found.end === end) return found.bounds;
  const bounds = parseBounds(range);
  known.set(range, { start, end, bounds });
  return bounds;
}

function parseBounds(range: HashKeyRange): HashKeyBounds | undefined {
  const first = parseHashKey(range.start);
  const last = parseHashKey(range.end);
  if (first === undefined || last === undefined || first > last) {
    throw new RangeError(`not a hash key range: ${range.start} to ${range.end}`);
  }
  return /^0+$/.test(first) && /^f+$/.test(last) ? undefined : { first, last };
}

export function isWithin(key: HashKey, { first, last }: HashKeyBounds): boolean {
  return key >= first && key <= last;
}
