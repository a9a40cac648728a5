/** A batch that a worker's handler was given. */
export interface Delivery {
  readonly worker: string;
  readonly shardId: string;
  readonly atMs: number;
  /** Those of its records, which the producer counts from 0 within the shard. */
  readonly numbers: readonly number[];
}

export interface Account {
  /** Deliveries of records that had been delivered before. */
  readonly duplicates: number;
  /** Records that were never delivered. */
  readonly missing: number;
}

interface OfShard {
  readonly deliveries: { readonly worker: string; readonly atMs: number }[];
  readonly seen: Set<number>;
}

/** All that was delivered, by whom and when. */
export class DeliveryLog {
  readonly #shards: ReadonlyMap<string, OfShard>;
  #duplicates = 0;

  constructor(shardIds: readonly string[]) {
    this.#shards = new Map(shardIds.map((shardId) => [shardId, { deliveries: [], seen: new Set() }]));
  }

  add({ worker, shardId, atMs, numbers }: Delivery): void {
    const { deliveries, seen } = this.#of(shardId);
    deliveries.push({ worker, atMs });
    for (const number of numbers) {
      if (seen.has(number)) this.#duplicates++;
      seen.add(number);
    }
  }

  /** Of a stream whose shards all got the records 0 to `produced - 1`. */
  account(produced: number): Account {
    const seen = [...this.#shards.values()].reduce((sum, shard) => sum + shard.seen.size, 0);
    return { duplicates: this.#duplicates, missing: produced * this.#shards.size - seen };
  }

  /** When the worker was given its first records, undefined if it was given none yet. */
  firstMs(worker: string): number | undefined {
    const all = [...this.#shards.values()].flatMap(({ deliveries }) => deliveries);
    const times = all.filter((delivery) => delivery.worker === worker).map(({ atMs }) => atMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * How long each of the shards waited, from `leftAtMs` on, until another worker than `leaver` was given records of it;
   * undefined for those for which that hasn't come.
   */
  waitsMs(shardIds: readonly string[], leaver: string, leftAtMs: number): readonly (number | undefined)[] {
    return shardIds.map((shardId) => {
      const times = this.#of(shardId)
        .deliveries.filter(({ worker, atMs }) => worker !== leaver && atMs > leftAtMs)
        .map(({ atMs }) => atMs);
      return times.length === 0 ? undefined : Math.min(...times) - leftAtMs;
    });
  }

  /** For each shard the longest time between two deliveries, whole or in part between `fromMs` and `toMs`. */
  longestGapsMs(fromMs: number, toMs: number): readonly number[] {
    return [...this.#shards.values()].map(({ deliveries }) => {
      const times = deliveries.map(({ atMs }) => atMs).sort((a, b) => a - b);
      const gaps = times.slice(1).flatMap((atMs, index) => {
        const beforeMs = times[index] ?? atMs;
        return atMs > fromMs && beforeMs < toMs ? [atMs - beforeMs] : [];
      });
      return Math.max(0, ...gaps);
    });
  }

  #of(shardId: string): OfShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) throw new Error(`records of ${shardId}, which the stream doesn't have`);
    return shard;
  }
}
