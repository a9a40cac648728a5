import { Readable } from 'node:stream';
import type { Exchange } from './faults/exchange';
import type { ServiceReply } from './service/service';

/** What an SDK client hands to its request handler, as far as it matters here. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Readable | Uint8Array;
}

/**
 * For an SDK client's `requestHandler`: its calls reach the embedded service without a socket, through the same faults.
 * No real time passes in them, which is what a test under virtual time needs.
 */
export interface InProcessHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown; readonly requestTimeout?: number },
  ): Promise<{ readonly response: SdkResponse }>;
  updateHttpClientConfig(key: never, value: never): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

/** Learns when a call begins to wait for time to pass or for a partition to be lifted, and when it goes on. */
export type HeldListener = (isHeld: boolean) => void;

export function inProcessHandler(exchange: Exchange, onHeld?: HeldListener): InProcessHandler {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, options) => {
      const abortSignal = options?.abortSignal;
      if (isAborted(abortSignal)) throw requestAborted();
      const waiting = new Waiting(onHeld);
      try {
        const response = call(exchange, request, waiting);
        return { response: await (abortSignal instanceof AbortSignal ? orAborted(response, abortSignal) : response) };
      } finally {
        waiting.end();
      }
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => undefined,
  };
}

/** Whether a call is held, as long as its client waits for it. A client that gives up goes on, whatever the call does. */
class Waiting {
  #isHeld = false;
  #hasEnded = false;

  constructor(private readonly onHeld: HeldListener | undefined) {}

  set(isHeld: boolean): void {
    if (this.#hasEnded || isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.onHeld?.(isHeld);
  }

  end(): void {
    this.set(false);
    this.#hasEnded = true;
  }
}

async function call(
  exchange: Exchange,
  { method, path, headers, body }: SdkRequest,
  waiting: Waiting,
): Promise<SdkResponse> {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const bytes =
    typeof body === 'string' ? Buffer.from(body, 'utf8') : body instanceof Uint8Array ? body : Buffer.alloc(0);
  const outcome = await exchange({ method, path, headers: lowerCase, body: bytes }, (isHeld) => waiting.set(isHeld));
  switch (outcome.kind) {
    case 'reset':
      throw connectionReset();
    case 'cut-reply':
      return { ...head(outcome.reply), body: halfOf(outcome.reply) };
    case 'paused-reply':
      if (!(await outcome.resumed)) throw connectionReset();
      return { ...head(outcome.reply), body: Buffer.from(outcome.reply.body) };
    case 'reply':
      return { ...head(outcome.reply), body: Buffer.from(outcome.reply.body) };
  }
}

function head({ statusCode, headers }: ServiceReply): Pick<SdkResponse, 'headers' | 'statusCode'> {
  return { statusCode, headers: { ...headers } };
}

function halfOf({ body }: ServiceReply): Readable {
  const whole = Buffer.from(body);
  return Readable.from(
    (function* (): Generator<Buffer> {
      yield whole.subarray(0, whole.length >>> 1);
      throw connectionReset();
    })(),
  );
}

/** Also of a signal that is not the platform's: the SDK takes those too. */
function isAborted(signal: unknown): boolean {
  return typeof signal === 'object' && signal !== null && 'aborted' in signal && signal.aborted === true;
}

function requestAborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}

/** As Node's sockets report it. */
function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });
}

/** The client stops waiting; the call goes on where it is. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(requestAborted());
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
