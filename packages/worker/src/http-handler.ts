import assert from 'node:assert';
import { Pool, type Dispatcher } from 'undici';
import { cutOff, MAX_ANSWER_BYTES, tooLong, type AnswerLimits, type MakeAnswer } from './answer';
import type { HttpRequest, HttpResponse, ResponseHead } from './wire-types';

/** Sockets to each endpoint. Each call takes some milliseconds, so that 50 carry thousands of calls a second. */
export const maxSockets = 50;
export const connectTimeoutMs = 5_000;
/** Idle connections are closed after so long, at the latest: before the service or something on the way forgets them. */
const keepAliveMs = 20_000;
/** Longer than `fetch.callTimeoutMs` can be. Callers have deadlines of their own; this is for who has none. */
const silenceMs = 150_000;

/**
 * The request handler of clients that have none of their user's: HTTP/1.1 over connections that are kept, 50 to each endpoint at most.
 *
 * It takes the place of the SDK's handler, and answers whole: a call costs less than half of what `node:http` takes for it (measured,
 * decision 0029). Nothing is repeated; what was not sent yet when its connection closed may go on another one. An answer is whole by its length
 * or its last chunk: one that has neither might be cut off anywhere, and is refused.
 */
export class HttpHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' } as const;
  /** By origin. Not undici's `Agent`: that one forgets a pool as soon as its last connection closes, and does not destroy it later. */
  readonly #pools = new Map<string, Pool>();
  #isDestroyed = false;

  /** As the SDK calls it. */
  async handle(
    request: HttpRequest,
    { abortSignal }: { readonly abortSignal?: AbortSignal | undefined } = {},
  ): Promise<{ readonly response: HttpResponse }> {
    const response = await this.exchange(
      request,
      { abortSignal, maxBytes: MAX_ANSWER_BYTES },
      (head, chunks, length) => ({
        ...head,
        body: Buffer.concat(chunks, length),
      }),
    );
    return { response };
  }

  /** Resolves with what `make` makes of the whole answer, of which it must not keep a part; rejects with what it throws. */
  exchange<T>(
    { protocol, hostname, port, path, query, method, headers, body }: HttpRequest,
    limits: AnswerLimits,
    make: MakeAnswer<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      limits.abortSignal?.throwIfAborted();
      const exchange = new Exchange(limits, make, resolve, reject);
      const origin = port === undefined ? `${protocol}//${hostname}` : `${protocol}//${hostname}:${String(port)}`;
      // The SDK gives nothing else for commands without streams.
      const bytes = body as string | Uint8Array | undefined;
      this.#poolOf(origin).dispatch({ path, query, method, headers, body: bytes ?? null }, exchange);
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
    for (const pool of this.#pools.values()) destroyNow(pool);
  }

  #poolOf(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: maxSockets,
        connect: { timeout: connectTimeoutMs },
        ...{ keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs },
        ...{ headersTimeout: silenceMs, bodyTimeout: silenceMs },
      });
      this.#pools.set(origin, pool);
      if (this.#isDestroyed) destroyNow(pool);
    }
    return pool;
  }
}

function destroyNow(pool: Pool): void {
  pool.destroy().catch(() => undefined);
}

/** One call and its answer. */
class Exchange<T> implements Dispatcher.DispatchHandler {
  readonly #limits: AnswerLimits;
  readonly #make: MakeAnswer<T>;
  readonly #resolve: (made: T) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #head: ResponseHead | undefined;
  /** As soon as the call is being sent. */
  #controller: Dispatcher.DispatchController | undefined;

  constructor(limits: AnswerLimits, make: MakeAnswer<T>, resolve: (made: T) => void, reject: (error: Error) => void) {
    this.#limits = limits;
    this.#make = make;
    this.#resolve = resolve;
    this.#reject = reject;
    limits.abortSignal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // To abort it here would close the connection that it was about to have.
    this.#limits.abortSignal?.throwIfAborted();
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
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > this.#limits.maxBytes) controller.abort(tooLong(this.#limits.maxBytes));
  }

  onResponseEnd(): void {
    this.#end();
    try {
      assert(this.#head !== undefined, 'an answer has a head');
      if (!hasEnd(this.#head)) throw cutOff();
      this.#resolve(this.#make(this.#head, this.#chunks, this.#length));
    } catch (error) {
      this.#reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end();
    this.#reject(endsEarly(error) ? cutOff(error) : error);
  }

  /** What waits for a connection is not taken back, but ends before it is sent. */
  readonly #onAbort = (): void => {
    const reason = this.#limits.abortSignal?.reason as Error;
    this.#controller?.abort(reason);
    this.#reject(reason);
  };

  #end(): void {
    this.#limits.abortSignal?.removeEventListener('abort', this.#onAbort);
  }
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
function hasEnd({ statusCode, headers }: ResponseHead): boolean {
  return (
    statusCode === 204 ||
    headers['content-length'] !== undefined ||
    /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '')
  );
}

/** undici's words for an answer that ends before its end, on a connection that was to be closed behind it. */
function endsEarly(error: Error): boolean {
  const { name, message } = error;
  return name === 'ResponseContentLengthMismatchError' || (name === 'HTTPParserError' && message.includes('EOF state'));
}
