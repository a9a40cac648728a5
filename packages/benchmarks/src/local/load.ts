import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kinesis } from '@aws-sdk/client-kinesis';
import { repeat, type Bounds, type Tally } from '../repeat';

/** Data of one record. With the partition key it is some bytes more, which are not counted. */
export const recordBytes = 1_000;
/** The most that one PutRecords may carry (its API reference). */
export const recordsPerPut = 500;
/** 10,000 may be asked for, but a page ends at 10 MB. */
export const recordsPerGet = 1_000;
export const idleConcurrency = 16;

const pollMs = 10;

export interface LoadStream {
  readonly name: string;
  readonly shardIds: readonly string[];
}

/**
 * The three kinds of calls that are measured. Each makes some of them again and again, within bounds, and counts what came
 * of them: records, or calls.
 */
export class Load {
  readonly #kinesis: Kinesis;
  readonly #call: { readonly abortSignal: AbortSignal };
  readonly #payload = Buffer.alloc(recordBytes, 'flights');
  #put = 0;

  constructor(kinesis: Kinesis, signal: AbortSignal) {
    this.#kinesis = kinesis;
    // Each call under way listens to it.
    setMaxListeners(0, signal);
    this.#call = { abortSignal: signal };
  }

  /** A new stream, once it is ACTIVE. */
  async createStream(name: string, shardCount: number): Promise<LoadStream> {
    await this.#kinesis.createStream({ StreamName: name, ShardCount: shardCount }, this.#call);
    while (true) {
      const { StreamDescriptionSummary: summary } = await this.#kinesis.describeStreamSummary(
        { StreamName: name },
        this.#call,
      );
      if (summary?.StreamStatus === 'ACTIVE') break;
      await sleep(pollMs, undefined, { signal: this.#call.abortSignal });
    }
    const { Shards: shards = [] } = await this.#kinesis.listShards({ StreamName: name }, this.#call);
    return { name, shardIds: shards.flatMap(({ ShardId }) => ShardId ?? []) };
  }

  async deleteStream({ name }: LoadStream): Promise<void> {
    await this.#kinesis.deleteStream({ StreamName: name }, this.#call);
  }

  /** Puts records with ever new partition keys, so that all shards get some: up to four requests at a time. */
  put({ name, shardIds }: LoadStream, bounds: Bounds): Promise<Tally> {
    return repeat(bounds, Math.min(shardIds.length, 4), async () => {
      const records = Array.from({ length: recordsPerPut }, () => ({
        Data: this.#payload,
        PartitionKey: `key-${this.#put++}`,
      }));
      const { FailedRecordCount: failed = 0 } = await this.#kinesis.putRecords(
        { StreamName: name, Records: records },
        this.#call,
      );
      if (failed > 0) throw new Error(`${failed} of ${records.length} records were refused: a limit is on`);
      return records.length;
    });
  }

  /**
   * Reads all shards from their beginnings to their ends, and then from their beginnings again: up to four readers that share
   * the shards among them.
   */
  get({ name, shardIds }: LoadStream, bounds: Bounds): Promise<Tally> {
    const readers = Math.min(shardIds.length, 4);
    const shards = shardIds.map((shardId) => ({ shardId, iterator: undefined as string | undefined }));
    const queues = Array.from({ length: readers }, (_, reader) =>
      shards.filter((_shard, index) => index % readers === reader),
    );
    return repeat(bounds, readers, async (reader) => {
      const shard = nextOf(queues[reader]);
      const iterator = shard.iterator ?? (await this.#iterator(name, shard.shardId, 'TRIM_HORIZON'));
      const page = await this.#kinesis.getRecords({ ShardIterator: iterator, Limit: recordsPerGet }, this.#call);
      const count = page.Records?.length ?? 0;
      if (count === 0) throw new Error(`shard ${shard.shardId} has nothing to read`);
      // Undefined at the tip: then the next turn begins at the beginning.
      shard.iterator = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
      return count;
    });
  }

  /** Asks a stream without records for records, 16 calls at a time, spread over the shards. */
  async idle({ name, shardIds }: LoadStream, bounds: Bounds): Promise<Tally> {
    const iterators = await Promise.all(
      Array.from({ length: idleConcurrency }, (_, loop) =>
        this.#iterator(name, shardIds[loop % shardIds.length], 'LATEST'),
      ),
    );
    return repeat(bounds, idleConcurrency, async (loop) => {
      const page = await this.#kinesis.getRecords({ ShardIterator: iterators[loop], Limit: recordsPerGet }, this.#call);
      if (page.Records?.length !== 0) throw new Error(`stream ${name} is not empty`);
      if (page.NextShardIterator !== undefined) iterators[loop] = page.NextShardIterator;
      return 1;
    });
  }

  async #iterator(name: string, shardId: string | undefined, type: 'LATEST' | 'TRIM_HORIZON'): Promise<string> {
    const { ShardIterator: iterator } = await this.#kinesis.getShardIterator(
      { StreamName: name, ShardId: shardId, ShardIteratorType: type },
      this.#call,
    );
    if (iterator === undefined) throw new Error(`there is no shard iterator for ${String(shardId)}`);
    return iterator;
  }
}

/** The first of a queue, which goes to its end. */
function nextOf<T>(queue: T[] | undefined): T {
  const next = queue?.shift();
  if (next === undefined) throw new Error('the queue is empty');
  queue?.push(next);
  return next;
}
