import { isSequenceNumber, type RecordPosition } from './sequence-number';

/** Every code has an entry in docs/errors.md: what it means, what is true afterwards, what to do. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'STREAM_NOT_FOUND'
  | 'STREAM_RECREATED'
  | 'PERMISSION_MISSING'
  | 'LEASE_TABLE_MISSING'
  | 'LEASE_TABLE_FOREIGN'
  | 'LEASE_CORRUPT'
  | 'LEASE_LOST'
  | 'CHECKPOINT_OUT_OF_RANGE'
  | 'CHECKPOINT_NOT_STORED'
  | 'CALL_TIMEOUT'
  | 'SHARD_UNREADABLE'
  | 'RECORD_FAILED'
  | 'WORKER_STOPPED';

/** The base of every error that Millrace throws on purpose. Branch on `code`: two copies of a package break `instanceof`. */
export abstract class MillraceError extends Error {
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * Thrown when options are wrong: by constructors, before any call, with all `problems` at once; by `Worker.run` when one
 * cannot go with what the stream or the lease table says. No lease was touched.
 */
export class ConfigError extends MillraceError {
  readonly code = 'CONFIG_INVALID';

  constructor(readonly problems: readonly string[]) {
    super(`invalid options: ${problems.join('; ')}`);
  }
}

/** Thrown when the stream does not exist in the client's account and region. Nothing was read or written. */
export class StreamNotFoundError extends MillraceError {
  readonly code = 'STREAM_NOT_FOUND';

  constructor(
    readonly stream: string,
    options?: ErrorOptions,
  ) {
    super(
      `stream ${stream} does not exist in this account and region: check its name, the region and the endpoint`,
      options,
    );
  }
}

/** Thrown when the lease table belongs to an earlier stream of the same name. No lease was touched. */
export class StreamRecreatedError extends MillraceError {
  readonly code = 'STREAM_RECREATED';

  constructor(
    readonly stream: string,
    readonly details: {
      readonly leaseKey: string;
      readonly storedArn: string | undefined;
      readonly storedCreatedAtMs: number | undefined;
      readonly actualArn: string;
      readonly actualCreatedAtMs: number;
    },
  ) {
    super(
      `the lease table was filled from another stream than today's ${stream}: lease ${details.leaseKey} says ` +
        `${describe(details.storedArn, details.storedCreatedAtMs)}, the stream is ` +
        `${describe(details.actualArn, details.actualCreatedAtMs)}; its checkpoints mean nothing here. ` +
        'Use another applicationName or tableName, or delete the lease table to read the new stream from its initial position',
    );
  }
}

function describe(arn: string | undefined, createdAtMs: number | undefined): string {
  const created = createdAtMs === undefined ? 'an unknown time' : new Date(createdAtMs).toISOString();
  return `${arn ?? 'an unknown ARN'} created at ${created}`;
}

/** Thrown at the start when AWS refuses a call. `action` is the IAM action to allow. */
export class MissingPermissionError extends MillraceError {
  readonly code = 'PERMISSION_MISSING';

  constructor(
    readonly action: string,
    readonly resource: string,
    options?: ErrorOptions,
  ) {
    super(
      `not allowed to call ${action} on ${resource}: allow this action in the IAM policy of these credentials`,
      options,
    );
  }
}

/** Thrown when there is no lease table and it may not be created, or when it was deleted while the worker ran. */
export class LeaseTableMissingError extends MillraceError {
  readonly code = 'LEASE_TABLE_MISSING';

  constructor(
    readonly tableName: string,
    options?: ErrorOptions,
  ) {
    super(
      `lease table ${tableName} does not exist: create it with the string partition key leaseKey and no sort key, ` +
        'or leave table.create at true and start again',
      options,
    );
  }
}

/** Thrown when the table named for the leases is a table for something else. Nothing was written to it. */
export class NotALeaseTableError extends MillraceError {
  readonly code = 'LEASE_TABLE_FOREIGN';

  constructor(
    readonly tableName: string,
    readonly found: string,
  ) {
    super(
      `table ${tableName} is not a lease table: expected the string partition key leaseKey and no sort key, found ${found}`,
    );
  }
}

/** Thrown when a lease row cannot be understood. The row is left as it is; its shard is not read from a guess. */
export class CorruptLeaseError extends MillraceError {
  readonly code = 'LEASE_CORRUPT';

