import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis';
import {
  ConfigError,
  rejectUnknownOptions,
  type Clock,
  type InitialPosition,
  type Logger,
  type Random,
} from '@millrace/core';
import {
  resolveLeaseOptions,
  type LeaseOptions,
  type LeaseTableSettings,
  type ResolvedLeaseOptions,
} from '@millrace/lease-coordinator';
import type { OutOfRange } from '@millrace/record-deaggregator';
import { resolveRetryOptions, type ResolvedRetryOptions, type RetryOptions } from '@millrace/record-dispatcher';
import {
  resolveFetchOptions,
  type FetchOptions,
  type MemoryBudget,
  type ResolvedFetchOptions,
} from '@millrace/record-fetcher';
import type { StreamReference } from '@millrace/shard-discovery';
import type { AwsCalls } from './aws-clients';
import { resolveBatchOptions, type BatchOptions, type BatchSettings } from './batch-options';
import { resolveConcurrency, type ConcurrencyOptions, type ConcurrencySettings } from './concurrency-options';
import { resolveFailurePolicy, type FailurePolicyOption, type ResolvedFailurePolicy } from './failure-policy-option';
import { resolveMemory, type MemoryOptions } from './memory-option';
import type { ProcessorFactory } from './record-processor';
import { resolveTableOptions, type TableOptions } from './table-options';

