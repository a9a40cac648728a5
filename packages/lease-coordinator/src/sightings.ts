interface Sighting {
  readonly counter: number;
  /** When the answer that first showed this counter had arrived. */
  readonly sinceMs: number;
  /** It was another one before. */
  readonly hasMoved: boolean;
}

/** Since when each counter has stood still, by this machine's monotonic clock and the arrival of answers alone. */
export class Sightings {
  readonly #sightings = new Map<string, Sighting>();

  see(key: string, counter: number, nowMs: number): void {
    const before = this.#sightings.get(key);
    if (before?.counter === counter) return;
    this.#sightings.set(key, { counter, sinceMs: nowMs, hasMoved: before !== undefined });
  }

  /** Undefined if this counter was not seen, or another one since. */
  sinceMs(key: string, counter: number): number | undefined {
    const sighting = this.#sightings.get(key);
    return sighting?.counter === counter ? sighting.sinceMs : undefined;
  }

  /** Whether it was ever seen to move. */
  hasMoved(key: string): boolean {
    return this.#sightings.get(key)?.hasMoved === true;
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#sightings.keys()) if (!keys.has(key)) this.#sightings.delete(key);
  }

  clear(): void {
    this.#sightings.clear();
  }
}
