import type { StartPosition } from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { KinesisEngine, unlimitedRates } from '@millrace/local';
import {
  PollingRecordSource,
  resolveFetchOptions,
  type FetchOptions,
  type KinesisReader,
  type RecordsPage,
} from '@millrace/record-fetcher';

const stream = 'flights';
const shardId = 'shardId-000000000000';
const readLimits = { getRecordsCallsPerSecond: 5, readBytesPerSecond: 2_000_000, getShardIteratorCallsPerSecond: 5 };

/** A call as the shard has seen it. */
export interface Call {
  readonly operation: 'GetShardIterator' | 'GetRecords';
  readonly atMs: number;
  /** The name of the error, if it was refused. */
  readonly refusal: string | undefined;
}

/** One shard of the engine with its real read limits, in virtual time, and any number of applications that read it. */
export class SharedShard {
  readonly clock = new ManualClock({
    // The engine answers at once: nothing takes more than one turn.
    settle: () =>
      new Promise((resolve) => {
        setImmediate(resolve);
      }),
  });
  readonly logger = new RecordingLogger();
  readonly engine: KinesisEngine;
  /** Records of the same size share their text: some tests have gigabytes of them. */
  readonly #dataOf = new Map<number, string>();

  constructor() {
    this.engine = new KinesisEngine({ clock: this.clock, limits: { ...unlimitedRates, ...readLimits } });
    this.engine.addStream(stream, 1);
  }

  /** Puts records of so many bytes, with the key, and returns their sequence numbers. */
  put(count: number, bytes = 10, PartitionKey = 'k'): string[] {
    const length = bytes - Buffer.byteLength(PartitionKey);
    const Data = this.#dataOf.get(length) ?? Buffer.alloc(length).toString('base64');
    this.#dataOf.set(length, Data);
    return Array.from(
      { length: count },
      () => this.engine.handle('PutRecord', { StreamName: stream, Data, PartitionKey }).SequenceNumber,
    );
  }

  /** So many bytes are written each second from now on, in ten records. */
  async keepWriting(bytesPerSecond: number): Promise<never> {
    for (;;) {
      this.put(1, bytesPerSecond / 10);
      await this.clock.sleep(100);
    }
  }

  /** A consumer of another kind: it reads all there is, as often as it was told, and takes no heed of refusals. */
  async readPlainly(everyMs: number, seed: number): Promise<never> {
    const random = seededRandom(seed);
    for (let iterator = this.iteratorAt({ kind: 'trim-horizon' }); ;) {
      try {
        iterator = this.page(iterator, 10_000).nextIterator ?? '';
      } catch {
        // Again next time.
      }
      await this.clock.sleep(everyMs * (1 + 0.1 * random.next()));
    }
  }

  /** An application begins to read at the trim horizon, as busily as it may unless told otherwise. */
  join(seed: number, fetch: FetchOptions = { idleTimeBetweenReadsMs: 200 }): SharingReader {
    const reader = new SharingReader(this, seed, fetch);
    reader.begin();
    return reader;
  }

  iteratorAt(position: StartPosition): string {
    const place =
      position.kind === 'at-sequence-number'
        ? { ShardIteratorType: 'AT_SEQUENCE_NUMBER' as const, StartingSequenceNumber: position.sequenceNumber }
        : { ShardIteratorType: 'TRIM_HORIZON' as const };
    return this.engine.handle('GetShardIterator', { StreamName: stream, ShardId: shardId, ...place }).ShardIterator;
  }

  page(iterator: string, limit: number): RecordsPage {
    const answer = this.engine.handle('GetRecords', { ShardIterator: iterator, Limit: limit });
    return {
      records: answer.Records.map((record) => ({
        sequenceNumber: record.SequenceNumber,
        partitionKey: record.PartitionKey,
        data: Buffer.from(record.Data, 'base64'),
        approximateArrivalTimestamp: new Date(record.ApproximateArrivalTimestamp * 1_000),
      })),
      nextIterator: answer.NextShardIterator,
      millisBehindLatest: answer.MillisBehindLatest,
      childShards: [],
    };
  }
}

/** One application that reads the shard. */
export class SharingReader {
  readonly calls: Call[] = [];
  readonly delivered: string[] = [];
  bytes = 0;
  /** What it does with a batch before it asks for the next one. */
  deal: () => Promise<void> = () => Promise.resolve();
  readonly #leaving = new AbortController();
  readonly #shard: SharedShard;
  readonly #source: PollingRecordSource;

  constructor(shard: SharedShard, seed: number, fetch: FetchOptions) {
    this.#shard = shard;
    this.#source = new PollingRecordSource({
      reader: this.#reader(),
      shardStatus: async () => 'listed',
      stream,
      shardId,
      start: { kind: 'trim-horizon' },
      options: resolveFetchOptions(fetch, []),
      clock: shard.clock,
      random: seededRandom(seed),
      logger: shard.logger,
      observer: {},
    });
  }

  begin(): void {
    void this.#consume();
  }

  leave(): void {
    this.#leaving.abort();
  }

  /** GetRecords calls that started in `[fromMs, toMs)`. */
  reads({ fromMs = 0, toMs = Infinity } = {}): Call[] {
    return this.calls.filter(({ operation, atMs }) => operation === 'GetRecords' && atMs >= fromMs && atMs < toMs);
  }

  async #consume(): Promise<void> {
    for await (const batch of this.#source.batches(this.#leaving.signal)) {
      if (batch.kind !== 'records') return;
      for (const { sequenceNumber, data, partitionKey } of batch.records) {
        this.delivered.push(sequenceNumber);
        this.bytes += data.length + partitionKey.length;
      }
      await this.deal();
    }
  }

  #reader(): KinesisReader {
    return {
      getShardIterator: async ({ position }) =>
        this.#counted('GetShardIterator', () => this.#shard.iteratorAt(position)),
      getRecords: async ({ iterator, limit }) => this.#counted('GetRecords', () => this.#shard.page(iterator, limit)),
    };
  }

  #counted<T>(operation: Call['operation'], call: () => T): T {
    const atMs = this.#shard.clock.now();
    try {
      const answer = call();
      this.calls.push({ operation, atMs, refusal: undefined });
      return answer;
    } catch (error) {
      this.calls.push({ operation, atMs, refusal: (error as Error).name });
      throw error;
    }
  }
}