interface CommonOptions {
  /**
   * Names the application. All workers with this name share the stream; applications with different names each read
   * all of it. 1 to 255 characters of `a-z A-Z 0-9 _ . -`. Also the name of the lease table, unless `tableName` says
   * otherwise. The KCL's `applicationName`.
   */
  readonly applicationName: string;
  /** Makes the processor of each shard whose lease this worker takes. Called once per lease taken. */
  readonly processorFactory: ProcessorFactory;
  /**
   * A Kinesis client, or the configuration of one. Millrace makes its own from it: credentials, region, endpoint and
   * added middleware are kept, retries are Millrace's, connections are pooled.
   *
   * @defaultValue the SDK's own: region, endpoint and credentials from the environment
   */
  readonly kinesis?: KinesisClient | KinesisClientConfig;
  /** As `kinesis`, for the lease table; it may be in another account or region. */
  readonly dynamodb?: DynamoDBClient | DynamoDBClientConfig;
  /**
   * `'direct'`: calls that a worker makes all the time skip most of the SDK's work, for about half of the processor
   * time; endpoint, credentials, signing, connections and errors stay the SDK's. A client with a logger or middleware
   * of your own is not skipped. `'sdk'`: all calls go through the SDK. Default `'direct'`.
   */
  readonly awsCalls?: AwsCalls;
  /** The lease table, 3 to 255 characters of `a-z A-Z 0-9 _ . -`. @defaultValue `applicationName` */
  readonly tableName?: string;
  /** How the lease table is made, if it does not exist. */
  readonly table?: TableOptions;
  /**
   * Names this worker in lease rows and logs. A random part is added at every start, so that an id is never used twice.
   *
   * @defaultValue host name and process id
   */
  readonly workerId?: string;
  /**
   * Where to start when the application has no leases yet; ignored for shards that have one.
   *
   * `'TRIM_HORIZON'`: the oldest record. `'LATEST'`: the moment of the application's first start, fixed then for all
   * workers and restarts. `{ timestamp }`: records that arrived at or after it. The KCL's `initialPositionInStream`.
   *
   * @defaultValue `'TRIM_HORIZON'`, so that nothing is missed by accident
   */
  readonly initialPosition?: InitialPosition;
  /**
   * Who acknowledges records. `'manual'`: your code, by `checkpoint()`. `'automatic'`: a resolved `processRecords`
   * acknowledges its batch. A resolved `processRecord` acknowledges its record in either case.
   *
   * @defaultValue `'manual'`
   */
  readonly checkpointing?: 'manual' | 'automatic';
  /**
   * How often acknowledged records are stored with `checkpointing: 'automatic'` or `processRecord`, and in any mode records that the
   * failure policy has let go, in milliseconds; 100 to 3,600,000.
   * After a crash at most this much is delivered again; every checkpoint is a write to the lease table, and saves a
   * renewal.
   *
   * @defaultValue 5_000
   */
  readonly checkpointIntervalMs?: number;
  /**
   * Acknowledged records are also stored once there are so many of them, where {@link WorkerOptions.checkpointIntervalMs} applies
   * and without waiting for it; 1 to 1,000,000, or `Infinity`: never. A batch counts as a whole. After a crash so many come again,
   * and what is acknowledged while a write is under way. For effects that are costly to repeat: each of these checkpoints is a
   * write to the lease table.
   *
   * @defaultValue `Infinity`
   */
  readonly checkpointEveryRecords?: number;
  /** Leases: failover time, intervals, the most that this worker takes. */
  readonly leases?: LeaseOptions;
  /** Reading: how much at a time, how far ahead, pauses, time-outs. */
  readonly fetch?: FetchOptions;
  /** How much one call of `processRecords` is given. */
  readonly batch?: BatchOptions;
  /**
   * How much memory records may take, from before the call that reads them until your code is done with them; all shards
   * share it. Reading waits when it is used up. What your code keeps after that does not count. A process needs 150 to
   * 250 MB beside it, the more the larger the heap that V8 takes (docs/operations.md). `{ budgetBytes }`: 16,000,000 or more. Workers of one process that are to share one budget are given the same {@link MemoryBudget}.
   *
   * @defaultValue the smaller of 256 MB and a quarter of the memory that the process may use (its container's limit, or
   * the machine's memory), and 16 MB at least; for each worker
   */
  readonly memory?: MemoryOptions | MemoryBudget;
  /**
   * What becomes of records that your code goes on failing at. The shard waits in any case until the record is done with or let go;
   * others go on.
   *
   * `'block'`: the batch is tried again, as it is, until it succeeds. `'bisect'`: a batch that has failed twice is split, until
   * the failing record stands alone; that one is tried until it succeeds. `'skip'`: as `'bisect'`, and the record is left out
   * after `retry.maxAttempts` or `retry.maxRecordAgeMs`. `{ deadLetter }`: it goes to that sink instead, which must confirm before
   * the shard goes on. Throw a {@link RecordFailedError} to name the record, which saves the splitting.
   *
   * @defaultValue `'block'`, so that nothing is ever left out
   */
  readonly failurePolicy?: FailurePolicyOption;
  /**
   * How many records of one shard are handed over at once. Only with a processor that has `processRecord`.
   *
   * @defaultValue one record after another
   */
  readonly concurrency?: ConcurrencyOptions;
  /** How failed records are tried again, and when the failure policy lets one go. */
  readonly retry?: RetryOptions;
  /**
   * How long a shard may stand still, in milliseconds: at least 10,000, twice `fetch.callTimeoutMs` and
   * `leases.failoverTimeMs`, at most 3,600,000.
   *
   * Reading that shows no sign of life for so long is begun anew, and the second time in a row the lease is given up for
   * another worker to try; so it is when reading, `processorFactory` or `initialize` has kept failing for so long. Pauses
   * between reads count as life. A call of your code that lasts so long is reported, and waited for.
   *
   * @defaultValue 60_000, or the least that is allowed if that is more
   */
  readonly stallTimeoutMs?: number;
  /**
   * What to do with the user records of a KPL aggregate whose hash key is outside the shard that carried them, which
   * happens around a reshard. `'auto'`: drop those of aggregates that the KPL made, because the KPL sends them again to
   * the right shard, and keep others. `'drop-record'`: drop every such record. `'keep'`: keep all, accepting
   * duplicates. `'kcl'`: drop the whole aggregate, as the Java KCL does.
   *
   * @defaultValue `'auto'`
   */
  readonly aggregationOutOfRange?: OutOfRange;
  /**
   * How often shards and leases are compared, in milliseconds, spread by a quarter; 1,000 to 86,400,000. Heals rows that
   * went missing and notices a stream that was deleted; reshards are seen without it. The KCL's
   * `leasesRecoveryAuditorExecutionFrequencyMillis`.
   *
   * @defaultValue 60_000
   */
  readonly auditIntervalMs?: number;
  /** A pino logger, or anything of its shape. @defaultValue pino at level `warn` on standard error */
  readonly logger?: Logger;
  /** For tests and simulations. @defaultValue the system's */
  readonly clock?: Clock;
  /** For tests and simulations. @defaultValue the system's */
  readonly random?: Random;
}

