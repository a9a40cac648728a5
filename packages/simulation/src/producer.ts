import type { KinesisEngine } from '@millrace/local';
import type { Chance } from './chance';
import type { StreamLog } from './stream-log';
import type { VirtualTime } from './virtual-time';

/** So many partition keys, whose records are numbered. */
export const keyCount = 24;

/** Puts records into the stream and reshards it, and keeps the log in step. Its calls do not fail. */
export class Producer {
  /** It puts nothing. */
  isQuiet = false;

  constructor(
    private readonly engine: KinesisEngine,
    private readonly streamName: string,
    private readonly log: StreamLog,
    private readonly chance: Chance,
    private readonly time: VirtualTime,
  ) {
    this.noteShards();
  }

  put(count: number): void {
    if (this.isQuiet) return;
    for (let left = count; left > 0; left--) {
      const key = this.#anyKey();
      const number = this.log.numberFor(key);
      const { ShardId, SequenceNumber } = this.#putOne(key, `${key} ${number}`);
      this.log.put(ShardId, SequenceNumber, { key, number, atMs: this.time.nowMs });
    }
  }

  /** Records from before the position at which the application begins: nobody may get them. */
  putUnread(count: number): void {
    for (let left = count; left > 0; left--) this.#putOne(this.#anyKey(), 'too old');
  }

  #anyKey(): string {
    return `k${this.chance.wholeBetween(1, keyCount)}`;
  }

  #putOne(key: string, text: string): { readonly ShardId: string; readonly SequenceNumber: string } {
    const Data = Buffer.from(text).toString('base64');
    return this.engine.handle('PutRecord', { StreamName: this.streamName, PartitionKey: key, Data });
  }

  /** Splits an open shard. Returns what was done, or nothing if there are too many shards. */
  split(maxShards: number): string | undefined {
    const open = this.engine.inspect(this.streamName).filter((shard) => shard.open);
    const shard = this.chance.oneOf(open);
    if (shard === undefined || open.length >= maxShards) return undefined;
    this.engine.split(this.streamName, shard.shardId);
    this.noteShards();
    return shard.shardId;
  }

  /** Merges two open neighbours. */
  merge(): string | undefined {
    const ranges = this.engine
      .handle('ListShards', { StreamName: this.streamName })
      .Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange.EndingSequenceNumber === undefined)
      .map(({ ShardId, HashKeyRange }) => ({ id: ShardId, start: BigInt(HashKeyRange.StartingHashKey) }))
      .sort((a, b) => (a.start < b.start ? -1 : 1));
    if (ranges.length < 3) return undefined;
    const at = this.chance.wholeBetween(0, ranges.length - 2);
    const [left, right] = [ranges[at], ranges[at + 1]];
    if (left === undefined || right === undefined) return undefined;
    this.engine.merge(this.streamName, left.id, right.id);
    this.noteShards();
    return left.id;
  }

  noteShards(): void {
    for (const { shardId, parentShardIds } of this.engine.inspect(this.streamName)) {
      this.log.addShard(shardId, parentShardIds, this.time.nowMs);
    }
  }
}
