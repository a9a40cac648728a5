import { subscribe } from 'node:diagnostics_channel';

/** What undici, which a worker's own connections are made of, tells of a request. */
export interface UndiciRequest {
  /** Names and values in turns. */
  readonly headers: readonly string[];
  readonly body?: unknown;
}

export interface UndiciAnswer {
  readonly request: UndiciRequest;
  readonly response: { readonly statusCode: number };
}

/*
 * Told from now on of all calls of this process that go through undici. Middleware or a request handler of the bench's would change the
 * way that they go.
 */

export function onCall(told: (request: UndiciRequest) => void): void {
  subscribe('undici:request:create', (message) => told((message as { readonly request: UndiciRequest }).request));
}

export function onAnswer(told: (answer: UndiciAnswer) => void): void {
  subscribe('undici:request:headers', (message) => told(message as UndiciAnswer));
}

/** Of AWS's JSON protocols, such as `GetRecords`; empty if it is none of them. */
export function operationOf({ headers }: UndiciRequest): string {
  const at = headers.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === 'x-amz-target');
  const target = at < 0 ? '' : (headers[at + 1] ?? '');
  return target.slice(target.lastIndexOf('.') + 1);
}
