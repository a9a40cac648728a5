export { Worker } from './worker';
export type { StopOptions, StopResult, UnfinishedShard } from './stop-options';
export { stopOnSignals, type SignalSource, type Stoppable } from './stop-on-signals';
export type { WorkerOptions } from './worker-options';
export type { TableOptions } from './table-options';
export {
  evenPlan,
  type AssignmentPlan,
  type AssignmentRequest,
  type LeaseOptions,
  type LeaseView,
  type WorkerView,
} from '@millrace/lease-coordinator';
export { MemoryBudget, type FetchOptions, type MemoryShare } from '@millrace/record-fetcher';
export type { BatchOptions } from './batch-options';
export type { MemoryOptions } from './memory-option';
export type { RetryOptions } from '@millrace/record-dispatcher';
export type { OutOfRange, DeaggregationCounts } from '@millrace/record-deaggregator';
export type { Checkpointer } from '@millrace/checkpointer';
export type {
  InitializeInput,
  LeaseLostInput,
  Processor,
  ProcessorFactory,
  ProcessorLease,
  ProcessRecordInput,
  ProcessRecordsInput,
  RecordProcessor,
  ShardEndedInput,
  ShutdownRequestedInput,
  SingleRecordProcessor,
} from './record-processor';
export type { DeadLetter, DeadLetterSink } from './dead-letter';
export type { ConcurrencyOptions } from './concurrency-options';
export type { DeadLetterPolicy, FailurePolicyOption } from './failure-policy-option';
export type { BlockSuspect, LetGoRecord, WorkerEvents } from './worker-events';
export type { MemoryUse, ShardHealth, WorkerHealth, WorkerSnapshot } from './worker-health';
export type { ShardState } from './shard-state';
export {
  CallTimeoutError,
  CheckpointNotStoredError,
  CheckpointOutOfRangeError,
  ConfigError,
  CorruptLeaseError,
  LeaseLostError,
  LeaseTableMissingError,
  MillraceError,
  MissingPermissionError,
  NotALeaseTableError,
  RecordFailedError,
  ShardUnreadableError,
  StreamNotFoundError,
  StreamRecreatedError,
  type Checkpoint,
  type ErrorCode,
  type InitialPosition,
  type Logger,
  type RecordPosition,
  type UserRecord,
} from '@millrace/core';
