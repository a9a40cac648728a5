import assert from 'node:assert';
import { notSent } from '@millrace/core';
import type { Client, Dispatcher } from 'undici';
import {
  AnswerMemory,
  cutOff,
  MAX_ANSWER_BYTES,
  ownMemory,
  tooLong,
  type AnswerLimits,
  type MakeAnswer,
  type PieceMemory,
} from './answer';
import { ConnectionPool, type PooledCall } from './connection-pool';
import type { HttpRequest, HttpResponse, ResponseHead } from './wire-types';

/**
 * The request handler of clients that have none of their user's: HTTP/1.1 over connections that are kept, 50 to each endpoint at most.
 *
 * It takes the place of the SDK's handler, and answers whole: a call costs less than half of what `node:http` takes for it (measured,
 * decision 0029). Nothing is repeated; what was not sent yet when its connection closed may go on another one. An answer is whole by its length
 * or its last chunk: one that has neither might be cut off anywhere, and is refused.
 */
export class HttpHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' } as const;
  /** By origin. */
  readonly #pools = new Map<string, ConnectionPool>();
  readonly #memory = new AnswerMemory();
  #isDestroyed = false;

  /** As the SDK calls it. */
  async handle(
    request: HttpRequest,
    { abortSignal }: { readonly abortSignal?: AbortSignal | undefined } = {},
  ): Promise<{ readonly response: HttpResponse }> {
    const response = await this.exchange(
      request,
      { abortSignal, maxBytes: MAX_ANSWER_BYTES },
      (head, chunks, length): HttpResponse => ({ ...head, body: kept(chunks, length) }),
      ownMemory,
    );
    return { response };
  }

  /** Resolves with what `make` makes of the whole answer, of which it must not keep a part; rejects with what it throws. */
  exchange<T>(
    { protocol, hostname, port, path, query, method, headers, body }: HttpRequest,
    limits: AnswerLimits,
    make: MakeAnswer<T>,
    memory: PieceMemory = this.#memory,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      limits.abortSignal?.throwIfAborted();
      const pool = this.#poolOf(
        port === undefined ? `${protocol}//${hostname}` : `${protocol}//${hostname}:${String(port)}`,
      );
      // The SDK gives nothing else for commands without streams.
      const bytes = body as string | Uint8Array | undefined;
      const options = { path, query, method, headers, body: bytes ?? null };
      pool.take(new Exchange({ pool, options, limits, memory, make, resolve, reject }));
    });
  }

  /** The SDK's way to set what users ask for; it has nothing to ask. */
  updateHttpClientConfig(): void {
    // Nothing can be set.
  }

  httpHandlerConfigs(): object {
    return {};
  }

  /** Closes the connections. Calls that are under way fail, and so do any later ones. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const pool of this.#pools.values()) pool.destroy();
  }

  #poolOf(origin: string): ConnectionPool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new ConnectionPool(origin);
      this.#pools.set(origin, pool);
      if (this.#isDestroyed) pool.destroy();
    }
    return pool;
  }
}

interface ExchangeParts<T> {
  readonly pool: ConnectionPool;
  readonly options: Dispatcher.DispatchOptions;
  readonly limits: AnswerLimits;
  readonly memory: PieceMemory;
  readonly make: MakeAnswer<T>;
  readonly resolve: (made: T) => void;
  readonly reject: (error: Error) => void;
}

/** One call and its answer. */
class Exchange<T> implements Dispatcher.DispatchHandler, PooledCall {
  readonly #parts: ExchangeParts<T>;
  readonly #chunks: Uint8Array[] = [];
  /** In place of the chunks, for an answer of known length of which more than one are to come, unless the memory has nothing for its length. */
  #body: Buffer | undefined;
  #length = 0;
  #head: ResponseHead | undefined;
  /** From when it has a connection, or one that is being made, until it is over. */
  #client: Client | undefined;
  /** As soon as the call is being sent. */
  #controller: Dispatcher.DispatchController | undefined;
  /** It was aborted before it could be sent, on a connection that others may use. */
  #isTakenBack = false;

  constructor(parts: ExchangeParts<T>) {
    this.#parts = parts;
    parts.limits.abortSignal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  begin(client: Client): void {
    this.#client = client;
    client.dispatch(this.#parts.options, this);
  }

  refuse(error: Error): void {
    this.#end(false);
    this.#parts.reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { abortSignal } = this.#parts.limits;
    this.#isTakenBack = abortSignal?.aborted === true;
    abortSignal?.throwIfAborted();
    this.#controller = controller;
  }

  /** Comes once for each answer that announces another one, too. */
  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#head = { statusCode, headers: joined(headers) };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const { limits, memory } = this.#parts;
    const at = this.#length;
    this.#length += chunk.length;
    if (this.#length > limits.maxBytes) {
      controller.abort(tooLong(limits.maxBytes));
      return;
    }
    const announced = at === 0 ? Number(this.#head?.headers['content-length']) : 0;
    if (announced > chunk.length) this.#body = memory.take(announced);
    // There is room: what comes behind the announced length belongs to no answer.
    if (this.#body === undefined) this.#chunks.push(chunk);
    else this.#body.set(chunk, at);
  }

  onResponseEnd(): void {
    const { make, memory, resolve, reject } = this.#parts;
    const body = this.#body;
    this.#body = undefined;
    if (body !== undefined) this.#chunks.push(body.subarray(0, this.#length));
    this.#end(true);
    try {
      assert(this.#head !== undefined, 'an answer has a head');
      if (!hasEnd(this.#head)) throw cutOff();
      resolve(make(this.#head, this.#chunks, this.#length));
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (body !== undefined) memory.giveBack(body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const wasSent = this.#controller !== undefined;
    this.#end(this.#isTakenBack);
    this.#parts.reject(faultFrom(error, wasSent));
  }

  /** A connection that is still being made is waited for all the same: the next call needs it. */
  readonly #onAbort = (): void => {
    const { pool, limits, reject } = this.#parts;
    const reason = limits.abortSignal?.reason as Error;
    if (this.#client === undefined) pool.forget(this);
    else this.#controller?.abort(reason);
    reject(reason);
  };

  #end(isGood: boolean): void {
    const { pool, limits } = this.#parts;
    limits.abortSignal?.removeEventListener('abort', this.#onAbort);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) pool.giveBack(client, isGood);
  }
}

/** In memory in which nobody else writes. */
function kept(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  return first?.length === length && first.buffer.byteLength === length ? first : Buffer.concat(chunks, length);
}

/** Headers that came several times as one. */
function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> {
  const all = headers as Record<string, string | undefined>;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'object') all[name] = value.join(', ');
  }
  return all;
}

/** Whether the head says where the answer ends. */
function hasEnd({ headers }: ResponseHead): boolean {
  return headers['content-length'] !== undefined || /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '');
}

/** In words that tell what may have been sent from what was not. */
function faultFrom(error: Error, wasSent: boolean): Error {
  if (endsEarly(error)) return cutOff(error);
  // While it was connecting; or it was idle, and broke in the moment in which the call got it.
  const isBroken = (error as { readonly code?: unknown }).code === 'ECONNRESET';
  return isBroken && !wasSent ? notSent('the connection broke before the call was sent', error) : error;
}

/** undici's words for an answer that ends before its end, on a connection that was to be closed behind it. */
function endsEarly(error: Error): boolean {
  const { name, message } = error;
  return name === 'ResponseContentLengthMismatchError' || (name === 'HTTPParserError' && message.includes('EOF state'));
}
