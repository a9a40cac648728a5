import type { FailurePolicy } from '@millrace/record-dispatcher';
import type { DeadLetterSink } from './dead-letter';

/** What becomes of records that your code goes on failing at. */
export type FailurePolicyOption = 'block' | 'bisect' | 'skip' | DeadLetterPolicy;

export interface DeadLetterPolicy {
  readonly deadLetter: DeadLetterSink;
  /**
   * `'key'`: once a record has become a dead letter, all that come after it with the same partition key become dead letters too,
   * without an attempt: they can be replayed in their order. For as long as this worker has the lease; the next one begins anew.
   * Only with `concurrency`.
   *
   * @defaultValue `'record'`
   */
  readonly scope?: 'record' | 'key';
}

export type ResolvedFailurePolicy =
  | { readonly kind: Exclude<FailurePolicy, 'dead-letter'> }
  | { readonly kind: 'dead-letter'; readonly sink: DeadLetterSink; readonly scope: 'record' | 'key' };

const words: readonly unknown[] = ['block', 'bisect', 'skip'] satisfies FailurePolicyOption[];

/** Fills in the default and adds every problem to `problems`. */
export function resolveFailurePolicy(
  policy: FailurePolicyOption | null | undefined,
  { isByKey }: { readonly isByKey: boolean },
  problems: string[],
): ResolvedFailurePolicy {
  if (policy === undefined) return { kind: 'block' };
  if (typeof policy === 'string' && words.includes(policy)) return { kind: policy };
  if (typeof policy === 'object' && typeof policy?.deadLetter === 'function') {
    const { scope = 'record' } = policy;
    // From code without types.
    if (!['record', 'key'].includes(scope)) problems.push(`failurePolicy.scope (${scope}) must be one of record, key`);
    if (scope === 'key' && !isByKey) problems.push("failurePolicy.scope 'key' needs concurrency by partitionKey");
    return { kind: 'dead-letter', scope, sink: (letter, context) => policy.deadLetter(letter, context) };
  }
  problems.push("failurePolicy must be 'block', 'bisect', 'skip' or { deadLetter: a function }");
  // The one that takes all options for retries: one problem is enough.
  return { kind: 'skip' };
}
