import { onCall, operationOf, type UndiciRequest } from '../undici-calls';
import type { Attempts } from './messages';

/** Every row of a shard has its id as key. */
const leaseKeyMark = '"leaseKey":{"S":"shardId-';
/** Only who becomes the owner writes since when. */
const claimMark = 'millraceAcquired = ';

export type CallKind = 'claim' | 'create' | 'other';

export function kindOfCall(request: UndiciRequest): CallKind {
  const operation = operationOf(request);
  if (operation !== 'PutItem' && operation !== 'UpdateItem') return 'other';
  const { body } = request;
  // The SDK's own kind of Uint8Array warns of what Buffer.from(body) would do.
  const text =
    body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString() : String(body);
  if (operation === 'PutItem') return text.includes(leaseKeyMark) ? 'create' : 'other';
  return text.includes(claimMark) ? 'claim' : 'other';
}

/** Counts this process's calls from now on, answered or not. */
export function countAttempts(): () => Attempts {
  const counts = { create: 0, claim: 0, other: 0 };
  onCall((request) => counts[kindOfCall(request)]++);
  return () => ({ creates: counts.create, claims: counts.claim });
}
