export { sleepBy, systemClock, type Clock } from './clock';
export { StopSignal, type AbortSignalLike } from './stop-signal';
export { nativeSignal } from './native-signal';
export { SmallSet } from './small-set';
export { systemRandom, type Random } from './random';
export { backoffDelayMs, type BackoffOptions } from './backoff';
export { withDeadline } from './deadline';
export { repeat } from './repeat';
export { forEachAtMost } from './for-each-at-most';
export { retryPassing } from './retry-passing';
export { rejectUnknownOptions } from './unknown-options';
export { silentLogger, type Logger } from './logger';
export { comparePositions, compareSequenceNumbers, isSequenceNumber, type RecordPosition } from './sequence-number';
export {
  AT_TIMESTAMP,
  checkpointAt,
  compareCheckpoints,
  formatCheckpoint,
  isInitial,
  LATEST,
  parseCheckpoint,
  SHARD_END,
  TRIM_HORIZON,
  type Checkpoint,
} from './checkpoint';
export type { CheckpointOutcome } from './checkpoint-outcome';
export type { HashKeyRange, Shard, StreamIdentity } from './shard';
export {
  type AttemptedRange,
  effectiveOwner,
  type FirstOwner,
  isHandoverPending,
  type Lease,
  type LeaseOwners,
  type LeaseSeed,
} from './lease';
export type { StreamRecord, UserRecord } from './record';
export type { InitialPosition, StartPosition } from './stream-position';
export {
  CallTimeoutError,
  CheckpointNotStoredError,
  CheckpointOutOfRangeError,
  ConfigError,
  CorruptLeaseError,
  failedRecord,
  isFatal,
  LeaseLostError,
  LeaseTableMissingError,
  MillraceError,
  MissingPermissionError,
  NotALeaseTableError,
  RecordFailedError,
  ShardUnreadableError,
  StreamNotFoundError,
  StreamRecreatedError,
  WorkerStoppedError,
  type ErrorCode,
} from './errors';
export { errorName, isAccessDenied, isBadCredentials, isCutOff, isTimeout, isTransient, notSent } from './aws-errors';
export {
  isExpiredIterator,
  isExpiredNextToken,
  isKinesisInvalidArgument,
  isKinesisResourceInUse,
  isKinesisResourceNotFound,
  isKinesisThrottled,
  isKmsRefused,
  isShardThroughputExceeded,
} from './kinesis-errors';
export { isConditionFailed, isDynamoDbThrottled, isTableInUse, isTableNotFound } from './dynamodb-errors';
