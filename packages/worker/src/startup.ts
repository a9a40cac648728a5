import {
  type AbortSignalLike,
  ConfigError,
  retryPassing,
  type Clock,
  type Lease,
  type Logger,
  type Random,
  type StreamIdentity,
} from '@millrace/core';
import {
  DynamoDbLeaseStore,
  DynamoDbWorkerStore,
  ensureLeaseTable,
  findForeignLease,
  isHeldByOlderKcl,
  type ResolvedLeaseOptions,
} from '@millrace/lease-coordinator';
import {
  applicationPosition,
  describeStream,
  KinesisShardLister,
  latestMarginMs,
  ShardSync,
  type ApplicationPosition,
  type ShardSyncObserver,
  type StreamDescription,
} from '@millrace/shard-discovery';
import type { DerivedClients } from './aws-clients';
import type { ResolvedWorkerOptions } from './worker-options';

export interface StartupParts {
  readonly options: ResolvedWorkerOptions;
  readonly clients: DerivedClients;
  readonly workerId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: ShardSyncObserver;
  readonly signal: AbortSignalLike;
}

export interface Started {
  readonly identity: StreamIdentity;
  readonly store: DynamoDbLeaseStore;
  readonly workers: DynamoDbWorkerStore;
  /** Without the registry if a KCL that cannot bear it uses the table. */
  readonly leases: ResolvedLeaseOptions;
  readonly shardSync: ShardSync;
  /** What LATEST means in a row that does not say. */
  readonly initialTimestampMs: number;
}

/** How often a stream that is being created is asked again, and for how long at most. */
const streamPollMs = 1_000;
const streamWaitMs = 300_000;

/**
 * Everything that must be right before the first lease is taken: the stream, the table, and that they belong together.
 * Rejects with an error that names what is wrong; nothing has been read from the stream then.
 */
export async function startUp(parts: StartupParts): Promise<Started> {
  const { options, clients, workerId, clock, random, logger, observer, signal } = parts;
  const { callTimeoutMs } = options.fetch;
  const describe = (abort: AbortSignalLike): Promise<StreamDescription> =>
    describeStream({ kinesis: clients.kinesis, stream: options.stream, clock, random, callTimeoutMs, signal: abort });
  const description = await untilReadable(parts, describe);
  const { identity } = description;
  await ensureLeaseTable({
    dynamodb: clients.dynamodb,
    tableName: options.tableName,
    table: options.table,
    clock,
    logger,
    signal,
    callTimeoutMs,
  });
  const table = {
    dynamodb: clients.dynamodb,
    tableName: options.tableName,
    clock,
    callTimeoutMs: options.leases.callTimeoutMs,
  };
  const store = new DynamoDbLeaseStore(table);
  const { leases, corrupt } = await retryPassing(parts, () => store.list({ consistent: true }));
  const [firstCorrupt] = corrupt;
  if (firstCorrupt !== undefined) throw firstCorrupt;
  const foreign = findForeignLease(leases, identity);
  if (foreign !== undefined) throw foreign;
  const serviceTimeMs = description.serviceTimeMs ?? clock.wallTime();
  assertTimestampsKnown(leases, options);
  assertNotInFuture(options, serviceTimeMs);
  const position = applicationPosition(leases, options.initialPosition, serviceTimeMs);
  const shardSync = new ShardSync({
    lister: new KinesisShardLister({
      kinesis: clients.kinesis,
      streamArn: identity.streamArn,
      clock,
      random,
      callTimeoutMs,
    }),
    table: store,
    identity,
    position,
    currentIdentity: async (abort) => (await describe(abort)).identity,
    incarnation: workerId,
    auditIntervalMs: options.auditIntervalMs,
    clock,
    random,
    logger,
    observer,
  });
  return {
    ...{ identity, store, shardSync, leases: leaseOptions(parts, leases) },
    workers: new DynamoDbWorkerStore(table),
    initialTimestampMs: momentOf(shardSync.position, serviceTimeMs),
  };
}

function leaseOptions({ options, logger }: StartupParts, leases: readonly Lease[]): ResolvedLeaseOptions {
  const older = options.leases.registry ? leases.find(isHeldByOlderKcl) : undefined;
  if (older === undefined) return options.leases;
  logger.warn(
    { leaseKey: older.leaseKey, owner: older.leaseOwner },
    'a KCL before 3.5 uses the lease table, or did: this worker stays out of the registry until it is started again',
  );
  return { ...options.leases, registry: false };
}

async function untilReadable(
  { clock, logger, signal }: StartupParts,
  describe: (signal: AbortSignalLike) => Promise<StreamDescription>,
): Promise<StreamDescription> {
  const startedAtMs = clock.now();
  for (let told = false; ; told = true) {
    const description = await describe(signal);
    if (description.readable) return description;
    if (clock.now() - startedAtMs > streamWaitMs) {
      throw new Error(
        `stream ${description.identity.streamName} is still being created after ${String(streamWaitMs)} ms`,
      );
    }
    if (!told) logger.info({ streamArn: description.identity.streamArn }, 'waiting for the stream to be created');
    await clock.sleep(streamPollMs, signal);
  }
}

function momentOf(position: ApplicationPosition, serviceTimeMs: number): number {
  return position.kind === 'moment' ? position.timestampMs : serviceTimeMs - latestMarginMs;
}

/** The Java KCL keeps the moment of AT_TIMESTAMP in its configuration: without it, where to start is a guess. */
function assertTimestampsKnown(leases: readonly Lease[], { initialPosition }: ResolvedWorkerOptions): void {
  if (typeof initialPosition === 'object') return;
  const unknown = leases.find(
    ({ checkpoint, initialTimestampMs }) => checkpoint.kind === 'at-timestamp' && initialTimestampMs === undefined,
  );
  if (unknown === undefined) return;
  throw new ConfigError([
    `lease ${unknown.leaseKey} is at AT_TIMESTAMP without a moment, as the Java KCL leaves it: ` +
      'initialPosition must be { timestamp } with the timestamp that the KCL application had',
  ]);
}

/** Kinesis refuses to read from a moment that is yet to come; the date in its answers is in whole seconds. */
function assertNotInFuture({ initialPosition }: ResolvedWorkerOptions, serviceTimeMs: number): void {
  if (typeof initialPosition !== 'object') return;
  const { timestamp } = initialPosition;
  if (timestamp.getTime() <= serviceTimeMs + 1_000) return;
  throw new ConfigError([`initialPosition.timestamp (${timestamp.toISOString()}) must not be in the future`]);
}
