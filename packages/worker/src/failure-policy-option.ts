import type { FailurePolicy } from '@millrace/record-dispatcher';
import type { DeadLetterSink } from './dead-letter';

/** What becomes of records that your code goes on failing at. */
export type FailurePolicyOption = 'block' | 'bisect' | 'skip' | { readonly deadLetter: DeadLetterSink };

export type ResolvedFailurePolicy =
  | { readonly kind: Exclude<FailurePolicy, 'dead-letter'> }
  | { readonly kind: 'dead-letter'; readonly sink: DeadLetterSink };

const words: readonly unknown[] = ['block', 'bisect', 'skip'] satisfies FailurePolicyOption[];

/** Fills in the default and adds every problem to `problems`. */
export function resolveFailurePolicy(
  policy: FailurePolicyOption | null | undefined,
  problems: string[],
): ResolvedFailurePolicy {
  if (policy === undefined) return { kind: 'block' };
  if (typeof policy === 'string' && words.includes(policy)) return { kind: policy };
  if (typeof policy === 'object' && typeof policy?.deadLetter === 'function') {
    return { kind: 'dead-letter', sink: (letter, context) => policy.deadLetter(letter, context) };
  }
  problems.push("failurePolicy must be 'block', 'bisect', 'skip' or { deadLetter: a function }");
  // The one that takes all options for retries: one problem is enough.
  return { kind: 'skip' };
}
