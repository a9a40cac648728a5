export { RecordDispatcher, type DeliveryFailure, type DispatchTarget, type LostCause } from './record-dispatcher';
export type { FailurePolicy, GiveUpReason } from './failure-policy';
export { resolveRetryOptions, type ResolvedRetryOptions, type RetryOptions } from './retry-options';
