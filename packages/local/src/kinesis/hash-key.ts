import { createHash } from 'node:crypto';

const hexDigits = 32;
const endOfSpace = 1n << 128n;

/** A hash key as 32 hexadecimal digits: compares as text, and MD5 gives it without a detour over big integers. */
export type HashKey = string;

/** The hash keys of a shard, both ends included. */
export interface HashRange {
  readonly start: HashKey;
  readonly end: HashKey;
}

/** Where a record with this partition key goes. */
export function hashOfPartitionKey(partitionKey: string): HashKey {
  return createHash('md5').update(partitionKey, 'utf8').digest('hex');
}

/** `undefined` outside of 0 to 2^128-1. The text must be a decimal integer. */
export function hashKeyFromDecimal(decimal: string): HashKey | undefined {
  const value = BigInt(decimal);
  return value < 0n || value >= endOfSpace ? undefined : fromBigInt(value);
}

export function hashKeyToDecimal(key: HashKey): string {
  return BigInt(`0x${key}`).toString();
}

/** The whole space in `count` even parts, the last one taking the remainder. */
export function splitEvenly(count: number): readonly HashRange[] {
  const width = endOfSpace / BigInt(count);
  return Array.from({ length: count }, (_, index) => ({
    start: fromBigInt(width * BigInt(index)),
    end: fromBigInt(index === count - 1 ? endOfSpace - 1n : width * BigInt(index + 1) - 1n),
  }));
}

/** The key just before `key`, which must not be the first. */
export function previousHashKey(key: HashKey): HashKey {
  return fromBigInt(BigInt(`0x${key}`) - 1n);
}

/** AWS leaves at least two keys on the left of a split, and one on the right. */
export function mayStartSecondHalf(key: HashKey, { start, end }: HashRange): boolean {
  return BigInt(`0x${key}`) > BigInt(`0x${start}`) + 1n && key < end;
}

/** The union of two ranges that touch, or `undefined`. */
export function joinRanges(a: HashRange, b: HashRange): HashRange | undefined {
  const [low, high] = a.start < b.start ? [a, b] : [b, a];
  const touch = BigInt(`0x${low.end}`) + 1n === BigInt(`0x${high.start}`);
  return touch ? { start: low.start, end: high.end } : undefined;
}

function fromBigInt(value: bigint): HashKey {
  return value.toString(16).padStart(hexDigits, '0');
}
