import { TRIM_HORIZON, type AbortSignalLike, type Shard, type StartPosition, type StreamRecord } from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import type { RecordBatch } from '@millrace/record-fetcher';
import type { Processor, ProcessRecordsInput, RecordProcessor } from '../../src';
import { BatchLimits } from '../../src/batch-limits';
import { CarefulTurn } from '../../src/careful-turn';
import { ShardConsumer } from '../../src/shard-consumer';
import type { ConsumerSettings, ReadingListener, ShardConsumerParts } from '../../src/shard-consumer-parts';
import { FakeLease } from './fake-lease';

export type Feed = (
  start: StartPosition,
  signal: AbortSignalLike,
  listener: ReadingListener,
) => AsyncGenerator<RecordBatch, void, void>;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function aRecord(
  sequenceNumber: number,
  data = bytes(`r${sequenceNumber}`),
  partitionKey = 'key',
): StreamRecord {
  return {
    sequenceNumber: String(sequenceNumber),
    partitionKey,
    data,
    approximateArrivalTimestamp: new Date(0),
  };
}

export const batch = (...records: StreamRecord[]): RecordBatch => ({
  kind: 'records',
  records,
  millisBehindLatest: 40,
});
export const shardEnd: RecordBatch = {
  kind: 'shard-end',
  childShards: [{ shardId: 'child' } as Shard],
  agedOut: false,
};

/** Gives the batches, then nothing more until it is stopped. */
export const feed = (...batches: RecordBatch[]): Feed =>
  async function* (_, signal) {
    yield* batches;
    if (batches.at(-1)?.kind === 'shard-end') return;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };

export interface ConsumerOfATest {
  readonly consumer: ShardConsumer;
  readonly lease: FakeLease;
  readonly clock: ManualClock;
  readonly logger: RecordingLogger;
  readonly events: readonly { readonly name: string; readonly payload: unknown }[];
  readonly log: string[];
  readonly starts: readonly StartPosition[];
}

export type ConsumerChanges = Partial<ConsumerSettings & Omit<ShardConsumerParts, 'settings'>>;

/** A consumer of one shard whose source, lease and time are the test's. Nothing stalls within ten minutes unless it says so. */
export function aConsumer(processor: Processor, source: Feed, changes: ConsumerChanges = {}): ConsumerOfATest {
  const log: string[] = [];
  const lease = new FakeLease(log);
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const events: { name: string; payload: unknown }[] = [];
  const starts: StartPosition[] = [];
  const consumer = new ShardConsumer({
    settings: {
      checkpointing: 'manual',
      checkpointIntervalMs: 1_000,
      checkpointEveryRecords: Infinity,
      concurrency: { by: undefined, maxInFlight: 1, maxAhead: 1 },
      batch: { maxRecords: Infinity, maxBytes: Infinity },
      batchLimits: new BatchLimits(),
      readAheadPages: 0,
      blockedMs: () => undefined,
      failurePolicy: { kind: 'block' },
      retry: { baseDelayMs: 100, maxDelayMs: 1_000, maxAttempts: 3, maxRecordAgeMs: Infinity, maxCrashes: 3 },
      letterhead: { applicationName: 'app', streamArn: 'arn', workerId: 'worker' },
      stallTimeoutMs: 600_000,
      carefulTurn: new CarefulTurn(clock, 60_000),
      failoverTimeMs: 10_000,
      emit: (name, payload) => events.push({ name, payload }),
      clock,
      random: seededRandom(1),
      ...changes,
    },
    lease,
    createProcessor: () => processor,
    aggregation: {},
    checkpoint: TRIM_HORIZON,
    attempted: [],
    initialStart: { kind: 'trim-horizon' },
    openSource: (start, listener) => {
      starts.push(start);
      return { batches: (signal) => source(start, signal, listener) };
    },
    createChildren: async (children) => {
      log.push(`children ${children.map(({ shardId }) => shardId).join()}`);
    },
    logger,
    ...changes,
  });
  return { consumer, lease, clock, logger, events, log, starts };
}

/** Logs every call, and acknowledges what it is told to. */
export class LoggingProcessor implements RecordProcessor {
  readonly seen: string[] = [];
  log: string[] = [];
  inputs: ProcessRecordsInput[] = [];
  onRecords: (input: ProcessRecordsInput) => Promise<void> | void = ({ checkpointer }) => checkpointer.checkpoint();

  initialize(): void {
    this.log.push('initialize');
  }

  async processRecords(input: ProcessRecordsInput): Promise<void> {
    this.log.push(`process ${input.records.map(({ data }) => new TextDecoder().decode(data)).join()}`);
    this.inputs.push(input);
    await this.onRecords(input);
    this.seen.push(...input.records.map(({ data }) => new TextDecoder().decode(data)));
  }

  shardEnded(): void {
    this.log.push('shardEnded');
  }

  shutdownRequested({ reason }: { reason: string }): void {
    this.log.push(`shutdownRequested ${reason}`);
  }

  leaseLost(): void {
    this.log.push('leaseLost');
  }
}
