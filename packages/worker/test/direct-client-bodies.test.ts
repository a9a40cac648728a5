import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { DirectClient } from '../src/direct-client';
import {
  clientsTo,
  closeAll,
  configuration,
  getItem,
  getRecords,
  open,
  outcomeOf,
  resolvedClient,
  resolvedOwnClient,
} from './support/direct-clients';
import { recordingServer } from './support/wire';

afterEach(closeAll);

describe('DirectClient, reading an answer', () => {
  it('takes the null that Kinesis ends a shard with as the SDK does', async () => {
    const page = '{"MillisBehindLatest":0,"NextShardIterator":null,"Records":[]}';
    const server = await recordingServer((response) => response.end(page));
    open.push(() => server.close());
    const { direct, sdk } = clientsTo(KinesisClient, server.endpoint);
    await direct.send(getRecords());
    const outcome = await outcomeOf(direct, getRecords());
    expect(outcome).toEqual(await outcomeOf(sdk, getRecords()));
    expect(outcome).toEqual({ answer: { MillisBehindLatest: 0, Records: [] } });
  });

  it.each<[string, (text: string) => unknown]>([
    ['bytes', (text) => Buffer.from(text)],
    ['a web stream', (text) => new Response(text).body],
    ['a blob', (text) => new Blob([text])],
    ['a stream', (text) => Readable.from([Buffer.from(text)])],
    ['a stream of plain bytes', (text) => Readable.from([new TextEncoder().encode(text)])],
    [
      'a stream of plain bytes, one by one',
      (text) => Readable.from([...Buffer.from(text)].map((byte) => Uint8Array.of(byte))),
    ],
  ])('takes %s from a request handler of the user’s', async (_, bodyOf) => {
    const requestHandler = {
      handle: async () => ({
        response: { statusCode: 200, headers: {}, body: bodyOf('{"Item":{"leaseKey":{"S":"ä"}}}') as never },
      }),
    };
    const direct = new DirectClient(new DynamoDBClient({ ...configuration, requestHandler }));
    for (let call = 0; call < 2; call++) {
      expect(await direct.send(getItem())).toMatchObject({ Item: { leaseKey: { S: 'ä' } } });
    }
  });

  it('keeps answers apart whose ends come in the same turn', async () => {
    const ends: (() => void)[] = [];
    const requestHandler = {
      handle: async () => {
        const call = ends.length;
        const text = `{"Item":{"leaseKey":{"S":"${String(call).repeat(1_000)}"}}}`;
        const stream = new Readable({ read: () => undefined });
        for (const piece of [text.slice(0, 500), text.slice(500)]) stream.push(piece);
        ends.push(() => stream.push(null));
        if (call === 0) stream.push(null);
        return { response: { statusCode: 200, headers: {}, body: stream as never } };
      },
    };
    const direct = new DirectClient(new DynamoDBClient({ ...configuration, requestHandler }));
    await direct.send(getItem());
    const answers = [1, 2, 3].map(() => direct.send(getItem()));
    while (ends.length < 4) await soon();
    await soon();
    for (const end of ends.slice(1)) end();
    expect(await Promise.all(answers)).toEqual(
      [1, 2, 3].map((call) => ({ Item: { leaseKey: { S: String(call).repeat(1_000) } } })),
    );
  });

  it.each([true, false])(
    'rejects when aborted in the middle, and closes (handler listens: %s)',
    async (handlerListens) => {
      const abort = new AbortController();
      const { direct, server, deafen } = await resolvedClient((response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{');
        answering = true;
      });
      let answering = false;
      if (!handlerListens) deafen();
      const closed = once([...server.sockets][0] ?? fail(), 'close');
      const called = direct.send(getItem(), { abortSignal: abort.signal });
      called.catch(() => undefined);
      while (!answering) await soon();
      for (let turn = 0; turn < 20; turn++) await soon();
      abort.abort();
      await expect(called).rejects.toMatchObject({ name: 'AbortError' });
      await closed;
    },
  );

  it('rejects when aborted as the answer begins', async () => {
    const abort = new AbortController();
    const never = new Readable({ read: () => undefined });
    const requestHandler = {
      handle: async () => {
        if (abort.signal.reason === undefined && isResolved) abort.abort();
        return { response: { statusCode: 200, headers: {}, body: isResolved ? never : Readable.from(['{}']) } };
      },
    };
    let isResolved = false;
    const direct = new DirectClient(new DynamoDBClient({ ...configuration, requestHandler: requestHandler as never }));
    await direct.send(getItem());
    isResolved = true;
    await expect(direct.send(getItem(), { abortSignal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(never.destroyed).toBe(true);
  });
});

describe.each([
  ['the SDK’s request handler', resolvedClient],
  ['our own', resolvedOwnClient],
])('DirectClient, reading an answer over %s', (_, resolved) => {
  it('puts characters together that arrive in two pieces', async () => {
    const whole = Buffer.from('{"Item":{"leaseKey":{"S":"𝄞"}}}');
    const half = whole.indexOf(Buffer.from('𝄞')) + 2;
    const { direct } = await resolved((response) => {
      response.write(whole.subarray(0, half), () => setImmediate(() => response.end(whole.subarray(half))));
    });
    expect(await direct.send(getItem())).toEqual({ Item: { leaseKey: { S: '𝄞' } } });
  });

  it('keeps answers apart that come in pieces, at the same time or one after another, short ones and long ones', async () => {
    const text = (byte: number, length: number): string => String.fromCharCode(byte).repeat(length);
    const lengths = [100, 3_000_000, 5_000_000, 200, 4_000_000, 1_000];
    let calls = 0;
    const { direct } = await resolved((response) => {
      const call = calls++;
      const whole = JSON.stringify({ Item: { leaseKey: { S: text(97 + call, lengths[call] ?? 0) } } });
      const half = Math.floor(whole.length / 2);
      response.write(whole.slice(0, half), () => setImmediate(() => response.end(whole.slice(half))));
    });
    const answers = await Promise.all([direct.send(getItem()), direct.send(getItem()), direct.send(getItem())]);
    for (let call = 3; call < lengths.length; call++) answers.push(await direct.send(getItem()));
    const found = (answers as { readonly Item: { readonly leaseKey: { readonly S: string } } }[])
      .map(({ Item }) => Item.leaseKey.S)
      .sort();
    expect(found.map((each) => [each[0], each.length])).toEqual(
      lengths.map((length, call) => [String.fromCharCode(97 + call), length]),
    );
    for (const each of found) expect(new Set(each).size).toBe(1);
  });

  it('fails for what is no JSON', async () => {
    const { direct } = await resolved((response) => response.end('<html>'));
    await expect(direct.send(getItem())).rejects.toThrow(SyntaxError);
  });

  it('rejects when aborted before the answer, and closes the connection', async () => {
    const abort = new AbortController();
    let closed: Promise<unknown> | undefined;
    const { direct, server } = await resolved((response) => {
      closed = once(response.socket ?? fail(), 'close');
      abort.abort();
    });
    await expect(direct.send(getItem(), { abortSignal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    await closed;
    await expect(direct.send(getItem(), { abortSignal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.received).toHaveLength(2);
  });

  it.each([
    ['with a length', (response: ServerResponse) => response.writeHead(200, { 'content-length': 100 })],
    ['in chunks', (response: ServerResponse) => response.writeHead(200)],
  ])(
    'never takes an answer that is cut for a short one, %s',
    async (_, begin) => {
      const { direct } = await resolved((response) => {
        begin(response).write('{"Item":{}}', () => response.destroy());
      });
      await expect(direct.send(getItem())).rejects.toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|UND_ERR_SOCKET)$/) as unknown,
      });
    },
    20_000,
  );

  it('refuses an answer that is longer than the limit, and closes the connection', async () => {
    const text = '{"Item":{}}';
    let closed: Promise<unknown> | undefined;
    const { direct, server } = await resolved((response) => {
      const isThird = server.received.length > 2;
      closed = once(response.socket ?? fail(), 'close');
      response.write(text.padEnd(isThird ? 1_001 : 1_000));
      if (!isThird) response.end();
    }, 1_000);
    expect(await direct.send(getItem())).toEqual({ Item: {} });
    await expect(direct.send(getItem())).rejects.toThrow('longer than 1000 bytes');
    await closed;
  });
});

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function fail(): never {
  throw new Error('no connection is open');
}
