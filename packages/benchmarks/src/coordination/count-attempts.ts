import { subscribe } from 'node:diagnostics_channel';
import type { Attempts } from './messages';

/** Every row of a shard has its id as key. */
const leaseKeyMark = '"leaseKey":{"S":"shardId-';
/** Only who becomes the owner writes since when. */
const claimMark = 'millraceAcquired = ';
/** Where undici, which a worker's own connections are made of, tells of each request that it is given. */
const requestsOfUndici = 'undici:request:create';

export type CallKind = 'claim' | 'create' | 'other';

export interface UndiciRequest {
  /** Names and values in turns. */
  readonly headers: readonly string[];
  readonly body?: unknown;
}

export function kindOfCall({ headers, body }: UndiciRequest): CallKind {
  const at = headers.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === 'x-amz-target');
  const target = at < 0 ? '' : (headers[at + 1] ?? '');
  if (!/\.(PutItem|UpdateItem)$/.test(target)) return 'other';
  // The SDK's own kind of Uint8Array warns of what Buffer.from(body) would do.
  const text =
    body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString() : String(body);
  if (target.endsWith('.PutItem')) return text.includes(leaseKeyMark) ? 'create' : 'other';
  return text.includes(claimMark) ? 'claim' : 'other';
}

/**
 * Counts this process's calls from now on, answered or not. Middleware or a request handler of the bench's would
 * change the way that they go.
 */
export function countAttempts(): () => Attempts {
  const counts = { create: 0, claim: 0, other: 0 };
  subscribe(requestsOfUndici, (message) => {
    counts[kindOfCall((message as { readonly request: UndiciRequest }).request)]++;
  });
  return () => ({ creates: counts.create, claims: counts.claim });
}