/** Options of a {@link Worker}. Name the stream by exactly one of `streamName` and `streamArn`. */
export type WorkerOptions = CommonOptions &
  (
    | { /** In the client's account and region. */ readonly streamName: string; readonly streamArn?: never }
    | { /** May be another account's. Sent with every call. */ readonly streamArn: string; readonly streamName?: never }
  );

export interface ResolvedWorkerOptions {
  readonly applicationName: string;
  readonly stream: StreamReference;
  readonly processorFactory: ProcessorFactory;
  readonly tableName: string;
  readonly table: LeaseTableSettings;
  readonly workerId: string | undefined;
  readonly initialPosition: InitialPosition;
  readonly awsCalls: AwsCalls;
  readonly checkpointing: 'manual' | 'automatic';
  readonly checkpointIntervalMs: number;
  readonly checkpointEveryRecords: number;
  readonly leases: ResolvedLeaseOptions;
  readonly fetch: ResolvedFetchOptions;
  readonly batch: BatchSettings;
  /** `undefined`: one of the default size. */
  readonly memory: MemoryBudget | undefined;
  readonly failurePolicy: ResolvedFailurePolicy;
  readonly concurrency: ConcurrencySettings;
  readonly retry: ResolvedRetryOptions;
  readonly stallTimeoutMs: number;
  readonly aggregationOutOfRange: OutOfRange;
  readonly auditIntervalMs: number;
}

const namePattern = /^[a-zA-Z0-9_.-]+$/;
const streamArnPattern = /^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream\/[a-zA-Z0-9_.-]{1,128}$/;

const known: Record<keyof WorkerOptions, true> = {
  applicationName: true,
  streamName: true,
  streamArn: true,
  processorFactory: true,
  kinesis: true,
  awsCalls: true,
  dynamodb: true,
  tableName: true,
  table: true,
  workerId: true,
  initialPosition: true,
  checkpointing: true,
  checkpointIntervalMs: true,
  checkpointEveryRecords: true,
  leases: true,
  fetch: true,
  batch: true,
  memory: true,
  failurePolicy: true,
  concurrency: true,
  retry: true,
  stallTimeoutMs: true,
  aggregationOutOfRange: true,
  auditIntervalMs: true,
  logger: true,
  clock: true,
  random: true,
};

/** Fills in the defaults and checks everything. @throws ConfigError with all problems at once. */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const problems: string[] = [];
  rejectUnknownOptions(options, { prefix: '', known: Object.keys(known), problems });
  const { applicationName, processorFactory, workerId } = options;
  checkName('applicationName', applicationName, 1, 255, problems);
  const tableName = options.tableName ?? applicationName;
  checkName(
    options.tableName === undefined ? 'applicationName, as the name of the lease table,' : 'tableName',
    tableName,
    3,
    255,
    problems,
  );
  if (typeof processorFactory !== 'function') {
    problems.push('processorFactory must be a function that returns a record processor');
  }
  if (workerId !== undefined) checkName('workerId', workerId, 1, 200, problems);
  if ((options.dynamodb?.constructor.name ?? '').includes('DocumentClient')) {
    problems.push('dynamodb must be a DynamoDBClient or its configuration, not a document client');
  }
  const concurrency = resolveConcurrency(options.concurrency, problems);
  const isByKey = concurrency.by === 'partitionKey';
  const failurePolicy = resolveFailurePolicy(options.failurePolicy, { isByKey }, problems);
  const resolved = {
    applicationName,
    stream: resolveStream(options, problems),
    processorFactory,
    tableName,
    table: resolveTableOptions(options.table, problems),
    workerId,
    initialPosition: options.initialPosition ?? 'TRIM_HORIZON',
    awsCalls: options.awsCalls ?? 'direct',
    checkpointing: options.checkpointing ?? 'manual',
    checkpointIntervalMs: options.checkpointIntervalMs ?? 5_000,
    checkpointEveryRecords: options.checkpointEveryRecords ?? Infinity,
    leases: resolveLeaseOptions(options.leases, problems),
    fetch: resolveFetchOptions(options.fetch, problems),
    batch: resolveBatchOptions(options.batch, problems),
    memory: resolveMemory(options.memory, problems),
    failurePolicy,
    concurrency,
    retry: resolveRetryOptions(options.retry, failurePolicy.kind, problems),
    aggregationOutOfRange: options.aggregationOutOfRange ?? 'auto',
    auditIntervalMs: options.auditIntervalMs ?? 60_000,
  } as const;
  checkPosition(resolved.initialPosition, problems);
  checkOneOf('awsCalls', resolved.awsCalls, ['direct', 'sdk'], problems);
  checkOneOf('checkpointing', resolved.checkpointing, ['manual', 'automatic'], problems);
  checkOneOf('aggregationOutOfRange', resolved.aggregationOutOfRange, ['auto', 'drop-record', 'keep', 'kcl'], problems);
  checkRange('checkpointIntervalMs', resolved.checkpointIntervalMs, 100, 3_600_000, problems);
  if (resolved.checkpointEveryRecords !== Infinity)
    checkRange('checkpointEveryRecords', resolved.checkpointEveryRecords, 1, 1_000_000, problems);
  checkRange('auditIntervalMs', resolved.auditIntervalMs, 1_000, 86_400_000, problems);
  const stallTimeoutMs = resolveStallTimeout(options.stallTimeoutMs, resolved, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...resolved, stallTimeoutMs };
}

