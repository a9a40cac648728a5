import { once, setMaxListeners } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { maxSockets } from '../src/connection-pool';
import { closeAll } from './support/direct-clients';
import { aHandler, bareServer, faultOf, ofThisRealm, requestTo, serve, soon, until } from './support/http-handlers';

afterEach(closeAll);

describe('the connections of an HttpHandler', () => {
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

  it('does not use the connection again on which a call got no answer', async () => {
    const used: Socket[] = [];
    const endpoint = await bareServer((socket) => {
      used.push(socket);
      // From then on it is as if the way there had gone.
      if (used.length !== 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
    const handler = aHandler();
    await handler.handle(requestTo(endpoint));
    const abort = new AbortController();
    const silent = handler.handle(requestTo(endpoint), { abortSignal: abort.signal });
    await until(() => used.length === 2);
    abort.abort();
    await expect(silent).rejects.toMatchObject({ name: 'AbortError' });
    expect((await handler.handle(requestTo(endpoint))).response.statusCode).toBe(200);
    expect(new Set(used).size).toBe(2);
  });
});
