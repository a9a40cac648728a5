import { hash } from 'node:crypto';

const hexDigits = 32;
/** How many hash keys there are: they are the integers from 0 to one less. */
export const hashKeyCount = 1n << 128n;

/** A hash key as 32 hexadecimal digits: compares as text, and MD5 gives it without a detour over big integers. */
export type HashKey = string;

/** The hash keys of a shard, both ends included. */
export interface HashRange {
  readonly start: HashKey;
  readonly end: HashKey;
}

/** Where a record with this partition key goes. */
export function hashOfPartitionKey(partitionKey: string): HashKey {
  return hash('md5', partitionKey, 'hex');
}

/** `undefined` outside of 0 to 2^128-1. The text must be a decimal integer. */
export function hashKeyFromDecimal(decimal: string): HashKey | undefined {
  const value = BigInt(decimal);
  return value < 0n || value >= hashKeyCount ? undefined : hashKeyFromNumber(value);
}

export function hashKeyToDecimal(key: HashKey): string {
  return hashKeyToNumber(key).toString();
}

/** The whole space in `count` even parts, the last one taking the remainder. */
export function splitEvenly(count: number): readonly HashRange[] {
  const width = hashKeyCount / BigInt(count);
  return Array.from({ length: count }, (_, index) => ({
    start: hashKeyFromNumber(width * BigInt(index)),
    end: hashKeyFromNumber(index === count - 1 ? hashKeyCount - 1n : width * BigInt(index + 1) - 1n),
  }));
}

/** The key just before `key`, which must not be the first. */
export function previousHashKey(key: HashKey): HashKey {
  return hashKeyFromNumber(hashKeyToNumber(key) - 1n);
}

/** AWS leaves at least two keys on the left of a split, and one on the right. */
export function mayStartSecondHalf(key: HashKey, { start, end }: HashRange): boolean {
  return hashKeyToNumber(key) > hashKeyToNumber(start) + 1n && key < end;
}

/** The union of two ranges that touch, or `undefined`. */
export function joinRanges(a: HashRange, b: HashRange): HashRange | undefined {
  const [low, high] = a.start < b.start ? [a, b] : [b, a];
  const touch = hashKeyToNumber(low.end) + 1n === hashKeyToNumber(high.start);
  return touch ? { start: low.start, end: high.end } : undefined;
}

/** The first key of the second half of a range. */
export function middleOf({ start, end }: HashRange): HashKey {
  return hashKeyFromNumber((hashKeyToNumber(start) + hashKeyToNumber(end) + 1n) / 2n);
}

export function hashKeyFromNumber(value: bigint): HashKey {
  return value.toString(16).padStart(hexDigits, '0');
}

export function hashKeyToNumber(key: HashKey): bigint {
  return BigInt(`0x${key}`);
}