function resolveStream({ streamName, streamArn }: WorkerOptions, problems: string[]): StreamReference {
  if ((streamName === undefined) === (streamArn === undefined)) {
    problems.push('exactly one of streamName and streamArn must be given');
  } else if (streamArn !== undefined) {
    if (!streamArnPattern.test(streamArn)) problems.push(`streamArn (${streamArn}) is not the ARN of a Kinesis stream`);
    return { streamArn };
  } else {
    checkName('streamName', streamName, 1, 128, problems);
  }
  return { streamName: streamName ?? '' };
}

function checkName(name: string, value: unknown, min: number, max: number, problems: string[]): void {
  if (typeof value === 'string' && value.length >= min && value.length <= max && namePattern.test(value)) return;
  problems.push(
    `${name} (${String(value)}) must have ${String(min)} to ${String(max)} characters of a-z A-Z 0-9 _ . -`,
  );
}

function checkPosition(position: unknown, problems: string[]): void {
  if (position === 'TRIM_HORIZON' || position === 'LATEST') return;
  const timestamp: unknown = (position as { timestamp?: unknown } | null)?.timestamp;
  if (timestamp instanceof Date && !Number.isNaN(timestamp.getTime())) return;
  problems.push("initialPosition must be 'TRIM_HORIZON', 'LATEST' or { timestamp: a valid Date }");
}

/** Below this one late answer would look like a stall. */
const minStallTimeoutMs = 10_000;

/** A call to Kinesis, and a write to the lease table, may be silent for so long and still succeed. */
function resolveStallTimeout(
  stallTimeoutMs: number | undefined,
  { fetch, leases }: Pick<ResolvedWorkerOptions, 'fetch' | 'leases'>,
  problems: string[],
): number {
  const leastMs = Math.max(minStallTimeoutMs, 2 * fetch.callTimeoutMs, leases.failoverTimeMs);
  if (stallTimeoutMs === undefined) return Math.max(60_000, leastMs);
  if (!(stallTimeoutMs >= leastMs && stallTimeoutMs <= 3_600_000)) {
    problems.push(
      `stallTimeoutMs (${String(stallTimeoutMs)}) must be at least ${String(minStallTimeoutMs)}, twice ` +
        `fetch.callTimeoutMs and leases.failoverTimeMs (here ${String(leastMs)}), and at most 3600000`,
    );
  }
  return stallTimeoutMs;
}

function checkOneOf(name: string, value: string, allowed: readonly string[], problems: string[]): void {
  if (!allowed.includes(value)) problems.push(`${name} (${value}) must be one of ${allowed.join(', ')}`);
}

function checkRange(name: string, value: number, min: number, max: number, problems: string[]): void {
  if (!(value >= min && value <= max)) {
    problems.push(`${name} (${String(value)}) must be from ${String(min)} to ${String(max)}`);
  }
}
