import {
  compareSequenceNumbers,
  isSequenceNumber,
  type Clock,
  type Shard,
  type StartPosition,
  type StreamRecord,
} from '@millrace/core';
import type { KinesisReader, RecordsPage } from '../kinesis-reader';

const ITERATOR_LIFETIME_MS = 300_000;
const MAX_PAGE_BYTES = 10_000_000;
const BYTES_PER_MS = 2_000;
const SAVED_UP_MS = 1_000;
const CALLS_PER_SECOND = 5;

/** A call as it was received, in order. */
export interface ReaderCall {
  readonly operation: 'GetShardIterator' | 'GetRecords';
  readonly shardId: string;
  /** By the clock's `now()`. */
  readonly atMs: number;
  /** Of GetShardIterator. */
  readonly position?: StartPosition;
  /** Of GetRecords. */
  readonly limit?: number;
}

export interface RecordToPut {
  readonly data: Uint8Array;
  readonly partitionKey?: string;
  /** Default: the next one. Not checked, so that tests can break the sequence. */
  readonly sequenceNumber?: string;
}

interface InMemoryShard {
  readonly records: StreamRecord[];
  /** How many of `records` have aged out. */
  trimmed: number;
  /** Set when the shard is closed. */
  children: readonly Shard[] | undefined;
  readonly callsAtMs: number[];
  /** When the bytes that were read are paid for; a second's worth of what goes by afterwards is saved up. */
  paidAtMs: number;
}

interface Iterator {
  readonly shardId: string;
  readonly index: number;
  readonly createdAtMs: number;
}

/** An error with a name that the Kinesis client would give it. */
export function kinesisError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name });
}

/**
 * A {@link KinesisReader} over records in memory, with the service's iterators: they live five minutes, and can be made
 * to expire. With `enforceReadLimits` it refuses what the service would: the sixth call in a second, and calls before
 * the bytes of the answers are paid for at 2 MB a second.
 */
export class InMemoryKinesisReader implements KinesisReader {
  readonly calls: ReaderCall[] = [];
  /** Asked before each call; what it returns is thrown instead of an answer. */
  intercept: (call: ReaderCall) => Error | undefined = () => undefined;
  readonly #clock: Clock;
  readonly #enforceReadLimits: boolean;
  readonly #shards = new Map<string, InMemoryShard>();
  readonly #iterators = new Map<string, Iterator>();
  #lastSequenceNumber = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n;
  #lastIterator = 0;

  constructor({ clock, enforceReadLimits = false }: { readonly clock: Clock; readonly enforceReadLimits?: boolean }) {
    this.#clock = clock;
    this.#enforceReadLimits = enforceReadLimits;
  }

