export {
  evenPlan,
  type AssignmentPlan,
  type AssignmentRequest,
  type LeaseView,
  type WorkerView,
} from './assignment-plan';
export { openAttempts } from './attempted-ranges';
export type { DynamoDbPort } from './dynamodb-port';
export { DynamoDbLeaseStore } from './dynamodb-lease-store';
export { DynamoDbWorkerStore } from './dynamodb-worker-store';
export { findForeignLease, isHeldByOlderKcl } from './foreign-lease';
export { HeldLease } from './held-lease';
export { LeaseCoordinator, type LeaseCoordinatorDependencies } from './lease-coordinator';
export type { LeaseObserverEvents } from './lease-events';
export { throttledAdvice } from './lease-reporter';
export { resolveLeaseOptions, type LeaseOptions, type ResolvedLeaseOptions } from './lease-options';
export type {
  Acquisition,
  CreateResult,
  HeldLeaseRef,
  LeaseListing,
  LeaseStore,
  ListOptions,
  WriteResult,
} from './lease-store';
export { ensureLeaseTable, type EnsureLeaseTableRequest, type LeaseTableSettings } from './lease-table';
export type { TableCallsDependencies } from './table-calls';
export type { SharingPhase } from './gathering';
export type { SignOfLife, WorkerDescription, WorkerRow } from './worker-row';
export type { WorkerStore } from './worker-store';
export type { UnstoredCheckpoint } from './unstored-checkpoint';
