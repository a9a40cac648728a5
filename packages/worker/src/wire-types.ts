import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/** A call as the SDK's request handlers take it: `@smithy/types` calls it so, too. */
export interface HttpRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ResponseHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface HttpResponse extends ResponseHead {
  /** A request handler of the user's may speak with `fetch`, or answer from memory. */
  readonly body: Readable | ReadableStream | Blob | Uint8Array | undefined;
}
