/** Bounds on keys, as dynalite knows them from LevelDB. A `limit` below zero is none. */
export interface KeyRange {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** What can be read: a shelf as it is, or as it was. */
export interface ShelfView {
  get(key: string): unknown;
  /** Entries in the order of their keys, backwards if asked for. */
  range(range?: KeyRange): Iterable<readonly [key: string, value: unknown]>;
}

/** Values under keys that are kept in order: the items of a table, or the entries of an index. Values never change. */
export class Shelf implements ShelfView {
  readonly #values = new Map<string, unknown>();
  readonly #keys: string[] = [];

  /** In order. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  put(key: string, value: unknown): void {
    if (!this.#values.has(key)) this.#keys.splice(firstFrom(this.#keys, key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(firstFrom(this.#keys, key), 1);
  }

  range(range: KeyRange = {}): Iterable<readonly [string, unknown]> {
    return entriesWithin(range, this.#keys, this);
  }
}

/** A shelf without its latest writes. */
export class PastShelf implements ShelfView {
  /** @param undone what was there before those writes, by key; `undefined` for nothing */
  constructor(
    private readonly shelf: Shelf,
    private readonly undone: ReadonlyMap<string, unknown>,
  ) {}

  get(key: string): unknown {
    return this.undone.has(key) ? this.undone.get(key) : this.shelf.get(key);
  }

  range(range: KeyRange = {}): Iterable<readonly [string, unknown]> {
    const deleted = [...this.undone.keys()].filter((key) => !this.shelf.has(key));
    const keys = deleted.length === 0 ? this.shelf.keys : [...this.shelf.keys, ...deleted].sort();
    return entriesWithin(range, keys, this);
  }
}

function* entriesWithin(
  { gt, gte, lt, lte, reverse = false, limit = -1 }: KeyRange,
  keys: readonly string[],
  values: Pick<ShelfView, 'get'>,
): Iterable<readonly [string, unknown]> {
  let from = 0;
  let to = keys.length;
  if (gte !== undefined) from = firstFrom(keys, gte);
  if (gt !== undefined) from = Math.max(from, firstAfter(keys, gt));
  if (lt !== undefined) to = firstFrom(keys, lt);
  if (lte !== undefined) to = Math.min(to, firstAfter(keys, lte));
  let left = limit < 0 ? Infinity : limit;
  for (let step = 0; step < to - from && left > 0; step++) {
    const key = keys[reverse ? to - 1 - step : from + step];
    const value = key === undefined ? undefined : values.get(key);
    if (key === undefined || value === undefined) continue;
    left--;
    yield [key, value];
  }
}

/** Index of the first key that is not before `bound`. */
function firstFrom(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle];
    if (key !== undefined && key < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAfter(keys: readonly string[], bound: string): number {
  const index = firstFrom(keys, bound);
  return keys[index] === bound ? index + 1 : index;
}
