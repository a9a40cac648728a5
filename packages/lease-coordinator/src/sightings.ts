interface Sighting {
  readonly counter: number;
  /** When the answer that first showed this counter had arrived. */
  readonly sinceMs: number;
}

/** Since when each counter has stood still, by this machine's monotonic clock and the arrival of answers alone. */
export class Sightings {
  readonly #sightings = new Map<string, Sighting>();

  see(key: string, counter: number, nowMs: number): void {
    if (this.#sightings.get(key)?.counter !== counter) this.#sightings.set(key, { counter, sinceMs: nowMs });
  }

  /** Undefined if this counter was not seen, or another one since. */
  sinceMs(key: string, counter: number): number | undefined {
    const sighting = this.#sightings.get(key);
    return sighting?.counter === counter ? sighting.sinceMs : undefined;
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#sightings.keys()) if (!keys.has(key)) this.#sightings.delete(key);
  }

  clear(): void {
    this.#sightings.clear();
  }
}
