import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { HttpHandler, maxSockets } from '../src/http-handler';
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

  it('takes the final answer, not an informational one before it', async () => {
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

  it('does not send what was aborted while it waited for a connection', async () => {
    const release: (() => void)[] = [];
    const { endpoint, received } = await serve((response) => release.push(() => response.end('{}')));
    const handler = aHandler();
    const first = Array.from({ length: maxSockets }, () => handler.handle(requestTo(endpoint)));
    const abort = new AbortController();
    const late = handler.handle(requestTo(endpoint, { path: '/late' }), { abortSignal: abort.signal });
    while (release.length < maxSockets) await soon();
    abort.abort();
    await expect(late).rejects.toMatchObject({ name: 'AbortError' });
    for (const each of release) each();
    await Promise.all(first);
    await handler.handle(requestTo(endpoint, { path: '/other' })).catch(() => undefined);
    expect(received.map(({ path }) => path)).not.toContain('/late');
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

  it('keeps no listener at the signal of a call that has ended', async () => {
    const { endpoint } = await serve((response) => response.end('{}'));
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: [string, () => void]) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: [string, () => void]) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await aHandler().handle(requestTo(endpoint), { abortSignal: signal });
    expect(listeners).toBe(0);
  });

  it('fails as what was not sent when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const error = await aHandler()
      .handle(requestTo(`http://127.0.0.1:${port}`))
      .catch((fault: unknown) => fault);
    // An error of Node's own is of another realm than a test is.
    const same = Object.assign(new Error(), { ...(error as object) });
    expect(same).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    expect([isTransient(same), isCutOff(same)]).toEqual([true, false]);
  });

  it('does not repeat what may have been sent', async () => {
    const { endpoint, received } = await serve((response, call) => {
      if (call === 0) response.end('{}');
      else response.destroy();
    });
    const handler = aHandler();
    await handler.handle(requestTo(endpoint));
    await expect(handler.handle(requestTo(endpoint))).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    await soon();
    expect(received).toHaveLength(2);
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
});