  addShard(shardId: string): void {
    this.#shards.set(shardId, {
      records: [],
      trimmed: 0,
      children: undefined,
      callsAtMs: [],
      paidAtMs: -Infinity,
    });
  }

  /** The records arrive now, by the clock's wall time. */
  put(shardId: string, ...records: readonly RecordToPut[]): readonly StreamRecord[] {
    const stored = records.map(({ data, partitionKey = 'key', sequenceNumber }) => ({
      data,
      partitionKey,
      sequenceNumber: sequenceNumber ?? String(++this.#lastSequenceNumber),
      approximateArrivalTimestamp: new Date(this.#clock.wallTime()),
    }));
    const shard = this.#shard(shardId);
    for (const record of stored) shard.records.push(record);
    return stored;
  }

  /** As a split or merge does. */
  closeShard(shardId: string, childShards: readonly Shard[] = []): void {
    this.#shard(shardId).children = childShards;
  }

  /** The oldest `count` records age out. */
  trim(shardId: string, count: number): void {
    const shard = this.#shard(shardId);
    shard.trimmed = Math.min(shard.records.length, shard.trimmed + count);
  }

  /** As when its last record has aged out. */
  removeShard(shardId: string): void {
    this.#shards.delete(shardId);
  }

  /** Every iterator given so far is too old from now on. */
  expireIterators(): void {
    for (const [name, iterator] of this.#iterators) this.#iterators.set(name, { ...iterator, createdAtMs: -Infinity });
  }

  /** The next calls of this operation fail with these errors, one each, before `intercept` is asked again. */
  failNext(operation: ReaderCall['operation'], ...errors: readonly Error[]): void {
    const left = [...errors];
    const before = this.intercept;
    this.intercept = (call) => (call.operation === operation ? left.shift() : undefined) ?? before(call);
  }

  async getShardIterator(
    { shardId, position }: { readonly shardId: string; readonly position: StartPosition },
    signal?: AbortSignal,
  ): Promise<string> {
    signal?.throwIfAborted();
    this.#receive({ operation: 'GetShardIterator', shardId, atMs: this.#clock.now(), position });
    const shard = this.#shard(shardId);
    return this.#iterate(shardId, Math.max(shard.trimmed, indexOf(position, shard.records)));
  }

  async getRecords(
    { shardId, iterator, limit }: { readonly shardId: string; readonly iterator: string; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<RecordsPage> {
    signal?.throwIfAborted();
    const nowMs = this.#clock.now();
    this.#receive({ operation: 'GetRecords', shardId, atMs: nowMs, limit });
    const found = this.#iterators.get(iterator);
    if (found?.shardId !== shardId) throw kinesisError('InvalidArgumentException', 'not an iterator');
    if (nowMs - found.createdAtMs > ITERATOR_LIFETIME_MS) throw kinesisError('ExpiredIteratorException');
    const shard = this.#shard(shardId);
    this.#checkLimits(shard, nowMs);
    const page = shard.records.slice(Math.max(found.index, shard.trimmed)).slice(0, limit);
    const { records, bytes } = cutToSize(page);
    const costMs = bytes / BYTES_PER_MS;
    shard.paidAtMs = Math.max(shard.paidAtMs, costMs > SAVED_UP_MS ? nowMs : nowMs - SAVED_UP_MS) + costMs;
    const index = Math.max(found.index, shard.trimmed) + records.length;
    const nextRecord = shard.records[index];
    const isEnd = shard.children !== undefined && nextRecord === undefined;
    return {
      records,
      nextIterator: isEnd ? undefined : this.#iterate(shardId, index),
      millisBehindLatest:
        nextRecord === undefined
          ? 0
          : Math.max(1, this.#clock.wallTime() - nextRecord.approximateArrivalTimestamp.getTime()),
      childShards: isEnd ? (shard.children ?? []) : [],
    };
  }

  #receive(call: ReaderCall): void {
    this.calls.push(call);
    const error = this.intercept(call);
    if (error !== undefined) throw error;
  }

  #checkLimits(shard: InMemoryShard, nowMs: number): void {
    const inLastSecond = shard.callsAtMs.filter((atMs) => atMs > nowMs - 1_000);
    shard.callsAtMs.splice(0, shard.callsAtMs.length, ...inLastSecond, nowMs);
    if (!this.#enforceReadLimits) return;
    if (inLastSecond.length >= CALLS_PER_SECOND || nowMs < shard.paidAtMs) {
      throw kinesisError('ProvisionedThroughputExceededException');
    }
  }

  #iterate(shardId: string, index: number): string {
    const name = `iterator-${String(++this.#lastIterator)}`;
    this.#iterators.set(name, { shardId, index, createdAtMs: this.#clock.now() });
    return name;
  }

  #shard(shardId: string): InMemoryShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) throw kinesisError('ResourceNotFoundException', `no shard ${shardId}`);
    return shard;
  }
}

function indexOf(position: StartPosition, records: readonly StreamRecord[]): number {
  const orEnd = (index: number): number => (index === -1 ? records.length : index);
  switch (position.kind) {
    case 'trim-horizon':
      return 0;
    case 'at-timestamp':
      return orEnd(records.findIndex((record) => record.approximateArrivalTimestamp.getTime() >= position.timestampMs));
    case 'at-sequence-number': {
      const { sequenceNumber } = position;
      const last = records.at(-1);
      if (
        !isSequenceNumber(sequenceNumber) ||
        last === undefined ||
        compareSequenceNumbers(sequenceNumber, last.sequenceNumber) > 0
      ) {
        throw kinesisError('InvalidArgumentException', `sequence number ${sequenceNumber} is not of this shard`);
      }
      return orEnd(records.findIndex((record) => compareSequenceNumbers(record.sequenceNumber, sequenceNumber) >= 0));
    }
  }
}

/** At least one record, and no more than 10 MB of them. */
function cutToSize(records: readonly StreamRecord[]): { records: readonly StreamRecord[]; bytes: number } {
  let bytes = 0;
  for (const [index, { data, partitionKey }] of records.entries()) {
    const size = data.length + Buffer.byteLength(partitionKey);
    if (index > 0 && bytes + size > MAX_PAGE_BYTES) return { records: records.slice(0, index), bytes };
    bytes += size;
  }
  return { records, bytes };
}
