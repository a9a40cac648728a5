import type { Checkpoint } from '@millrace/core';

/** One record as its producer remembers it. */
interface PutRecord {
  readonly key: string;
  /** Its place among the records of its key. */
  readonly number: number;
  readonly atMs: number;
}

/** All records of one shard, in sequence, and how far they have come. */
export interface ShardLog {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  /** When it was split or merged; `Infinity` if it is open. */
  closedAtMs: number;
  readonly records: PutRecord[];
  readonly indexOf: Map<string, number>;
  /** So many records, from the first, were delivered at least once, or have aged out. */
  delivered: number;
  /** Records behind these that were delivered. */
  readonly deliveredAhead: Set<number>;
  /** A processor is done with so many records, from the first: its calls resolved, or it has acknowledged them, or they were let go. */
  handled: number;
  /** Records that were given to calls which failed because a checkpoint did, and that no call has been done with since. */
  readonly givenInVain: { from: number; to: number };
  /** So many records, from the first, were acknowledged or let go; also those that aged out unread before one of them. */
  acknowledged: number;
  /** Records that were acknowledged by themselves, or let go: skipped, or confirmed by the sink for dead letters. */
  readonly settled: Set<number>;
  /** So many records, from the first, can no longer be read. */
  gone: number;
  /** So many of these need not have been acknowledged: they have aged out, read or not. */
  agedOut: number;
  /** A `shardEnded` has resolved. */
  hasEnded: boolean;
  /** Records of a child were delivered after it had left: none of its own may come any more. */
  isOvertaken: boolean;
  /** Kinesis names it. */
  isListed: boolean;
  /** It is no longer listed: all its records have aged out since it was split or merged. Or nobody is to read it. */
  hasLeft: boolean;
}

/** What was put into the stream: the truth that everything else is compared with. */
export class StreamLog {
  readonly #shards = new Map<string, ShardLog>();
  /** The next record of each key that is due for its first delivery. */
  readonly #nextOfKey = new Map<string, number>();
  readonly #putOfKey = new Map<string, number>();
  count = 0;

  shards(): readonly ShardLog[] {
    return [...this.#shards.values()];
  }

  shard(shardId: string): ShardLog | undefined {
    return this.#shards.get(shardId);
  }

  addShard(shardId: string, parentShardIds: readonly string[], nowMs: number): void {
    if (this.#shards.has(shardId)) return;
    for (const parentId of parentShardIds) {
      const parent = this.#shards.get(parentId);
      if (parent !== undefined) parent.closedAtMs = Math.min(parent.closedAtMs, nowMs);
    }
    this.#shards.set(shardId, {
      ...{ shardId, parentShardIds, records: [], indexOf: new Map<string, number>(), settled: new Set<number>() },
      ...{
        delivered: 0,
        deliveredAhead: new Set<number>(),
        handled: 0,
        givenInVain: { from: 0, to: 0 },
        acknowledged: 0,
        closedAtMs: Infinity,
        gone: 0,
        agedOut: 0,
        isListed: true,
        hasEnded: false,
        isOvertaken: false,
        hasLeft: false,
      },
    });
  }

  /** Shards that are closed by now lie before the position at which the application begins. */
  begin(): void {
    for (const shard of this.#shards.values()) if (shard.closedAtMs < Infinity) shard.hasLeft = true;
  }

  /** The number of the next record of a key. */
  numberFor(key: string): number {
    const number = this.#putOfKey.get(key) ?? 0;
    this.#putOfKey.set(key, number + 1);
    return number;
  }

  put(shardId: string, sequenceNumber: string, record: PutRecord): void {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) throw new Error(`a record was put into ${shardId}, which nobody has heard of`);
    shard.indexOf.set(sequenceNumber, shard.records.length);
    shard.records.push(record);
    this.count++;
  }

