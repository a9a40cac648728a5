import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { HttpHandler } from '../../src/http-handler';
import type { HttpRequest } from '../../src/wire-types';
import { open } from './direct-clients';
import { recordingServer, type RecordingServer } from './wire';

export function aHandler(): HttpHandler {
  const handler = new HttpHandler();
  open.push(() => handler.destroy());
  return handler;
}

export async function serve(...answer: Parameters<typeof recordingServer>): Promise<RecordingServer> {
  const server = await recordingServer(...answer);
  open.push(() => server.close());
  return server;
}

export function requestTo(endpoint: string, changes: Partial<HttpRequest> = {}): HttpRequest {
  const { protocol, hostname, port } = new URL(endpoint);
  return {
    ...{ protocol, hostname, port: Number(port), method: 'POST', path: '/', query: {} },
    ...{ headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}', ...changes },
  };
}

/** The bytes of one answer. */
type BytesOf = (handler: HttpHandler, request: HttpRequest, abortSignal?: AbortSignal) => Promise<Uint8Array>;

const handle: BytesOf = async (handler, request, abortSignal) => {
  const { response } = await handler.handle(request, { abortSignal });
  return response.body as Uint8Array;
};

const exchange: BytesOf = (handler, request, abortSignal) =>
  handler.exchange(request, { abortSignal, maxBytes: 64e6 }, (_, chunks, length) => Buffer.concat(chunks, length));

/** As the SDK does it, and as direct calls do, which keep no part of an answer. */
export const waysToCall: readonly (readonly [string, BytesOf])[] = [
  ['handle', handle],
  ['exchange', exchange],
];

/** A server that answers each request by hand, on its bare connection. */
export async function bareServer(
  answer: (socket: Socket) => void,
  connected: (socket: Socket) => void = () => undefined,
  port = 0,
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    connected(socket);
    socket.on('error', () => undefined).on('data', () => answer(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An error of Node's own is of another realm than a test is. */
export function ofThisRealm(error: unknown): Error {
  const { name, message, code, syscall } = error as Error & { code?: string; syscall?: string };
  return Object.assign(new Error(message), { name, code, syscall });
}

export async function faultOf(call: Promise<unknown>): Promise<Error> {
  return ofThisRealm(
    await call.then(
      () => new Error('there was no fault'),
      (fault: unknown) => fault,
    ),
  );
}

/** For so many turns of the event loop at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !condition(); turn++) await soon();
}

export const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const text = (body: unknown): string => Buffer.from(body as Uint8Array).toString();
