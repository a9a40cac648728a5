import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** What the requests of HTTP/1.1 and of HTTP/2 have in common. */
export interface ServerRequest extends Readable {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersionMajor: number;
}

/** What the responses of HTTP/1.1 and of HTTP/2 have in common. */
export interface ServerResponse {
  statusCode: number;
  setHeader(name: string, value: number | string): unknown;
  write(chunk: Uint8Array): unknown;
  end(body?: Uint8Array | string): unknown;
  on(event: 'close' | 'error' | 'finish', listener: () => void): unknown;
}

/** The connection that a request came by. */
export interface Connection {
  /** The value of a promise that its client has to fulfil, or `undefined` if it takes longer than a client may. */
  within<T extends object>(promise: Promise<T>): Promise<T | undefined>;
  /** Ends it at once; what was not sent yet is lost. */
  reset(): void;
  /** Ends it behind what was written, however much of an answer that is. */
  end(): void;
  /**
   * Sends the answer to a request whose end nobody waits for, and cuts a client that goes on sending it, but not before it
   * had as much time for the answer as any client.
   */
  refuse(body: Uint8Array): Promise<void>;
}

export type RequestListener = (request: ServerRequest, response: ServerResponse, connection: Connection) => void;

export type Body =
  | { readonly kind: 'complete'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  /** The client has gone away; nobody is waiting for an answer. */
  | { readonly kind: 'aborted' };

/** How many times the limit of a body is read, without keeping it, before it is refused. */
const discardFactor = 4;

/**
 * The whole body of a request, or why there is none. One that is too large is read to its end first, within reason: many
 * clients look for an answer only then.
 */
export function readBody(request: ServerRequest, maxBytes: number): Promise<Body> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else chunks = [];
      if (length > maxBytes * discardFactor) resolve({ kind: 'too-large' });
    });
    request.on('end', () =>
      resolve(length > maxBytes ? { kind: 'too-large' } : { kind: 'complete', bytes: Buffer.concat(chunks, length) }),
    );
    // Both also come after the end, when they change nothing. An error is a client that went away.
    request.on('error', () => resolve({ kind: 'aborted' }));
    request.on('close', () => resolve({ kind: 'aborted' }));
  });
}
