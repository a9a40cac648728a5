/** A heap: gives back, of what was put in, the one that is the oldest. */
export class OldestFirst<T> {
  readonly #ageOf: (item: T) => number;
  /** Each is older than those at twice its place, counted from 1, and behind that. */
  readonly #items: T[] = [];

  /** @param ageOf the smaller, the older; must not change while the item is in here */
  constructor(ageOf: (item: T) => number) {
    this.#ageOf = ageOf;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || this.#ageOf(parent) <= this.#ageOf(item)) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      const below = this.#olderOf(2 * at + 1, 2 * at + 2);
      const child = items[below];
      if (child === undefined || this.#ageOf(last) <= this.#ageOf(child)) break;
      items[at] = child;
      at = below;
    }
    items[at] = last;
    return first;
  }

  #olderOf(left: number, right: number): number {
    const [a, b] = [this.#items[left], this.#items[right]];
    return a !== undefined && b !== undefined && this.#ageOf(b) < this.#ageOf(a) ? right : left;
  }
}
