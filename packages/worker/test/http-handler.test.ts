import { getEventListeners, once, setMaxListeners } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { maxSockets } from '../src/connection-pool';
import { HttpHandler } from '../src/http-handler';
import type { HttpRequest } from '../src/wire-types';
import { closeAll, configuration, open } from './support/direct-clients';
import { recordingServer, type RecordingServer } from './support/wire';

afterEach(closeAll);

function aHandler(): HttpHandler {
  const handler = new HttpHandler();
  open.push(() => handler.destroy());
  return handler;
}

async function serve(...answer: Parameters<typeof recordingServer>): Promise<RecordingServer> {
  const server = await recordingServer(...answer);
  open.push(() => server.close());
  return server;
}

function requestTo(endpoint: string, changes: Partial<HttpRequest> = {}): HttpRequest {
  const { protocol, hostname, port } = new URL(endpoint);
  return {
    ...{ protocol, hostname, port: Number(port), method: 'POST', path: '/', query: {} },
    ...{ headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}', ...changes },
  };
}

/** A server that answers each request by hand, on its bare connection. */
async function bareServer(
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
function ofThisRealm(error: unknown): Error {
  const { name, message, code, syscall } = error as Error & { code?: string; syscall?: string };
  return Object.assign(new Error(message), { name, code, syscall });
}

async function faultOf(call: Promise<unknown>): Promise<Error> {
  return ofThisRealm(
    await call.then(
      () => new Error('there was no fault'),
      (fault: unknown) => fault,
    ),
  );
}

/** For so many turns of the event loop at most. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !condition(); turn++) await soon();
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const text = (body: unknown): string => Buffer.from(body as Uint8Array).toString();

describe('HttpHandler', () => {
  it('answers whole, with the head', async () => {
    const { endpoint, received } = await serve((response) => {
      response.setHeader('x-several', ['a', 'b']).writeHead(400, { 'X-Amzn-RequestId': 'r1' });
      response.write('{"one":');
      setImmediate(() => response.end('1}'));
    });
    const { response } = await aHandler().handle(requestTo(endpoint, { query: { a: 'b c' }, body: '{"two":2}' }));
    expect(response).toMatchObject({ statusCode: 400, headers: { 'x-amzn-requestid': 'r1', 'x-several': 'a, b' } });
    expect(text(response.body)).toBe('{"one":1}');
    expect(received).toMatchObject([{ method: 'POST', path: '/?a=b%20c', body: '{"two":2}' }]);
  });

  it('carries the calls of an SDK client, errors too', async () => {
    const { endpoint } = await serve((response, call) => {
      if (call === 0) response.end('{"Table":{"TableName":"leases"}}');
      else response.writeHead(400).end('{"__type":"x#ResourceNotFoundException","message":"gone"}');
    });
    const client = new DynamoDBClient({ ...configuration, endpoint, requestHandler: aHandler() as never });
    const describeTable = (): DescribeTableCommand => new DescribeTableCommand({ TableName: 'leases' });
    expect(await client.send(describeTable())).toMatchObject({ Table: { TableName: 'leases' } });
    await expect(client.send(describeTable())).rejects.toMatchObject({
      ...{ name: 'ResourceNotFoundException', message: 'gone' },
    });
  });

  it('takes the final answer, not one before it that says that it is being worked on', async () => {
    const { endpoint } = await serve((response) => {
      response.writeProcessing();
      response.end('{}');
    });
    const { response } = await aHandler().handle(requestTo(endpoint));
    expect([response.statusCode, text(response.body)]).toEqual([200, '{}']);
  });

  it(`has ${maxSockets} connections at most, and answers all that wait for one`, async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    const server = await serve((response) => {
      most = Math.max(most, server.sockets.size);
      waiting.push(() => response.end('{}'));
    });
    const handler = aHandler();
    const calls = Array.from({ length: 3 * maxSockets }, () => handler.handle(requestTo(server.endpoint)));
    let answered = 0;
    for (const call of calls) void call.then(() => answered++);
    while (answered < calls.length) {
      waiting.shift()?.();
      await soon();
    }
    expect(most).toBe(maxSockets);
  });

  it('does not send what was aborted while it waited for a connection, and leaves that connection to others', async () => {
    const release: (() => void)[] = [];
    let isHeld = true;
    let connections = 0;
    const server = await serve((response) => {
      connections = Math.max(connections, server.sockets.size);
      if (isHeld) release.push(() => response.end('{}'));
      else response.end('{}');
    });
    const all = new Set<Socket>();
    const handler = aHandler();
    const call = (path: string, abortSignal?: AbortSignal): Promise<unknown> =>
      handler.handle(requestTo(server.endpoint, { path }), { abortSignal });
    const first = Array.from({ length: maxSockets }, () => call('/'));
    const abort = new AbortController();
    setMaxListeners(0, abort.signal);
    const late = Array.from({ length: maxSockets }, () => call('/late', abort.signal));
    while (release.length < maxSockets) await soon();
    for (const socket of server.sockets) all.add(socket);
    abort.abort();
    for (const each of late) await expect(each).rejects.toMatchObject({ name: 'AbortError' });
    isHeld = false;
    for (const each of release) each();
    await Promise.all(first);
    await Promise.all(Array.from({ length: 2 * maxSockets }, () => call('/other')));
    for (const socket of server.sockets) all.add(socket);
    expect(new Set(server.received.map(({ path }) => path))).toEqual(new Set(['/', '/other']));
    expect([connections, all.size]).toEqual([maxSockets, maxSockets]);
  });

  it('sends nothing that is aborted from the start', async () => {
    const { endpoint, received, sockets } = await serve((response) => response.end('{}'));
    const abortSignal = AbortSignal.abort(new Error('stopped'));
    const handler = aHandler();
    await expect(handler.handle(requestTo(endpoint), { abortSignal })).rejects.toThrow('stopped');
    expect(sockets.size).toBe(0);
    await handler.handle(requestTo(endpoint, { path: '/other' }));
    expect(received.map(({ path }) => path)).toEqual(['/other']);
  });

  it.each(['an answer', 'a fault'])('keeps no listener at the signal of a call that has ended with %s', async (how) => {
    const { endpoint } = await serve((response) => (how === 'a fault' ? response.destroy() : response.end('{}')));
    const { signal } = new AbortController();
    const call = aHandler().handle(requestTo(endpoint), { abortSignal: signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await call.catch(() => undefined);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('fails as what was not sent when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const error = await faultOf(aHandler().handle(requestTo(`http://127.0.0.1:${port}`)));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    expect([isTransient(error), isCutOff(error)]).toEqual([true, false]);
  });

  describe.each([
    ['of which the head is cut', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['with a length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}'],
    [
      'with a length, the last on its connection',
      'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{}',
    ],
    ['with a length, of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\n{}'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n'],
    [
      'in chunks, the last on its connection',
      'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n',
    ],
    ['that does not say where it ends', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}'],
    ['of an encoding that has no end', 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: gzip\r\n\r\n{}'],
    ['without a body, that does not say where it ends', 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('an answer %s', (_, text) => {
    it.each(['end', 'resetAndDestroy'] as const)('that is cut off by %s is no answer', async (how) => {
      const endpoint = await bareServer((socket) => socket.write(text, () => setImmediate(() => socket[how]())));
      const error = await faultOf(aHandler().handle(requestTo(endpoint)));
      expect([error.message, isTransient(error), isCutOff(error)]).toEqual([expect.any(String), true, true]);
    });
  });

  it('does not repeat what may have been sent', async () => {
    const used = new Set<unknown>();
    const server = await serve((response, call) => {
      used.add(response.socket);
      if (call === 0) response.end('{}');
      else response.destroy();
    });
    const handler = aHandler();
    await handler.handle(requestTo(server.endpoint));
    // Then it is free for the next call.
    for (let turn = 0; turn < 3; turn++) await soon();
    await expect(handler.handle(requestTo(server.endpoint))).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    await handler.handle(requestTo(server.endpoint)).catch(() => undefined);
    expect(used.size).toBe(2);
    expect(server.received).toHaveLength(3);
  });

  it('closes its connections in the end', async () => {
    const server = await serve((response) => response.end('{}'));
    const handler = aHandler();
    await handler.handle(requestTo(server.endpoint));
    const [socket] = server.sockets;
    if (socket === undefined) throw new Error('there is no connection');
    const closed = once(socket, 'close');
    handler.destroy();
    await closed;
    await expect(handler.handle(requestTo(server.endpoint))).rejects.toThrow();
  });

  it('ends calls that are under way when it is destroyed', async () => {
    let arrived = 0;
    const { endpoint } = await serve(() => arrived++);
    const handler = aHandler();
    const calls = Promise.allSettled([1, 2, 3].map(() => handler.handle(requestTo(endpoint))));
    while (arrived < 3) await soon();
    handler.destroy();
    const reasons = (await calls).map((call) => (call.status === 'rejected' ? ofThisRealm(call.reason).message : ''));
    expect(reasons).toEqual(Array(3).fill('the clients were destroyed'));
  });

  // While the name is looked up there is time for the one connection to close, and for the end, before there is the other one.
  it.each(Array.from({ length: 14 }, (_, turns) => turns))(
    'connects no more when it was destroyed, though its only connection had just been closed: %d turns later',
    async (turns) => {
      let connections = 0;
      const endpoint = await bareServer(
        () => undefined,
        () => connections++,
      );
      const request = requestTo(endpoint.replace('127.0.0.1', 'localhost'));
      const handler = aHandler();
      const abort = new AbortController();
      const first = handler.handle(request, { abortSignal: abort.signal });
      while (connections === 0) await soon();
      for (let turn = 0; turn < 3; turn++) await soon();
      const calls = Promise.allSettled([first, handler.handle(request)]);
      abort.abort();
      for (let turn = 0; turn < turns; turn++) await soon();
      handler.destroy();
      expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      for (let turn = 0; turn < 100; turn++) await soon();
      expect(connections).toBeLessThanOrEqual(3);
    },
    20_000,
  );

  it(`has ${maxSockets} connections at most after nobody listened, and none once it is destroyed`, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const handler = aHandler();
    const request = requestTo(`http://127.0.0.1:${port}`);
    const early = Promise.allSettled(Array.from({ length: 3 * maxSockets }, () => handler.handle(request)));
    const sockets = new Set<Socket>();
    let most = 0;
    await bareServer(
      () => undefined,
      (socket) => {
        most = Math.max(most, sockets.add(socket).size);
        socket.on('close', () => sockets.delete(socket));
      },
      port,
    );
    const late = Promise.allSettled(Array.from({ length: maxSockets }, () => handler.handle(request)));
    await until(() => sockets.size === maxSockets);
    for (let turn = 0; turn < 100; turn++) await soon();
    expect(most).toBe(maxSockets);
    handler.destroy();
    const all = [...(await early), ...(await late)];
    expect(all.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await until(() => sockets.size === 0);
    expect(sockets.size).toBe(0);
  }, 20_000);

  it('goes on after more calls than connections that cannot be sent as they are', async () => {
    const held: (() => void)[] = [];
    const { endpoint } = await serve((response, call) => {
      if (call < maxSockets) held.push(() => response.end('{}'));
      else response.end('{}');
    });
    const handler = aHandler();
    const first = Array.from({ length: maxSockets }, () => handler.handle(requestTo(endpoint)));
    await until(() => held.length === maxSockets);
    const refused = Array.from({ length: 100 * maxSockets }, (_, index) => {
      const headers = index % 2 === 0 ? { 'x-amz-security-token': 'token\n' } : { expect: '100-continue' };
      return faultOf(handler.handle(requestTo(endpoint, { headers })));
    });
    const last = handler.handle(requestTo(endpoint));
    for (const answer of held) answer();
    await Promise.all(first);
    for (const call of refused) expect((await call).message).toMatch(/invalid|not supported/);
    expect((await last).response.statusCode).toBe(200);
  }, 20_000);

  it('leaves alone what it aborts: no connection is made in its place', async () => {
    let connections = 0;
    const endpoint = await bareServer(
      () => undefined,
      () => connections++,
    );
    const handler = aHandler();
    const abort = new AbortController();
    setMaxListeners(0, abort.signal);
    const calls = Promise.allSettled(
      Array.from({ length: 20 }, () => handler.handle(requestTo(endpoint), { abortSignal: abort.signal })),
    );
    await until(() => connections === 20);
    for (let turn = 0; turn < 100; turn++) await soon();
    abort.abort();
    await calls;
    for (let turn = 0; turn < 100; turn++) await soon();
    expect(connections).toBe(20);
  });

  it('ends what is being connected when it is destroyed', async () => {
    const sockets = new Set<Socket>();
    // It never says a word of TLS.
    const endpoint = await bareServer(
      () => undefined,
      (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))),
    );
    const handler = aHandler();
    const call = faultOf(handler.handle(requestTo(endpoint.replace('http:', 'https:'))));
    await until(() => sockets.size === 1);
    handler.destroy();
    expect((await call).message).toBe('the clients were destroyed');
    await until(() => sockets.size === 0);
    expect(sockets.size).toBe(0);
  });

  it.each([
    ['is being made', 0],
    ['is idle until then', 1],
  ])(
    'leaves the connection of a call that was not sent when it was aborted to the next one: it %s',
    async (_, before) => {
      let connections = 0;
      const endpoint = await bareServer(
        (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'),
        () => connections++,
      );
      const handler = aHandler();
      for (let call = 0; call < before; call++) await handler.handle(requestTo(endpoint));
      const abort = new AbortController();
      const aborted = handler.handle(requestTo(endpoint), { abortSignal: abort.signal });
      abort.abort();
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
      await until(() => connections > 0);
      for (let turn = 0; turn < 10; turn++) await soon();
      expect((await handler.handle(requestTo(endpoint))).response.statusCode).toBe(200);
      expect(connections).toBe(1);
    },
  );

  it('tells a call for which an idle connection broke from one that was sent', async () => {
    const sockets: Socket[] = [];
    let requests = 0;
    const endpoint = await bareServer(
      (socket) => {
        requests++;
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
      },
      (socket) => sockets.push(socket),
    );
    const handler = aHandler();
    await handler.handle(requestTo(endpoint));
    for (let turn = 0; turn < 10; turn++) await soon();
    sockets[0]?.resetAndDestroy();
    const fault = await faultOf(handler.handle(requestTo(endpoint)));
    expect(fault.message).toBe('the connection broke before the call was sent');
    expect([isTransient(fault), isCutOff(fault), requests]).toEqual([true, false, 1]);
  });

  it('makes no call after it was destroyed, to whatever endpoint', async () => {
    const server = await serve((response) => response.end('{}'));
    const handler = aHandler();
    handler.destroy();
    await expect(handler.handle(requestTo(server.endpoint))).rejects.toThrow();
    expect(server.received).toEqual([]);
  });
});
