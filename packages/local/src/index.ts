export { startLocalAws, type LocalAws, type LocalAwsOptions, type LocalStream } from './local-aws';
export { KinesisEngine, type KinesisEngineOptions, type ShardInspection } from './kinesis/engine';
export { defaultKinesisLimits, type KinesisLimits } from './kinesis/limits';
export { KinesisServiceError, type KinesisErrorName } from './kinesis/service-error';
export type { OperationInput, OperationName, OperationOutput } from './kinesis/operation-types';
