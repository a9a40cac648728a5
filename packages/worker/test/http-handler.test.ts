import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { closeAll, configuration } from './support/direct-clients';
import {
  aHandler,
  bareServer,
  faultOf,
  requestTo,
  serve,
  soon,
  text,
  until,
  waysToCall,
} from './support/http-handlers';

afterEach(closeAll);

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

  it.each(waysToCall)('puts answers together that come in many pieces, several at once: %s', async (_, bytesOf) => {
    const bodies = [300_000, 5_000_000, 7_000_000, 200_000].map((length, call) => String(call).repeat(length));
    const { endpoint } = await serve((response, call) => {
      const body = bodies[call % bodies.length]!;
      // The last one does not say how long it is.
      if (call % bodies.length < 3) response.setHeader('content-length', body.length);
      for (let at = 0; at < body.length; at += 50_000) response.write(body.slice(at, at + 50_000));
      response.end();
    });
    const handler = aHandler();
    const answers: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const turnsAnswers = await Promise.all(bodies.map(() => bytesOf(handler, requestTo(endpoint))));
      answers.push(...turnsAnswers.map(text));
    }
    expect(answers.sort()).toEqual([...bodies, ...bodies].sort());
  });

  it('leaves an answer as it is when the next one comes', async () => {
    const { endpoint } = await serve((response, call) => {
      response.setHeader('content-length', 300_000);
      for (let piece = 0; piece < 10; piece++) response.write(String(call).repeat(30_000));
      response.end();
    });
    const handler = aHandler();
    const first = await handler.handle(requestTo(endpoint));
    await handler.handle(requestTo(endpoint));
    expect(text(first.response.body)).toBe('0'.repeat(300_000));
  });

  it.each(waysToCall)(
    'keeps an answer that was aborted amid its pieces apart from those behind it: %s',
    async (_, bytesOf) => {
      const length = 300_000;
      const { endpoint } = await serve((response, call) => {
        response.setHeader('content-length', length);
        const body = String(call % 10).repeat(length);
        response.write(body.slice(0, length / 2));
        const end = (): unknown => response.end(body.slice(length / 2));
        // The rest of the first one is on its way when it is aborted.
        if (call === 0) ends.push(end);
        else setImmediate(end);
      });
      const ends: (() => void)[] = [];
      const handler = aHandler();
      const stopping = new AbortController();
      const first = bytesOf(handler, requestTo(endpoint), stopping.signal);
      const stopped = expect(first).rejects.toThrow('stopped');
      await until(() => ends.length === 1);
      // Behind this answer half of the first one has come, too.
      await bytesOf(handler, requestTo(endpoint));
      const others = [2, 3, 4].map(() => bytesOf(handler, requestTo(endpoint)));
      stopping.abort(new Error('stopped'));
      for (const end of ends) end();
      await stopped;
      expect((await Promise.all(others)).map(text).sort()).toEqual(['2', '3', '4'].map((sign) => sign.repeat(length)));
    },
  );

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
});
