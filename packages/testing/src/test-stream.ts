import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { RecordingLogger } from '@millrace/core/testing';
import {
  embedAws,
  type ActiveFault,
  type EmbeddedAws,
  type Faults,
  type KinesisLimits,
  type ShardInspection,
} from '@millrace/local';
import { DeliveryLedger, type Delivery, type Duplicate, type PutRecord } from './delivery-ledger';
import { LeaseRows } from './lease-rows';
import { testClients } from './test-clients';
import { TestTime, type UntilOptions } from './test-time';
import { TestWorker, type TestWorkerOptions } from './test-worker';

export interface TestStreamOptions {
  /** Default: 1. */
  readonly shardCount?: number;
  /** Where all chance comes from, in workers and in faults. Default: 1. */
  readonly seed?: number;
  /** Limits of the embedded Kinesis. Default: those of AWS for reading, none for writing. */
  readonly limits?: Partial<KinesisLimits>;
}

export interface TestRecord {
  readonly partitionKey: string;
  /** A text is put as UTF-8. */
  readonly data: Uint8Array | string;
  readonly explicitHashKey?: string;
}

export interface ThrottleOptions {
  /** Default: `['GetRecords']`. */
  readonly operations?: readonly string[];
  /** How long, in milliseconds of virtual time. Default: until {@link Faults.clear}. */
  readonly forMs?: number;
  /** That a call is refused, 0 to 1. Default: 1. */
  readonly probability?: number;
}

const streamName = 'test-stream';
const applicationName = 'test-application';
/** What one PutRecords takes, with room for partition keys. */
const recordsPerPut = 500;
const bytesPerPut = 8 * 1024 * 1024;

/**
 * A stream, its lease table and the workers that read it, in this process and under virtual time. It passes only while one
 * of the asynchronous methods here is awaited, so that between them everything stands still. Nothing listens, and no call leaves
 * the process.
 */
export class TestStream {
  readonly streamName = streamName;
  readonly applicationName = applicationName;
  /** Clients to the same embedded AWS, for your own code under test. */
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
  /** What the workers have logged. */
  readonly log = new RecordingLogger();
  readonly #aws: EmbeddedAws;
  readonly #time = new TestTime();
  readonly #ledger = new DeliveryLedger();
  readonly #leaseRows: LeaseRows;
  readonly #workers: TestWorker[] = [];
  readonly #seed: number;

