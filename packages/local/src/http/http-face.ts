import type { Exchange } from '../faults/exchange';
import type { Outcome, Refusal, Service, ServiceReply, ServiceRequest } from '../service/service';
import {
  readBody,
  type Connection,
  type RequestListener,
  type ServerRequest,
  type ServerResponse,
} from './http-message';

export interface HttpFaceOptions {
  readonly service: Service;
  /** How requests reach the service. */
  readonly exchange: Exchange;
  /** A larger body is refused. */
  readonly maxBodyBytes: number;
}

/** Serves a service by HTTP. A client that is too slow, or goes away, costs its own connection and nothing else. */
export function httpFace(options: HttpFaceOptions): RequestListener {
  return (request, response, connection) => {
    void answer(options, request, response, connection).catch(() => {
      // Writing to a client that has gone away.
      connection.reset();
    });
  };
}

async function answer(
  { service, exchange, maxBodyBytes }: HttpFaceOptions,
  message: ServerRequest,
  response: ServerResponse,
  connection: Connection,
): Promise<void> {
  // From the beginning: a client may leave at any time.
  const over = finished(response);
  const body = (await connection.within(readBody(message, maxBodyBytes))) ?? { kind: 'too-slow' };
  if (body.kind === 'aborted') return;
  if (body.kind !== 'complete') {
    const refusal = body.kind === 'too-slow' ? tooSlow : tooLarge(maxBodyBytes);
    if (message.httpVersionMajor === 1) response.setHeader('connection', 'close');
    await connection.refuse(writeHead(response, service.refuse(serviceRequest(message), refusal)));
    return;
  }
  const end = async (bytes: Uint8Array): Promise<void> => {
    response.end(bytes);
    if ((await connection.within(over)) === undefined) connection.reset();
  };
  const request = serviceRequest(message, body.bytes);
  const outcome = isFromPage(request) ? refused(service, request, fromPage) : await exchange(request);
  switch (outcome.kind) {
    case 'reset':
      connection.reset();
      return;
    case 'cut-reply':
      writeHalf(response, outcome.reply);
      connection.end();
      return;
    case 'paused-reply': {
      const rest = writeHalf(response, outcome.reply);
      if (await outcome.resumed) await end(rest);
      else connection.reset();
      return;
    }
    case 'reply':
      await end(writeHead(response, outcome.reply));
  }
}

const tooSlow: Refusal = {
  errorName: 'RequestTimeoutException',
  statusCode: 408,
  message: 'the body did not arrive in time',
};

const fromPage: Refusal = {
  errorName: 'AccessDeniedException',
  statusCode: 403,
  message: 'not for pages in a browser: the request has an Origin',
};

/**
 * Whatever a page in a browser sends by POST carries an Origin; no SDK does that. Such a page may come from anywhere, and
 * with a name that leads to loopback it need not even ask beforehand. Asking, by OPTIONS, does nothing: the service
 * doesn't know it.
 */
function isFromPage({ method, headers }: ServiceRequest): boolean {
  return headers['origin'] !== undefined && method !== 'OPTIONS';
}

function refused(service: Service, request: ServiceRequest, refusal: Refusal): Outcome {
  return { kind: 'reply', reply: service.refuse(request, refusal) };
}

function tooLarge(maxBodyBytes: number): Refusal {
  return {
    errorName: 'RequestEntityTooLargeException',
    statusCode: 413,
    message: `the body is larger than ${maxBodyBytes} bytes`,
  };
}

function serviceRequest({ method, url, headers }: ServerRequest, body: Uint8Array = Buffer.alloc(0)): ServiceRequest {
  const single: Record<string, string | undefined> = {};
  // Pseudo-headers of HTTP/2 begin with a colon; lists only come with cookies, which nobody asks for here.
  for (const [name, value] of Object.entries(headers)) {
    if (name === ':authority') single['host'] ??= String(value);
    else if (!name.startsWith(':')) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { method: method ?? '', path: url ?? '/', headers: single, body };
}

/** Writes the first half of the body, and returns the other. */
function writeHalf(response: ServerResponse, reply: ServiceReply): Uint8Array {
  const body = writeHead(response, reply);
  const half = body.length >>> 1;
  response.write(body.subarray(0, half));
  return body.subarray(half);
}

/** Encodes the body once, for its length and for the wire. */
function writeHead(response: ServerResponse, { statusCode, headers, body }: ServiceReply): Uint8Array {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-length', bytes.length);
  return bytes;
}

/** Resolves once the whole answer is with the operating system, or the client has gone away. */
function finished(response: ServerResponse): Promise<object> {
  return new Promise((resolve) => {
    response.on('finish', () => resolve({}));
    response.on('close', () => resolve({}));
  });
}
