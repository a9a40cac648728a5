/**
 * A set that mostly has one member at most, and costs next to nothing then. A `Set` gets a new table whenever its only member goes, which
 * for what comes and goes with each read of a thousand shards is much to collect.
 */
export class SmallSet<T extends object> implements Iterable<T> {
  #only: T | undefined;
  /** All of them, from when there are two until there are none. */
  #all: Set<T> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#only === undefined ? 0 : 1);
  }

  has(member: T): boolean {
    return this.#all?.has(member) ?? this.#only === member;
  }

  add(member: T): void {
    if (this.#all !== undefined) this.#all.add(member);
    else if (this.#only === undefined || this.#only === member) this.#only = member;
    else {
      this.#all = new Set([this.#only, member]);
      this.#only = undefined;
    }
  }

  /** Returns whether it was there. */
  delete(member: T): boolean {
    if (this.#all === undefined) {
      const wasThere = this.#only === member;
      if (wasThere) this.#only = undefined;
      return wasThere;
    }
    const wasThere = this.#all.delete(member);
    if (this.#all.size === 0) this.#all = undefined;
    return wasThere;
  }

  /** In the order in which they were added. */
  [Symbol.iterator](): Iterator<T> {
    const all = this.#all ?? (this.#only === undefined ? [] : [this.#only]);
    return all[Symbol.iterator]();
  }
}
