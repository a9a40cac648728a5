import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws, type LocalAws } from '../../src/local-aws';

let aws: LocalAws;
let port: number;

beforeEach(async () => {
  aws = await startLocalAws({ clock: new ManualClock(), streams: [{ name: 'flights', shardCount: 1 }] });
  port = Number(new URL(aws.kinesisEndpoint).port);
});
afterEach(() => aws.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly __type?: string; readonly message?: string; readonly [key: string]: unknown };
}

async function post(
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
): Promise<Answer> {
  const request = httpRequest({
    port,
    method,
    headers: { 'x-amz-target': 'Kinesis_20131202.ListStreams', ...headers },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) as Answer['body'] };
}

const target = (name: string): Record<string, string> => ({ 'x-amz-target': `Kinesis_20131202.${name}` });

describe('the Kinesis port', () => {
  it('answers in JSON 1.1, with a request id and the date of its own clock', async () => {
    const { status, headers, body } = await post('{}');
    expect(status).toBe(200);
    expect(body).toMatchObject({ StreamNames: ['flights'] });
    expect(headers['content-type']).toBe('application/x-amz-json-1.1');
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.date).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
  });

  it.each(['', '{', 'null', '[]', '5', '"text"', '\u0000'])('refuses a body of %j as not serialised', async (text) => {
    const { status, body } = await post(text);
    expect({ status, type: body.__type }).toEqual({ status: 400, type: 'SerializationException' });
  });

  it('refuses a blob that is not base64', async () => {
    const input = { StreamName: 'flights', PartitionKey: 'k', Data: 'a=b?' };
    const { status, body } = await post(JSON.stringify(input), target('PutRecord'));
    expect({ status, type: body.__type }).toEqual({ status: 400, type: 'SerializationException' });
  });

  it.each(['Kinesis_20131202.Nothing', 'Kinesis_20131202.__proto__', 'DynamoDB_20120810.ListTables', 'x', ''])(
    'refuses the target %j as an unknown operation',
    async (name) => {
      const { status, body } = await post('{}', { 'x-amz-target': name });
      expect({ status, type: body.__type }).toEqual({ status: 400, type: 'UnknownOperationException' });
    },
  );

  it('refuses other methods', async () => {
    const { status, body } = await post('', {}, 'GET');
    expect({ status, type: body.__type }).toEqual({ status: 400, type: 'UnknownOperationException' });
  });

  it('says what is wrong by the names of AWS', async () => {
    const { status, body } = await post('{"StreamName":"none"}', target('DescribeStreamSummary'));
    expect(status).toBe(400);
    expect(body).toEqual({
      __type: 'ResourceNotFoundException',
      message: 'Stream none under account 000000000000 not found.',
    });
  });

  it('refuses a body that is too large, closes that connection, and goes on', async () => {
    const { status, headers, body } = await post(Buffer.alloc(18 * 1024 * 1024, 'x'));
    expect(status).toBe(413);
    expect(body.__type).toBe('RequestEntityTooLargeException');
    expect(headers.connection).toBe('close');
    expect((await post('{}')).status).toBe(200);
  });

  it('outlives clients that go away, send nonsense, or say nothing', async () => {
    const silent = connect(port);
    await once(silent, 'connect');
    const send = async (text: string): Promise<Socket> => {
      const socket = connect(port);
      socket.on('error', () => undefined).resume();
      await new Promise((resolve) => socket.write(text, resolve));
      return socket;
    };
    (await send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"half')).resetAndDestroy();
    (await send('PR')).destroy();
    (await send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).resetAndDestroy();
    await once(await send('PRIMITIVE nonsense\r\n\r\n'), 'close');
    await once(await send('\u0000\u0001 nonsense\r\n\r\n'), 'close');
    expect((await post('{}')).status).toBe(200);
    silent.destroy();
  });

  it('speaks HTTP/1.1 to a client that sends byte by byte', async () => {
    const socket = connect({ port, noDelay: true });
    const text =
      'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Kinesis_20131202.ListStreams\r\ncontent-length: 2\r\n\r\n{}';
    for (const character of text) await new Promise((resolve) => socket.write(character, resolve));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    socket.destroy();
  });

  it('speaks HTTP/2 to a client that just begins with it', async () => {
    const session = connectHttp2(aws.kinesisEndpoint);
    const aborted = session.request({ ':method': 'POST', ...target('ListStreams') });
    aborted.on('error', () => undefined);
    aborted.write('{"half');
    aborted.close(8);
    const stream = session.request({ ':method': 'POST', ...target('ListStreams') });
    stream.end('{}');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ StreamNames: ['flights'] });
    session.destroy();
  });

  it('refuses a body that is too large over HTTP/2', async () => {
    const session = connectHttp2(aws.kinesisEndpoint);
    const stream = session.request({ ':method': 'POST', ...target('ListStreams') });
    stream.end(Buffer.alloc(18 * 1024 * 1024, 'x'));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(413);
    session.destroy();
  });
});
