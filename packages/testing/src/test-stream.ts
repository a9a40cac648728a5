import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { compareSequenceNumbers, isSequenceNumber } from '@millrace/core';
import { RecordingLogger } from '@millrace/core/testing';
import { embedAws, type ActiveFault, type EmbeddedAws, type Faults, type KinesisLimits } from '@millrace/local';
import { DeliveryLedger, type Delivery, type Duplicate, type PutRecord } from './delivery-ledger';
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
const recordsPerPut = 500;

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
    const { kinesis, dynamodb } = testClients(this.#aws, this.#time, 'test');
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

  /** Puts records in order, and says where they went. No time passes. Rejects if limits that you have set refuse a record. */
  put(records: readonly TestRecord[]): readonly PutRecord[] {
    const stored: PutRecord[] = [];
    for (let from = 0; from < records.length; from += recordsPerPut) {
      stored.push(...this.#putSome(records.slice(from, from + recordsPerPut)));
    }
    return stored;
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
    return this.#aws.kinesis
      .inspect(streamName)
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

  /** Lets time pass until the condition holds; it is asked again whenever something has happened. */
  until(condition: () => Promise<boolean> | boolean, options?: UntilOptions): Promise<void> {
    return this.#time.until(condition, options);
  }

  /** Lets time pass until every record that was put has been processed: handed to a call of a processor that resolved. */
  untilProcessed(options?: UntilOptions): Promise<void> {
    return this.until(() => this.#ledger.unprocessed.length === 0, {
      what: 'every record to be processed',
      ...options,
    });
  }

  /** Lets time pass until the lease table says of every record that was put that it is acknowledged. */
  untilAcknowledged(options?: UntilOptions): Promise<void> {
    return this.until(() => this.#isAcknowledged(), { what: 'every record to be acknowledged', ...options });
  }

  /** Lets time pass until every worker holds its even share of the open shards, all of them held. */
  untilBalanced(options?: UntilOptions): Promise<void> {
    return this.until(() => this.#isBalanced(), { what: 'the leases to be balanced', ...options });
  }

  /** The name of the worker that holds each shard's lease; shards without one are left out. */
  owners(): Readonly<Record<string, string>> {
    const owned = this.#workers.flatMap(({ name, shardIds }) => shardIds.map((shardId) => [shardId, name] as const));
    return Object.fromEntries(owned.sort(([a], [b]) => (a < b ? -1 : 1)));
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
   * Stops all workers, giving your code a second of virtual time. Rejects with what a worker has failed with, if one has and
   * nobody has been told.
   */
  async close(): Promise<void> {
    this.faults.clear();
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.#aws.close();
    for (const worker of this.#workers) worker.throwFailure();
  }

  #putSome(records: readonly TestRecord[]): readonly PutRecord[] {
    const { Records } = this.#aws.kinesis.handle('PutRecords', {
      StreamName: streamName,
      Records: records.map(({ partitionKey, data, explicitHashKey }) => ({
        PartitionKey: partitionKey,
        Data: Buffer.from(data).toString('base64'),
        ...(explicitHashKey !== undefined && { ExplicitHashKey: explicitHashKey }),
      })),
    });
    return Records.map((result, index) => {
      if ('ErrorCode' in result) throw new Error(`record ${index} was refused: ${result.ErrorMessage}`);
      const { ShardId: shardId, SequenceNumber: sequenceNumber } = result;
      const stored = { partitionKey: records[index]?.partitionKey ?? '', shardId, sequenceNumber };
      this.#ledger.addPut(stored);
      return stored;
    });
  }

  async #isAcknowledged(): Promise<boolean> {
    if (this.#ledger.unprocessed.length > 0) return false;
    const checkpoints = await this.#checkpoints();
    const last = new Map(this.#ledger.put.map(({ shardId, sequenceNumber }) => [shardId, sequenceNumber]));
    return [...last].every(([shardId, sequenceNumber]) => {
      const checkpoint = checkpoints.get(shardId);
      if (checkpoint === undefined || !isSequenceNumber(checkpoint)) return checkpoint === 'SHARD_END';
      return compareSequenceNumbers(checkpoint, sequenceNumber) >= 0;
    });
  }

  async #checkpoints(): Promise<ReadonlyMap<string, string>> {
    const { Items = [] } = await this.dynamodb.send(
      new ScanCommand({ TableName: applicationName, ConsistentRead: true }),
    );
    return new Map(Items.map((item) => [item['leaseKey']?.S ?? '', item['checkpoint']?.S ?? '']));
  }

  #isBalanced(): boolean {
    const open = this.openShardIds();
    const owners = this.owners();
    const live = this.#workers.filter(({ worker }) => worker.health().live);
    const shares = live.map(({ name }) => open.filter((shardId) => owners[shardId] === name).length);
    const isHeld = open.every((shardId) => shardId in owners);
    return isHeld && Math.max(...shares) - Math.min(...shares) <= 1;
  }
}
