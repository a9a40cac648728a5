import {
  type CreateTableCommandInput,
  CreateTableCommand,
  DescribeTableCommand,
  type TableDescription,
  UpdateContinuousBackupsCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type AbortSignalLike,
  CallTimeoutError,
  type Clock,
  errorName,
  isAccessDenied,
  isDynamoDbThrottled,
  isTableInUse,
  isTableNotFound,
  isTransient,
  LeaseTableMissingError,
  type Logger,
  MissingPermissionError,
  NotALeaseTableError,
  withDeadline,
} from '@millrace/core';
import type { DynamoDbPort } from './dynamodb-port';
import { attribute } from './lease-item';

/** How the lease table is made, if it has to be. */
export interface LeaseTableSettings {
  /** Whether a missing table is created. */
  readonly create: boolean;
  readonly billing: 'on-demand' | { readonly readCapacity: number; readonly writeCapacity: number };
  readonly tags: Readonly<Record<string, string>>;
  /** Switched on at every start, for a table that was there before too; never switched off. */
  readonly pointInTimeRecovery: boolean;
  readonly deletionProtection: boolean;
  /** KMS key; without it the table is encrypted with a key that DynamoDB owns. */
  readonly encryption?: { readonly kmsKeyId: string } | undefined;
}

export interface EnsureLeaseTableRequest {
  readonly dynamodb: DynamoDbPort;
  readonly tableName: string;
  readonly table: LeaseTableSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignalLike;
  readonly callTimeoutMs: number;
}

const POLL_INTERVAL_MS = 500;
const MAX_CALL_ATTEMPTS = 5;
/** The KCL waits as long. Creating a table takes seconds. */
const MAX_WAIT_MS = 600_000;

/**
 * Resolves when the lease table is there and active, creating it if that is allowed. Several workers may do so at once.
 *
 * Rejects with `LeaseTableMissingError`, `NotALeaseTableError`, `MissingPermissionError`, or `CallTimeoutError` when
 * the table does not become active within ten minutes; an existing table is left as it is.
 */
export async function ensureLeaseTable(request: EnsureLeaseTableRequest): Promise<void> {
  const { tableName, table, clock, logger, signal } = request;
  const giveUpAtMs = clock.now() + MAX_WAIT_MS;
  let createdHere = false;
  for (;;) {
    const description = await describeTable(request);
    if (description === undefined) {
      // Right after its creation, by anyone, a table may not be visible yet: creating it again finds it in use.
      if (!table.create) throw new LeaseTableMissingError(tableName);
      createdHere = (await createTable(request)) || createdHere;
    } else {
      checkKeySchema(tableName, description);
      if (description.TableStatus === 'ACTIVE' || description.TableStatus === 'UPDATING') break;
    }
    if (clock.now() >= giveUpAtMs) throw new CallTimeoutError(`creation of table ${tableName}`, MAX_WAIT_MS);
    await clock.sleep(POLL_INTERVAL_MS, signal);
  }
  if (createdHere) logger.info({ tableName }, 'lease table created');
  if (table.pointInTimeRecovery) await enablePointInTimeRecovery(request);
}

async function describeTable(request: EnsureLeaseTableRequest): Promise<TableDescription | undefined> {
  const command = new DescribeTableCommand({ TableName: request.tableName });
  try {
    const { Table } = await call(request, 'DescribeTable', (abortSignal) =>
      request.dynamodb.send(command, { abortSignal }),
    );
    return Table;
  } catch (error) {
    if (isTableNotFound(error)) return undefined;
    throw error;
  }
}

/** False when another worker was first. */
async function createTable(request: EnsureLeaseTableRequest): Promise<boolean> {
  const command = new CreateTableCommand(createTableInput(request));
  try {
    await call(request, 'CreateTable', (abortSignal) => request.dynamodb.send(command, { abortSignal }));
    return true;
  } catch (error) {
    if (!isTableInUse(error)) throw error;
    request.logger.debug({ tableName: request.tableName }, 'lease table is being created by another worker');
    return false;
  }
}

function createTableInput({ tableName, table }: EnsureLeaseTableRequest): CreateTableCommandInput {
  const { billing, tags, deletionProtection, encryption } = table;
  const tagList = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return {
    TableName: tableName,
    AttributeDefinitions: [{ AttributeName: attribute.leaseKey, AttributeType: 'S' }],
    KeySchema: [{ AttributeName: attribute.leaseKey, KeyType: 'HASH' }],
    ...(billing === 'on-demand'
      ? { BillingMode: 'PAY_PER_REQUEST' }
      : {
          BillingMode: 'PROVISIONED',
          ProvisionedThroughput: {
            ReadCapacityUnits: billing.readCapacity,
            WriteCapacityUnits: billing.writeCapacity,
          },
        }),
    ...(tagList.length > 0 && { Tags: tagList }),
    ...(deletionProtection && { DeletionProtectionEnabled: true }),
    ...(encryption !== undefined && {
      SSESpecification: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: encryption.kmsKeyId },
    }),
  };
}

function checkKeySchema(tableName: string, { KeySchema, AttributeDefinitions }: TableDescription): void {
  const keys = (KeySchema ?? []).map(({ AttributeName, KeyType }) => {
    const definition = AttributeDefinitions?.find((candidate) => candidate.AttributeName === AttributeName);
    return `${KeyType ?? ''} ${AttributeName ?? ''} (${definition?.AttributeType ?? ''})`;
  });
  const found = keys.join(', ');
  if (found !== `HASH ${attribute.leaseKey} (S)`) throw new NotALeaseTableError(tableName, found);
}

async function enablePointInTimeRecovery(request: EnsureLeaseTableRequest): Promise<void> {
  const { tableName, logger, dynamodb } = request;
  const command = new UpdateContinuousBackupsCommand({
    TableName: tableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  try {
    await call(request, 'UpdateContinuousBackups', (abortSignal) => dynamodb.send(command, { abortSignal }));
  } catch (err) {
    // Emulators do not know the call. Leases are no less safe without backups.
    if (errorName(err) !== 'UnknownOperationException') throw err;
    logger.warn({ tableName, err }, 'point-in-time recovery is not available here');
  }
}

/** One call, made again a few times when the network or the service fails: a start need not fail with it. */
async function call<T>(
  { clock, callTimeoutMs, signal, tableName, logger }: EnsureLeaseTableRequest,
  operation: string,
  send: (signal: AbortSignalLike) => Promise<T>,
): Promise<T> {
  const action = `dynamodb:${operation}`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await withDeadline(clock, callTimeoutMs, { what: action, signal }, send);
    } catch (err) {
      if (isAccessDenied(err)) throw new MissingPermissionError(action, `table ${tableName}`, { cause: err });
      const mayPass = isTransient(err) || isDynamoDbThrottled(err);
      if (!mayPass || attempt === MAX_CALL_ATTEMPTS) throw err;
      logger.warn({ tableName, operation, err }, 'lease table call failed');
      await clock.sleep(POLL_INTERVAL_MS * attempt, signal);
    }
  }
}
