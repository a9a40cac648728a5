import type { Clock } from '@millrace/core';
import { previousHashKey, splitEvenly, type HashKey, type HashRange } from './hash-key';
import type { KinesisLimits } from './limits';
import { SequenceNumbers } from './sequence-numbers';
import { Shard } from './shard';
import { planUniformScaling, type ReshardStep } from './uniform-scaling';

/**
 * The shards of one stream, open and closed: which hash keys each open one takes, and which ones took them before. The
 * open shards cover all hash keys, without gaps or overlaps, once there are any.
 */
export class ShardGraph {
  /** By id, in the order of creation, which is also the order of ids. */
  readonly #shards = new Map<string, Shard>();
  /** In the order of hash keys. */
  readonly #open: Shard[] = [];
  #nextIndex = 0;
  readonly #sequenceNumbers = new SequenceNumbers();

  constructor(
    private readonly clock: Clock,
    private readonly limits: KinesisLimits,
  ) {}

  get open(): readonly Shard[] {
    return this.#open;
  }

  /** The shards of a new stream. */
  openInitial(count: number, createdAtMs: number): void {
    for (const range of splitEvenly(count)) this.#open.push(this.#add([], range, createdAtMs));
  }

  /**
   * Closes the parents, which are open and adjacent, and opens their children over the same hash keys, in the order of
   * `ranges`. At `momentMs` by the wall clock, or as soon after it as the parents allow: all at one moment, so that there is
   * none at which a hash key had no shard.
   */
  replace(parents: readonly Shard[], ranges: readonly HashRange[], momentMs: number): readonly Shard[] {
    const closedAtMs = Math.max(Math.floor(momentMs), ...parents.map((parent) => parent.earliestEndMs));
    for (const parent of parents) parent.close(closedAtMs);
    const parentIds = parents.map((parent) => parent.id);
    const children = ranges.map((range) => this.#add(parentIds, range, closedAtMs));
    this.#open.splice(
      Math.min(...parents.map((parent) => this.#indexFor(parent.range.start))),
      parents.length,
      ...children,
    );
    return children;
  }

  /** Splits and merges until there are `count` even shards. Each step is a moment after those it follows from. */
  scale(count: number, momentMs: number): void {
    for (const step of this.stepsTo(count)) {
      const at = this.shardFor(step.key);
      const before = this.shardFor(previousHashKey(step.key));
      if (at === undefined || before === undefined) return;
      const ends = { start: before.range.start, end: at.range.end };
      if (step.kind === 'merge') {
        this.replace([before, at], [ends], momentMs);
      } else {
        const halves = [
          { start: ends.start, end: previousHashKey(step.key) },
          { start: step.key, end: ends.end },
        ];
        this.replace([at], halves, momentMs);
      }
    }
  }

  /** What {@link scale} would do. */
  stepsTo(count: number): readonly ReshardStep[] {
    return planUniformScaling(
      this.#open.map((shard) => shard.range),
      count,
    );
  }

  /** The open shard for a hash key. Only a stream that is still CREATING has none. */
  shardFor(key: HashKey): Shard | undefined {
    return this.#open[this.#indexFor(key)];
  }

  find(shardId: string): Shard | undefined {
    return this.#shards.get(shardId);
  }

  all(): readonly Shard[] {
    return [...this.#shards.values()];
  }

  childrenOf(parentId: string): readonly Shard[] {
    return this.all().filter((shard) => shard.parentIds.includes(parentId));
  }

  /** Forgets the records that arrived before the moment, and the shards that were closed by then. */
  trimBefore(momentMs: number): void {
    for (const shard of this.#shards.values()) this.trimShard(shard, momentMs);
  }

  /** The same for one shard. False if it is gone. */
  trimShard(shard: Shard, momentMs: number): boolean {
    if (shard.closedAtMs !== undefined && shard.closedAtMs <= momentMs) {
      this.#shards.delete(shard.id);
      return false;
    }
    shard.log.trimBefore(momentMs);
    return true;
  }

  #add(parentIds: readonly string[], range: HashRange, createdAtMs: number): Shard {
    const seed = { index: this.#nextIndex++, parentIds, range, createdAtMs };
    const shard = new Shard(seed, this.#sequenceNumbers, this.clock, this.limits);
    this.#shards.set(shard.id, shard);
    return shard;
  }

  #indexFor(key: HashKey): number {
    let low = 0;
    let high = this.#open.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const shard = this.#open[middle];
      if (shard !== undefined && shard.range.end >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
