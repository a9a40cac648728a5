import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { httpFace } from '../../src/http/http-face';
import { listen, type LoopbackServer } from '../../src/http/loopback-server';
import type { Outcome, Service, ServiceReply, ServiceRequest } from '../../src/service/service';

const replyOf = (body: string, statusCode = 200): ServiceReply => ({ statusCode, headers: { 'x-from': 'test' }, body });

const service: Service = {
  callOf: () => ({
    service: 'kinesis',
    operation: undefined,
    resource: undefined,
    shardId: undefined,
    accessKeyId: undefined,
  }),
  answer: () => replyOf('unused'),
  refuse: (_, { errorName, statusCode }) => replyOf(errorName, statusCode),
};

let server: LoopbackServer;
let requests: ServiceRequest[];

async function serve(outcome: Outcome, clientTimeoutMs = 60_000): Promise<void> {
  requests = [];
  const exchange = async (request: ServiceRequest): Promise<Outcome> => {
    requests.push(request);
    return outcome;
  };
  server = await listen(
    { host: '127.0.0.1', port: 0, clientTimeoutMs },
    httpFace({ service, exchange, maxBodyBytes: 1_000 }),
  );
}

afterEach(() => server.close());

async function post(
  body: string,
  options: RequestOptions = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', path: '/a/b', ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

async function postHttp2(send: (stream: ClientHttp2Stream) => void): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  session.on('error', () => undefined);
  try {
    const stream = session.request({ ':method': 'POST', ':path': '/a/b' });
    send(stream);
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    if (stream.rstCode !== 0) throw new Error(`reset with ${stream.rstCode}`);
    return text;
  } finally {
    session.destroy();
  }
}

