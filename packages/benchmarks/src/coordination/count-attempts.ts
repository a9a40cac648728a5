import type { Attempts } from './messages';

/** Every row of a shard has its id as key. */
const leaseKeyMark = '"leaseKey":{"S":"shardId-';
/** Only who becomes the owner writes since when. */
const claimMark = 'millraceAcquired = ';

export type CallKind = 'claim' | 'create' | 'other';

interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface RequestHandler {
  handle(request: HttpRequest, options?: object): Promise<object>;
}

export function kindOfCall({ headers, body }: HttpRequest): CallKind {
  const target = headers['x-amz-target'] ?? '';
  // The SDK's own kind of Uint8Array warns of what Buffer.from(body) would do.
  const text =
    body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString() : String(body);
  if (target.endsWith('.PutItem') && text.includes(leaseKeyMark)) return 'create';
  if (target.endsWith('.UpdateItem') && text.includes(claimMark)) return 'claim';
  return 'other';
}

/** Counts a client's calls before they are sent, by its request handler: middleware would change the way that they go. */
export function countAttempts<T extends object>(
  handler: T,
): { readonly handler: T; readonly attempts: () => Attempts } {
  const counts = { create: 0, claim: 0, other: 0 };
  const inner = handler as RequestHandler;
  const send = inner.handle.bind(inner);
  const handle = (request: HttpRequest, options?: object): Promise<object> => {
    counts[kindOfCall(request)]++;
    return send(request, options);
  };
  return {
    handler: Object.assign(handler, { handle }),
    attempts: () => ({ creates: counts.create, claims: counts.claim }),
  };
}