  /** @throws ConfigError if an option is out of range */
  constructor({ shardCount = 1, seed = 1, limits }: TestStreamOptions = {}) {
    this.#seed = seed;
    this.#aws = embedAws({
      clock: this.#time.clock,
      seed,
      limits: { writeRecordsPerSecond: Infinity, writeBytesPerSecond: Infinity, ...limits },
      streams: [{ name: streamName, shardCount }],
    });
    const { kinesis, dynamodb } = testClients({
      aws: this.#aws,
      time: this.#time,
      name: 'test',
      dead: new AbortController().signal,
    });
    this.#leaseRows = new LeaseRows(this.#aws, applicationName);
    this.kinesis = kinesis;
    this.dynamodb = dynamodb;
  }

  /** All deliveries to record processors, in order. */
  get deliveries(): readonly Delivery[] {
    return this.#ledger.deliveries;
  }

  /** What can go wrong with calls to Kinesis and DynamoDB beyond the methods here. `accessKeyId` is a worker's name. */
  get faults(): Faults {
    return this.#aws.faults;
  }

  /** Wall time of the embedded AWS and of the workers. */
  get now(): Date {
    return new Date(this.#time.clock.wallTime());
  }

  /**
   * Makes a worker and resolves once it begins to take leases. Its processors are yours; deliveries to them are written down.
   *
   * @throws ConfigError for options that `Worker` refuses, and whatever `Worker.run()` rejects with at the start
   */
  async startWorker(options: TestWorkerOptions): Promise<TestWorker> {
    const number = this.#workers.length + 1;
    const worker = new TestWorker({
      name: `worker-${number}`,
      seed: this.#seed * 1_000 + number,
      applicationName,
      streamName,
      options: { logger: this.log, ...options },
      aws: this.#aws,
      time: this.#time,
      ledger: this.#ledger,
    });
    this.#workers.push(worker);
    await worker.started();
    return worker;
  }

  /**
   * Puts records in order, and says where they went. No time passes.
   *
   * @throws Error if limits that you have set refuse a record; those that were not refused are in the stream
   */
  put(records: readonly TestRecord[]): readonly PutRecord[] {
    return inBatches(records).flatMap((batch) => this.#putBatch(batch));
  }

  /** Splits a shard in the middle and returns its children. Default: the first open shard. */
  split(shardId?: string): readonly string[] {
    return this.#aws.kinesis.split(streamName, shardId);
  }

  /** Merges two neighbours and returns their child, alone in a list. */
  merge(shardId: string, adjacentShardId: string): readonly string[] {
    return this.#aws.kinesis.merge(streamName, shardId, adjacentShardId);
  }

  /** The open shards, in the order of their ids. */
  openShardIds(): readonly string[] {
    return this.#shards()
      .filter(({ open }) => open)
      .map(({ shardId }) => shardId);
  }

  /** Lets every shard iterator expire that was given out so far. */
  expireIterators(): void {
    this.#aws.kinesis.expireIterators(streamName);
  }

  /** Forgets all records that were put so far, as the end of retention would. */
  trim(): void {
    this.#aws.kinesis.trim(streamName, {});
  }

  /** Refuses calls as a shard or table over its limit would. Ended by `forMs`, or by `faults.remove()` with what is returned. */
  throttle({ operations = ['GetRecords'], ...scope }: ThrottleOptions = {}): ActiveFault {
    return this.faults.add({ kind: 'throttle', operations, ...scope });
  }

  /** Lets so many milliseconds pass, whoever is at work. What is due in between happens in its order. */
  advance(deltaMs: number): Promise<void> {
    return this.#time.advance(deltaMs);
  }

  /** For a record processor that takes long: waits by the virtual time of the test. */
  sleep(delayMs: number): Promise<void> {
    return this.#time.sleep(delayMs);
  }

  /**
   * Lets time pass until the condition holds; it is asked again whenever something has happened. Rejects with what a worker
   * has failed with, if one fails meanwhile.
   */
  until(condition: () => Promise<boolean> | boolean, options?: UntilOptions): Promise<void> {
    return this.#time.until(() => {
      this.#throwFailures();
      return condition();
    }, options);
  }

  /** Lets time pass until every record that was put has been processed: handed to a call of a processor that resolved. */
  untilProcessed(options?: UntilOptions): Promise<void> {
    return this.until(() => this.#ledger.unprocessedCount === 0, {
      what: 'every record to be processed',
      ...options,
    });
  }

  /** Lets time pass until the lease table says of every record that was put that it is acknowledged. */
  untilAcknowledged(options?: UntilOptions): Promise<void> {
    const isAcknowledged = (): boolean =>
      this.#ledger.unprocessedCount === 0 &&
      this.#leaseRows.acknowledge(this.#ledger.put, new Set(this.#shards().map(({ shardId }) => shardId)));
    return this.until(isAcknowledged, { what: 'every record to be acknowledged', ...options });
  }

  /** Lets time pass until every live worker holds its even share of the open shards, each of them held by one. */
  untilBalanced(options?: UntilOptions): Promise<void> {
    return this.until(() => this.#isBalanced(), { what: 'the leases to be balanced', ...options });
  }

  /** The names of the live workers that believe that they hold each shard's lease; shards without one are left out. */
  owners(): Readonly<Record<string, readonly string[]>> {
    const owners: Record<string, string[]> = {};
    for (const { name, shardIds } of this.#workers) {
      for (const shardId of shardIds) (owners[shardId] ??= []).push(name);
    }
    return owners;
  }

  /** The records that were delivered more than once. */
  duplicates(): readonly Duplicate[] {
    return this.#ledger.duplicates();
  }

  /** @throws AssertionError that names the records put here that no call of a processor has taken and resolved */
  assertNothingLost(): void {
    this.#ledger.assertNothingLost();
  }

  /**
   * @throws AssertionError that names the partition keys of which a record was delivered before one that was put earlier.
   * Repeated deliveries don't count.
   */
  assertOrderPerKey(): void {
    this.#ledger.assertOrderPerKey();
  }

  /** @throws AssertionError that names the records that were delivered more than once, and to whom */
  assertNoDuplicates(): void {
    this.#ledger.assertNoDuplicates();
  }

  /**
   * Ends all faults and stops all workers, giving your code a second of virtual time. Rejects with what a worker has failed
   * with, if no other call here has.
   */
  async close(): Promise<void> {
    this.faults.clear();
    const closed = await Promise.allSettled(this.#workers.map((worker) => worker.close()));
    await this.#aws.close();
    this.#time.close();
    this.#throwFailures();
    const stuck = closed.find((result) => result.status === 'rejected');
    if (stuck !== undefined) throw stuck.reason;
  }

  #shards(): readonly ShardInspection[] {
    return this.#aws.kinesis.inspect(streamName);
  }

  #throwFailures(): void {
    for (const worker of this.#workers) worker.throwFailure();
  }

  #putBatch(records: readonly TestRecord[]): readonly PutRecord[] {
    const { Records } = this.#aws.kinesis.handle('PutRecords', {
      StreamName: streamName,
      Records: records.map(({ partitionKey, data, explicitHashKey }) => ({
        PartitionKey: partitionKey,
        Data: Buffer.from(data).toString('base64'),
        ...(explicitHashKey !== undefined && { ExplicitHashKey: explicitHashKey }),
      })),
    });
    const stored = records.flatMap(({ partitionKey, explicitHashKey }, index) => {
      const result = Records[index];
      if (result === undefined || 'ErrorCode' in result) return [];
      const { ShardId: shardId, SequenceNumber: sequenceNumber } = result;
      return [{ partitionKey, explicitHashKey, shardId, sequenceNumber }];
    });
    for (const record of stored) this.#ledger.addPut(record);
    const refused = Records.findIndex((result) => 'ErrorCode' in result);
    const result = Records[refused];
    if (result !== undefined && 'ErrorCode' in result) {
      throw new Error(`record ${refused} of a batch was refused: ${result.ErrorMessage}`);
    }
    return stored;
  }

  #isBalanced(): boolean {
    const owners = this.owners();
    const open = this.openShardIds();
    if (!open.every((shardId) => owners[shardId]?.length === 1)) return false;
    const shares = this.#workers
      .filter(({ isLive }) => isLive)
      .map(({ name }) => open.filter((shardId) => owners[shardId]?.includes(name)).length);
    return Math.max(...shares) - Math.min(...shares) <= 1;
  }
}

function inBatches(records: readonly TestRecord[]): readonly (readonly TestRecord[])[] {
  const batches: TestRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = Buffer.byteLength(record.data);
    let batch = batches.at(-1);
    if (batch === undefined || batch.length >= recordsPerPut || bytes + size > bytesPerPut) {
      batch = [];
      batches.push(batch);
      bytes = 0;
    }
    batch.push(record);
    bytes += size;
  }
  return batches;
}