  /** All but the last `kept` records of a shard can no longer be read; without a number: it is no longer listed either. */
  keepOnly(shard: ShardLog, kept: number | undefined): void {
    shard.gone = shard.records.length - (kept ?? 0);
    shard.isListed = kept !== undefined;
  }

  /** Nobody can deliver what is gone and was unread. */
  ageOut(shard: ShardLog): void {
    shard.agedOut = shard.gone;
    shard.hasLeft = !shard.isListed;
    const unread = shard.records.slice(0, shard.agedOut).filter((_, index) => !this.wasDelivered(shard, index));
    for (const { key, number } of unread) {
      this.#nextOfKey.set(key, Math.max(this.#nextOfKey.get(key) ?? 0, number + 1));
    }
    shard.delivered = Math.max(shard.delivered, shard.agedOut);
    while (shard.deliveredAhead.has(shard.delivered)) shard.delivered++;
  }

  /** The record was delivered at least once, or has aged out. */
  wasDelivered({ delivered, deliveredAhead }: ShardLog, index: number): boolean {
    return index < delivered || deliveredAhead.has(index);
  }

  markDelivered(shard: ShardLog, index: number): void {
    shard.deliveredAhead.add(index);
    while (shard.deliveredAhead.has(shard.delivered)) shard.delivered++;
  }

  /** Somebody has acknowledged so many records, from the first. */
  acknowledge(shard: ShardLog, count: number): void {
    shard.acknowledged = Math.max(shard.acknowledged, count);
    while (shard.settled.has(shard.acknowledged)) shard.acknowledged++;
  }

  /** Nobody need acknowledge this one record any more. */
  settleOne(shard: ShardLog, index: number): void {
    shard.settled.add(index);
    // Of what has aged out nobody is asked.
    const { acknowledged, agedOut } = shard;
    if (index >= acknowledged && index <= agedOut) this.acknowledge(shard, index);
    else this.acknowledge(shard, acknowledged);
  }

  /** The record is delivered for the first time: says what is wrong with that. */
  firstDelivery({ key, number }: PutRecord): string | undefined {
    const due = this.#nextOfKey.get(key) ?? 0;
    this.#nextOfKey.set(key, number + 1);
    return number === due ? undefined : `record ${number} of key ${key} came when ${due} was due`;
  }

  /** The record can no longer be read; without one: the whole shard has left the stream. */
  isGone(shardId: string, sequenceNumber: string | undefined): boolean {
    const shard = this.#shards.get(shardId);
    if (shard === undefined || sequenceNumber === undefined) return shard?.hasLeft === true;
    return (shard.indexOf.get(sequenceNumber) ?? Infinity) < shard.gone;
  }

  /** How many records of the shard a checkpoint covers; `undefined` if it names none of them. */
  coveredBy(shard: ShardLog, checkpoint: Checkpoint): number | undefined {
    if (checkpoint.kind === 'shard-end') return shard.records.length;
    if (checkpoint.kind !== 'sequence-number') return 0;
    const index = shard.indexOf.get(checkpoint.sequenceNumber);
    return index === undefined ? undefined : index + 1;
  }

  /** A processor is done with every record of every shard; what has aged out nobody can do. */
  isHandled(): boolean {
    return this.shards().every(({ records, handled, agedOut }) => Math.max(handled, agedOut) >= records.length);
  }

  /** Which shards are not acknowledged to their end. */
  describeBacklog(): string {
    return this.shards()
      .filter((shard) => !isDone(shard))
      .map(({ shardId, delivered, acknowledged, records }) => {
        return `${shardId} ${delivered} delivered and ${acknowledged} acknowledged of ${records.length}`;
      })
      .join(', ');
  }

  /** Every record of every shard is acknowledged. */
  isAcknowledged(): boolean {
    return this.shards().every(isDone);
  }
}

/** Nothing of it is left to be acknowledged: nobody can, of what has aged out. */
export function isDone({ records, acknowledged, agedOut }: ShardLog): boolean {
  return Math.max(acknowledged, agedOut) >= records.length;
}
