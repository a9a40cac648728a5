export type { DynamoDbPort } from './dynamodb-port';
export { DynamoDbLeaseStore, type DynamoDbLeaseStoreDependencies } from './dynamodb-lease-store';
export { findForeignLease } from './foreign-lease';
export { HeldLease } from './held-lease';
export { LeaseCoordinator, type LeaseCoordinatorDependencies } from './lease-coordinator';
export type { LeaseObserverEvents } from './lease-events';
export { resolveLeaseOptions, type LeaseOptions, type ResolvedLeaseOptions } from './lease-options';
export type { Acquisition, CreateResult, HeldLeaseRef, LeaseListing, LeaseStore, WriteResult } from './lease-store';
export { ensureLeaseTable, type EnsureLeaseTableRequest, type LeaseTableSettings } from './lease-table';
