import type { Shard } from '@millrace/core';
import type { ShardLister } from '../shard-lister';

/** A stream that can split, merge and trim, for tests of the rules. Shards are listed whatever the position. */
export class FakeShardLister implements ShardLister {
  readonly shards: Shard[] = [];
  #next = 0;
  #sequence = 100;

  constructor(shardCount = 1) {
    for (let index = 0; index < shardCount; index++) this.#open([]);
  }

  async list(): Promise<readonly Shard[]> {
    return [...this.shards];
  }

  /** Closes the shard and opens its two children. */
  split(shardId: string): readonly Shard[] {
    this.#close(shardId);
    return [this.#open([shardId]), this.#open([shardId])];
  }

  /** Closes both shards and opens their child. */
  merge(shardId: string, otherShardId: string): Shard {
    this.#close(shardId);
    this.#close(otherShardId);
    return this.#open([shardId, otherShardId]);
  }

  /** The retention has passed: the shard is no longer listed. */
  trim(shardId: string): void {
    const index = this.shards.findIndex((shard) => shard.shardId === shardId);
    this.shards.splice(index, 1);
  }

  #open(parentShardIds: readonly string[]): Shard {
    const shard: Shard = {
      shardId: `shardId-${String(this.#next++).padStart(12, '0')}`,
      parentShardIds,
      hashKeyRange: { start: '0', end: '1' },
      startingSequenceNumber: String(this.#sequence++),
      endingSequenceNumber: undefined,
    };
    this.shards.push(shard);
    return shard;
  }

  #close(shardId: string): void {
    const index = this.shards.findIndex((shard) => shard.shardId === shardId);
    const shard = this.shards[index];
    if (shard === undefined) throw new Error(`no shard ${shardId}`);
    this.shards[index] = { ...shard, endingSequenceNumber: String(this.#sequence++) };
  }
}
