export { RecordDispatcher, type DeliveryFailure, type DispatchTarget } from './record-dispatcher';
export { resolveRetryOptions, type ResolvedRetryOptions, type RetryOptions } from './retry-options';
