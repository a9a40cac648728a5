export {
  embedAws,
  startLocalAws,
  type EmbeddedAws,
  type EmbeddedAwsOptions,
  type LocalAws,
  type LocalAwsOptions,
  type LocalStream,
} from './local-aws';
export type { Fault, FaultRule, FaultScope } from './faults/fault-rule';
export type { ActiveFault, Faults } from './faults/faults';
export type { HeldListener, InProcessHandler } from './in-process-handler';
export type { LocalCredentials } from './service/signed-service';
export { DynamoDbService, type DynamoDbServiceOptions } from './dynamodb/dynamodb-service';
export { DynamoDbServiceError } from './dynamodb/service-error';
export { KinesisEngine, type KinesisEngineOptions, type ShardInspection } from './kinesis/engine';
export { defaultKinesisLimits, type KinesisLimits } from './kinesis/limits';
export { unlimitedRates } from './kinesis/unlimited-rates';
export { KinesisServiceError, type KinesisErrorName } from './kinesis/service-error';
export type { CallTarget } from './kinesis/call-target';
export type { CallOptions, OperationInput, OperationName, OperationOutput } from './kinesis/operation-types';
