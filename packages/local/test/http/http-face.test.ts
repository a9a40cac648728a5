import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
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

async function post(body: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', path: '/a/b' });
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
    // Longer than what a slow client is given: two others are cut meanwhile, one after the other.
    for (let round = 0; round < 2; round++) await once(connect(server.port, '127.0.0.1').resume(), 'close');
    socket.write(ask);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});

/** Waits until the server holds so many connections. */
async function connectionsLeft(count: number): Promise<void> {
  while (server.connectionCount === 0) await new Promise((resolve) => setImmediate(resolve));
  while (server.connectionCount !== count) await new Promise((resolve) => setImmediate(resolve));
}
