import { isDeepStrictEqual } from 'node:util';
import { KinesisServiceException } from '@aws-sdk/client-kinesis';

/** What a service did instead of what the rule says. The message is the whole of the finding. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/**
 * The names that AWS gives to a request that breaks the constraints of a member. The pages of the operations say
 * InvalidArgumentException, the page of common errors says ValidationError, which is a ValidationException on the wire;
 * which of the two comes when is not documented.
 */
export const invalid = ['InvalidArgumentException', 'ValidationException'] as const;

export const throttled = ['ProvisionedThroughputExceededException'] as const;

export const overLimit = ['LimitExceededException'] as const;

export const notFound = ['ResourceNotFoundException'] as const;

export const inUse = ['ResourceInUseException'] as const;

/** The call must be refused, with an error of one of these names. */
export async function refused(call: Promise<unknown>, names: readonly string[], what = 'the call'): Promise<void> {
  const outcome = await outcomeOf(call);
  if (names.includes(outcome)) return;
  throw new Violation(`${what} ${said(outcome)}, not ${names.join(' or ')}`);
}

/** `accepted`, or the name of the error. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error: unknown) => nameOf(error),
  );
}

/** The name of an answer that is an error; anything else (a lost connection, a bug of a case) is thrown on. */
export function nameOf(error: unknown): string {
  if (!(error instanceof KinesisServiceException)) throw error;
  const status = error.$metadata.httpStatusCode ?? 0;
  return status >= 500 ? `${error.name} (HTTP ${status})` : error.name;
}

function said(outcome: string): string {
  return outcome === 'accepted' ? 'is accepted' : `is refused with ${outcome}`;
}

export function same(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Violation(`${what}: ${show(actual)}, not ${show(expected)}`);
}

export function holds(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Violation(otherwise);
}

/** The value, which the service had to give. */
export function given<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new Violation(`${what} is missing`);
  return value;
}

/** What the types of the SDK would not let through; the client sends it all the same. */
export function malformed(value: unknown): never {
  return value as never;
}

const shownLength = 160;

export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