describe('the HTTP face', () => {
  it('brings requests and replies over both versions', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') });
    expect(await post('one')).toEqual({ status: 200, text: 'hello' });
    expect(await postHttp2((stream) => stream.end('two'))).toBe('hello');
    expect(requests.map(({ method, path, body }) => [method, path, Buffer.from(body).toString()])).toEqual([
      ['POST', '/a/b', 'one'],
      ['POST', '/a/b', 'two'],
    ]);
    expect(requests.flatMap(({ headers }) => Object.keys(headers)).filter((name) => name.startsWith(':'))).toEqual([]);
  });

  it('resets the connection when the service is out of reach', async () => {
    await serve({ kind: 'reset' });
    await expect(post('x')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(postHttp2((stream) => stream.end('x'))).rejects.toThrow();
    expect(requests).toHaveLength(2);
  });

  it('breaks an answer off in the middle of its body', async () => {
    await serve({ kind: 'cut-reply', reply: replyOf('x'.repeat(100)) });
    await expect(post('x')).rejects.toMatchObject({ message: 'aborted', code: 'ECONNRESET' });
    await expect(postHttp2((stream) => stream.end('x'))).rejects.toThrow();
  });

  it('pauses in the middle of the body, and then goes on or resets the connection', async () => {
    for (const goesOn of [true, false]) {
      let resume: (value: boolean) => void = () => undefined;
      const resumed = new Promise<boolean>((resolve) => (resume = resolve));
      await serve({ kind: 'paused-reply', reply: replyOf('x'.repeat(100)), resumed });
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx');
      let seen = '';
      await new Promise<void>((resolve) =>
        socket.on('data', (chunk) => {
          seen += String(chunk);
          if (seen.endsWith('x'.repeat(50))) resolve();
        }),
      );
      expect(seen).toMatch(/\r\n\r\nx{50}$/);
      resume(goesOn);
      await new Promise((resolve) => socket.once(goesOn ? 'data' : 'close', resolve));
      expect(seen).toMatch(goesOn ? /\r\n\r\nx{100}$/ : /\r\n\r\nx{50}$/);
      socket.destroy();
      if (goesOn) await server.close();
    }
  });

  it('refuses a body that does not arrive in time, cuts that client, and serves the next', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
    let seen = '';
    socket.on('data', (chunk) => (seen += String(chunk)));
    await once(socket, 'close');
    expect(seen).toMatch(/^HTTP\/1\.1 408 .*RequestTimeoutException$/s);
    expect(await postHttp2((stream) => stream.write('half'))).toBe('RequestTimeoutException');
    expect(requests).toEqual([]);
    expect(await post('x')).toEqual({ status: 200, text: 'hello' });
  });

  it('cuts a client that says nothing, or only half of what it speaks', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const silent = connect(server.port, '127.0.0.1');
    const half = connect(server.port, '127.0.0.1');
    half.write('PR');
    await Promise.all([once(silent.resume(), 'close'), once(half.resume(), 'close')]);
    expect((await post('x')).status).toBe(200);
  });

  it('cuts a client whose headers do not arrive in time, at the beginning and later on a connection', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nho');
    const later = connect(server.port, '127.0.0.1');
    later.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx');
    await once(later, 'data');
    later.write('POST / HTTP/1.1\r\nho');
    await Promise.all([once(socket.resume(), 'close'), once(later.resume(), 'close')]);
    expect(requests).toHaveLength(1);
  });

  it('cuts a client that begins to speak HTTP/2 and gets no further', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const inPreface = connect(server.port, '127.0.0.1');
    inPreface.write('PRI * HTTP/2.0\r\n\r\nSM');
    const inSettings = connect(server.port, '127.0.0.1');
    inSettings.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0');
    await Promise.all([once(inPreface.resume(), 'close'), once(inSettings.resume(), 'close')]);
  });

  it('lets an idle HTTP/2 session be', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 50);
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    await once(session, 'remoteSettings');
    await othersAreCut(2);
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end('x');
    expect((await answerOf(stream)).text).toBe('hello');
    session.destroy();
  });

  it('answers who sends too much or too slowly over HTTP/1.1, and then cuts it', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    for (const [byteCount, status] of [
      [1_000, 413],
      [1, 408],
    ] as const) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      let seen = '';
      socket.on('data', (chunk) => (seen += String(chunk)));
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n');
      await writeUntilClosed(socket, byteCount);
      expect(seen).toMatch(new RegExp(`^HTTP/1.1 ${status} .*Exception$`, 's'));
    }
    await connectionsLeft(0);
    expect(requests).toEqual([]);
  });

  it('answers who sends too much or too slowly over HTTP/2, then cuts that stream, and none beside it', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    for (const [byteCount, status] of [
      [1_000, 413],
      [1, 408],
    ] as const) {
      const stream = session.request({ ':method': 'POST', ':path': '/' });
      stream.on('error', () => undefined);
      const answer = answerOf(stream);
      await writeUntilClosed(stream, byteCount);
      expect(await answer).toEqual({ status, text: expect.stringMatching('Exception$') as unknown });
      expect(stream.rstCode).toBe(0);
    }
    const next = session.request({ ':method': 'POST', ':path': '/' });
    next.end('x');
    expect((await answerOf(next)).text).toBe('hello');
    session.destroy();
  });

  it('cuts a stream of HTTP/2 whose client takes no answer to what it sends too slowly', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 100);
    const session = connectHttp2(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => undefined);
    stream.write('half');
    await once(stream, 'close').catch(() => undefined);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    session.destroy();
  });

  it('lets no page in a browser reach the service, but has it answer what is asked beforehand', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') });
    const headers = { origin: 'http://example.com' };
    expect(await post('x', { headers })).toEqual({ status: 403, text: 'AccessDeniedException' });
    expect(await post('', { headers, method: 'GET' })).toEqual({ status: 403, text: 'AccessDeniedException' });
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
    stream.end('x');
    expect((await answerOf(stream)).status).toBe(403);
    session.destroy();
    expect(requests).toEqual([]);
    await post('', { headers, method: 'OPTIONS' });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['HTTP/1.1', leaveHttp1],
    ['HTTP/2', leaveHttp2],
  ])('does not wait for a client of %s that has left before its answer', async (_, leaveInTheMiddle) => {
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    let reply: (outcome: Outcome) => void = () => undefined;
    const outcome = new Promise<Outcome>((resolve) => (reply = resolve));
    const exchange = (): Promise<Outcome> => (arrive(), outcome);
    const face = httpFace({ service, exchange, maxBodyBytes: 1_000 });
    const waits: Promise<unknown>[] = [];
    server = await listen({ host: '127.0.0.1', port: 0, clientTimeoutMs: 60_000 }, (request, response, connection) => {
      response.on('close', () => reply({ kind: 'reply', reply: replyOf('late') }));
      const within: typeof connection.within = (promise) => {
        const wait = connection.within(promise);
        waits.push(wait);
        return wait;
      };
      face(request, response, { ...connection, within });
    });
    await leaveInTheMiddle(arrived);
    await outcome;
    const [body, answer] = await untilTrue(() => (waits.length === 2 ? waits : undefined));
    expect(await body).toMatchObject({ kind: 'complete' });
    expect(await answer).toBeDefined();
  });

  it('cuts a client that does not take its answer', async () => {
    await serve({ kind: 'reply', reply: replyOf('x'.repeat(32 * 1024 * 1024)) }, 200);
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    // Nobody reads: the answer stays with the server until it gives up. Only then is the rest of it gone.
    socket.pause();
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx');
    await connectionsLeft(0);
    socket.destroy();
  });

  it('lets an idle connection be: it is cut by nobody', async () => {
    await serve({ kind: 'reply', reply: replyOf('hello') }, 50);
    const socket = connect(server.port, '127.0.0.1');
    const ask = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx';
    socket.write(ask);
    await once(socket, 'data');
    await othersAreCut(2);
    socket.write(ask);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});

/** Waits until the server holds so many connections. */
async function connectionsLeft(count: number): Promise<void> {
  while (server.connectionCount === 0) await soon();
  while (server.connectionCount !== count) await soon();
}

/** For longer than a slow client is given: others are cut meanwhile, one after the other. */
async function othersAreCut(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await once(connect(server.port, '127.0.0.1').resume(), 'close');
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function untilTrue<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await soon();
  }
}

/** Never ends what it sends, and stops only when the other side has had enough. */
async function writeUntilClosed(stream: Duplex, byteCount: number): Promise<void> {
  while (!stream.closed && !stream.destroyed) {
    stream.write(Buffer.alloc(byteCount, 'x'));
    await soon();
  }
  if (!stream.closed) await once(stream, 'close');
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ readonly status: unknown; readonly text: string }> {
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  const ended = once(stream, 'end');
  const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>];
  await ended;
  return { status: headers[':status'], text };
}

async function leaveHttp1(arrived: Promise<void>): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx');
  await arrived;
  socket.destroy();
}

async function leaveHttp2(arrived: Promise<void>): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  session
    .request({ ':method': 'POST', ':path': '/' })
    .on('error', () => undefined)
    .end('x');
  await arrived;
  session.destroy();
}
