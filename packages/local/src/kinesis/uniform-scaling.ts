import { hashKeyFromNumber, hashKeyToNumber, hashKeyCount, type HashKey, type HashRange } from './hash-key';

/** A split or a merge at `key`: where the second of two shards starts, once they are two, or as long as they are. */
export interface ReshardStep {
  readonly kind: 'merge' | 'split';
  readonly key: HashKey;
}

/**
 * The splits, and then the merges, that turn shards with these ranges (in the order of their hash keys, without gaps) into
 * `count` even ones. Old shards are cut where new ones begin, and the pieces are joined where only old ones began; both
 * from the middle outwards, or back to it, so that a shard has few generations before or after it.
 */
export function planUniformScaling(current: readonly HashRange[], count: number): readonly ReshardStep[] {
  const before = current.slice(1).map((range) => range.start);
  const after = evenBoundaries(count, before);
  return [
    ...middleFirst(without(after, before)).map((key) => ({ kind: 'split', key }) as const),
    ...middleFirst(without(before, after))
      .reverse()
      .map((key) => ({ kind: 'merge', key }) as const),
  ];
}

/**
 * Where the second to the last of `count` even shards start. A start that is there already and no more than rounding
 * away is kept: no shard of a few keys is to come of three shards that become six.
 */
function evenBoundaries(count: number, existing: readonly HashKey[]): readonly HashKey[] {
  // Even ranges of whole keys are off by less than one key for each range before them.
  const tolerance = BigInt(Math.max(count, existing.length + 1));
  let index = 0;
  return Array.from({ length: count - 1 }, (_, part) => {
    const even = (hashKeyCount * BigInt(part + 1)) / BigInt(count);
    const lowest = hashKeyFromNumber(even > tolerance ? even - tolerance : 0n);
    while (index < existing.length && (existing[index] ?? '') < lowest) index++;
    const candidate = existing[index];
    return candidate !== undefined && hashKeyToNumber(candidate) <= even + tolerance
      ? candidate
      : hashKeyFromNumber(even);
  });
}

function without(keys: readonly HashKey[], others: readonly HashKey[]): readonly HashKey[] {
  const known = new Set(others);
  return keys.filter((key) => !known.has(key));
}

/** The middle one, then the middle ones of both halves, and so on. */
function middleFirst(sorted: readonly HashKey[]): HashKey[] {
  const middle = sorted[sorted.length >>> 1];
  if (middle === undefined) return [];
  const [left, right] = [sorted.slice(0, sorted.length >>> 1), sorted.slice((sorted.length >>> 1) + 1)];
  return [middle, ...middleFirst(left), ...middleFirst(right)];
}
