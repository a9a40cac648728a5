import type { Exchange } from '../faults/exchange';
import type { Refusal, Service, ServiceReply, ServiceRequest } from '../service/service';
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
  const body = await connection.within(readBody(message, maxBodyBytes));
  if (body === undefined) {
    refuseSlowClient(service, message, response, connection);
    return;
  }
  if (body.kind === 'aborted') return;
  if (body.kind === 'too-large') {
    const request = serviceRequest(message, Buffer.alloc(0));
    if (message.httpVersionMajor === 1) response.setHeader('connection', 'close');
    write(response, service.refuse(request, tooLarge(maxBodyBytes)));
    return;
  }
  const outcome = await exchange(serviceRequest(message, body.bytes));
  switch (outcome.kind) {
    case 'reset':
      connection.reset();
      return;
    case 'cut-reply':
      writeHalf(response, outcome.reply, connection);
      return;
    case 'reply':
      write(response, outcome.reply);
      if ((await connection.within(finished(response))) === undefined) connection.reset();
  }
}

function refuseSlowClient(
  service: Service,
  message: ServerRequest,
  response: ServerResponse,
  connection: Connection,
): void {
  const refusal = { errorName: 'RequestTimeoutException', statusCode: 408, message: 'the body did not arrive in time' };
  response.on('finish', () => connection.reset());
  write(response, service.refuse(serviceRequest(message, Buffer.alloc(0)), refusal));
}

function tooLarge(maxBodyBytes: number): Refusal {
  return {
    errorName: 'RequestEntityTooLargeException',
    statusCode: 413,
    message: `the body is larger than ${maxBodyBytes} bytes`,
  };
}

function serviceRequest({ method, url, headers }: ServerRequest, body: Buffer): ServiceRequest {
  const single: Record<string, string | undefined> = {};
  // Pseudo-headers of HTTP/2 begin with a colon; lists only come with cookies, which nobody asks for here.
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':')) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { method: method ?? '', path: url ?? '/', headers: single, body };
}

function write(response: ServerResponse, reply: ServiceReply): void {
  response.end(writeHead(response, reply));
}

function writeHalf(response: ServerResponse, reply: ServiceReply, connection: Connection): void {
  const body = writeHead(response, reply);
  response.write(body.subarray(0, body.length >>> 1));
  connection.end();
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