  constructor(
    readonly leaseKey: string,
    readonly problem: string,
  ) {
    super(
      `lease ${leaseKey} cannot be understood: ${problem}; correct the row, or delete it to read the shard from its initial position`,
    );
  }
}

/**
 * Thrown by a checkpoint when the lease is no longer this worker's; another worker delivers from the stored checkpoint.
 * `stored` is `'no'` when the checkpoint is proven not stored, `'unknown'` when the reply was lost and the row has moved on.
 */
export class LeaseLostError extends MillraceError {
  readonly code = 'LEASE_LOST';
  /** For how long the event loop had stood still shortly before, if that was long enough to cost the lease; in milliseconds. */
  readonly blockedMs: number | undefined;

  constructor(
    readonly leaseKey: string,
    readonly stored: 'no' | 'unknown' = 'no',
    { blockedMs, ...options }: ErrorOptions & { readonly blockedMs?: number | undefined } = {},
  ) {
    const why = blockedMs === undefined ? '' : `, the event loop was blocked for ${String(blockedMs)} ms`;
    super(
      `the lease of ${leaseKey} was lost${why}; ` +
        `the checkpoint ${stored === 'no' ? 'was not stored' : 'may or may not have been stored'}`,
      options,
    );
    this.blockedMs = blockedMs;
  }
}

/** Thrown by a checkpoint at a record that this processor was not given. Nothing was stored. */
export class CheckpointOutOfRangeError extends MillraceError {
  readonly code = 'CHECKPOINT_OUT_OF_RANGE';
}

/** Thrown by a checkpoint whose write failed while the lease is still held. It may be called again. */
export class CheckpointNotStoredError extends MillraceError {
  readonly code = 'CHECKPOINT_NOT_STORED';
}

/** Thrown when a call has not answered within its deadline. The call may still take effect. */
export class CallTimeoutError extends MillraceError {
  readonly code = 'CALL_TIMEOUT';

  constructor(
    readonly what: string,
    readonly deadlineMs: number,
  ) {
    super(`${what} did not answer within ${String(deadlineMs)} ms`);
  }
}

/** Thrown when a shard cannot be read on from its position. The checkpoint stays where it is. */
export class ShardUnreadableError extends MillraceError {
  readonly code = 'SHARD_UNREADABLE';

  constructor(
    readonly shardId: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`shard ${shardId} cannot be read: ${problem}`, options);
  }
}

/**
 * To be thrown by `processRecords` when it knows which record it failed at: it is done with the records before that one, as
 * though it had resolved for them, and goes on with it. Keeps only the record's position, so that logs never show its data.
 */
export class RecordFailedError extends MillraceError {
  readonly code = 'RECORD_FAILED';
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;

  /** `cause`: why it failed. */
  constructor({ sequenceNumber, subSequenceNumber }: RecordPosition, options?: ErrorOptions) {
    super(`record ${sequenceNumber}/${String(subSequenceNumber)} failed`, options);
    this.sequenceNumber = sequenceNumber;
    this.subSequenceNumber = subSequenceNumber;
  }
}

/** The record that the error names as the one that failed. By its code, as copies differ. */
export function failedRecord(error: unknown): RecordPosition | undefined {
  if (!(error instanceof Error) || !hasPosition(error)) return undefined;
  const { code, sequenceNumber, subSequenceNumber } = error;
  if (code !== ('RECORD_FAILED' satisfies ErrorCode) || typeof subSequenceNumber !== 'number') return undefined;
  if (typeof sequenceNumber !== 'string' || !isSequenceNumber(sequenceNumber)) return undefined;
  return { sequenceNumber, subSequenceNumber };
}

function hasPosition(error: Error): error is Error & Record<'code' | keyof RecordPosition, unknown> {
  return 'code' in error && 'sequenceNumber' in error && 'subSequenceNumber' in error;
}

/** The reason of every signal that aborts because the worker was told to stop. */
export class WorkerStoppedError extends MillraceError {
  readonly code = 'WORKER_STOPPED';

  constructor(message = 'the worker was told to stop') {
    super(message);
  }
}

const fatalCodes: readonly unknown[] = [
  'STREAM_NOT_FOUND',
  'STREAM_RECREATED',
  'LEASE_TABLE_MISSING',
] satisfies ErrorCode[];

/** What no retry can mend and ends the worker: the stream or the lease table is gone. By its code, as copies differ. */
export function isFatal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && fatalCodes.includes(error.code);
}
