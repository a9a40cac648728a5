import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core';
import { RecordingLogger } from '@millrace/core/testing';
import { startLocalAws, type LocalAws, type LocalAwsOptions } from '@millrace/local';
import { Worker, type RecordProcessor, type WorkerOptions } from '../../src';

export const region = 'us-east-1';
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** One record as a processor saw it. */
export interface Delivery {
  readonly text: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

/** An embedded AWS with one stream, default SDK clients to it, and the workers that a test starts. */
export class World {
  readonly streamName = 'flights';
  readonly applicationName = `app-${randomUUID().slice(0, 8)}`;
  readonly logger = new RecordingLogger();
  readonly deliveries: Delivery[] = [];
  readonly kinesisConfig: { endpoint: string; region: string; credentials: typeof credentials };
  readonly dynamodbConfig: { endpoint: string; region: string; credentials: typeof credentials };
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
  readonly #workers: { worker: Worker; running: Promise<void> }[] = [];

  private constructor(readonly aws: LocalAws) {
    this.kinesisConfig = { endpoint: aws.kinesisEndpoint, region, credentials };
    this.dynamodbConfig = { endpoint: aws.dynamodbEndpoint, region, credentials };
    this.kinesis = new KinesisClient(this.kinesisConfig);
    this.dynamodb = new DynamoDBClient(this.dynamodbConfig);
  }

  static async start({
    shardCount = 1,
    limits,
  }: { shardCount?: number } & Pick<LocalAwsOptions, 'limits'> = {}): Promise<World> {
    const aws = await startLocalAws({ streams: [{ name: 'flights', shardCount }], ...(limits && { limits }) });
    return new World(aws);
  }

  /** Puts one record per text, in order, under the key; or as raw bytes. */
  async put(texts: readonly (string | Uint8Array)[], partitionKey = 'key'): Promise<void> {
    for (let from = 0; from < texts.length; from += 500) {
      const Records = texts.slice(from, from + 500).map((text) => ({
        PartitionKey: partitionKey,
        Data: typeof text === 'string' ? new TextEncoder().encode(text) : text,
      }));
      const { FailedRecordCount } = await this.kinesis.send(
        new PutRecordsCommand({ StreamName: this.streamName, Records }),
      );
      if (FailedRecordCount !== 0) throw new Error('a put was throttled: put less');
    }
  }

  options(changes: Partial<WorkerOptions> = {}): WorkerOptions {
    return {
      applicationName: this.applicationName,
      streamName: this.streamName,
      kinesis: this.kinesisConfig,
      dynamodb: this.dynamodbConfig,
      leases: { failoverTimeMs: 1_500 },
      fetch: { idleTimeBetweenReadsMs: 200 },
      logger: this.logger,
      processorFactory: ({ shardId }) => this.collect(shardId),
      ...changes,
    } as WorkerOptions;
  }

  /** A processor that keeps what it sees and acknowledges it. */
  collect(shardId: string): RecordProcessor {
    return {
      processRecords: async ({ records, checkpointer }) => {
        this.saw(shardId, records);
        await checkpointer.checkpoint();
      },
    };
  }

  saw(
    shardId: string,
    records: readonly { data: Uint8Array; sequenceNumber: string; subSequenceNumber: number }[],
  ): void {
    for (const { data, sequenceNumber, subSequenceNumber } of records) {
      this.deliveries.push({ text: new TextDecoder().decode(data), shardId, sequenceNumber, subSequenceNumber });
    }
  }

  get texts(): string[] {
    return this.deliveries.map(({ text }) => text);
  }

  worker(changes: Partial<WorkerOptions> = {}): Worker {
    return new Worker(this.options(changes));
  }

  /** Starts a worker; a run that rejects is left to the test, or reported at the end. */
  start(changes: Partial<WorkerOptions> = {}): Worker {
    const worker = this.worker(changes);
    const running = worker.run();
    running.catch(() => undefined);
    this.#workers.push({ worker, running });
    return worker;
  }

  async leaseRow(leaseKey = 'shardId-000000000000'): Promise<Record<string, AttributeValue>> {
    const { Item } = await this.dynamodb.send(
      new GetItemCommand({ TableName: this.applicationName, Key: { leaseKey: { S: leaseKey } }, ConsistentRead: true }),
    );
    return Item ?? {};
  }

  async leaseRows(): Promise<Record<string, AttributeValue>[]> {
    const { Items } = await this.dynamodb.send(
      new ScanCommand({ TableName: this.applicationName, ConsistentRead: true }),
    );
    return (Items ?? []).filter(({ entityType }) => entityType?.S === 'LEASE');
  }

  async close(): Promise<void> {
    const outcomes = await Promise.allSettled(
      this.#workers.map(async ({ worker, running }) => {
        await worker.stop({ timeoutMs: 5_000 });
        await running;
      }),
    );
    this.kinesis.destroy();
    this.dynamodb.destroy();
    await this.aws.close();
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/** Waits for a condition, looking every 10 ms; the limit is only there to end a test that has failed. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = 'the condition',
  limitMs = 20_000,
): Promise<void> {
  const startedAtMs = systemClock.now();
  while (!(await condition())) {
    if (systemClock.now() - startedAtMs > limitMs) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await systemClock.sleep(10);
  }
}

export const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `record-${String(from + index).padStart(5, '0')}`);
