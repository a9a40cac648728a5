export { TestStream, type TestRecord, type TestStreamOptions, type ThrottleOptions } from './test-stream';
export type { TestWorker, TestWorkerOptions } from './test-worker';
export type { UntilOptions } from './test-time';
export type { Delivery, Duplicate, PutRecord } from './delivery-ledger';
export { FakeCheckpointer } from './fake-checkpointer';
export { recordBatch, type Batch, type BatchOptions, type BatchRecord } from './record-batch';
export type { ActiveFault, FaultRule, Faults } from '@millrace/local';
