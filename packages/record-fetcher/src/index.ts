export type { KinesisReader, RecordsPage } from './kinesis-reader';
export { SdkKinesisReader, type KinesisCalls, type SdkKinesisReaderParts } from './sdk-kinesis-reader';
export type { RecordBatch, RecordSource, ShardStatus } from './record-source';
export { PollingRecordSource, type PollingRecordSourceParts } from './polling-record-source';
export type { FetchObserver } from './fetch-observer';
export { resolveFetchOptions, type FetchOptions, type ResolvedFetchOptions } from './fetch-options';
export { MemoryBudget, type MemoryRequest, type MemoryShare, type Reservation } from './memory-budget';
