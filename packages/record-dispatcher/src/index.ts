export type { DeliveryFailure, LostCause } from './failed-delivery';
export { letsRecordsGo, type FailurePolicy, type GiveUpReason } from './failure-policy';
export { KeyedDispatcher, type KeyedTarget, type NumberedRecord } from './keyed-dispatcher';
export { RecordDispatcher, type DispatchTarget } from './record-dispatcher';
export { resolveRetryOptions, type ResolvedRetryOptions, type RetryOptions } from './retry-options';
