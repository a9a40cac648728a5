import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { DirectClient } from '../src/direct-client';
import {
  expectedAuthorization,
  recordingServer,
  wentThroughSdk,
  type Keys,
  type RecordingServer,
} from './support/wire';

const region = 'eu-west-1';
const keys: Keys = { accessKeyId: 'AKIDFIRST', secretAccessKey: 'first secret' };
const hourMs = 3_600_000;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serve(...answer: Parameters<typeof recordingServer>): Promise<RecordingServer> {
  const server = await recordingServer(...answer);
  open.push(() => server.close());
  return server;
}

function dynamodbTo({ endpoint }: RecordingServer, changes: DynamoDBClientConfig = {}) {
  const requestHandler = new NodeHttpHandler();
  open.push(() => requestHandler.destroy());
  const sdk = new DynamoDBClient({ endpoint, region, credentials: keys, maxAttempts: 1, requestHandler, ...changes });
  return { sdk, direct: new DirectClient(sdk) };
}

function kinesisTo({ endpoint }: RecordingServer): DirectClient {
  const requestHandler = new NodeHttpHandler();
  open.push(() => requestHandler.destroy());
  return new DirectClient(new KinesisClient({ endpoint, region, credentials: keys, maxAttempts: 1, requestHandler }));
}

const getItem = (TableName = 'leases'): GetItemCommand =>
  new GetItemCommand({ TableName, Key: { leaseKey: { S: 'ä' } } });

describe('DirectClient', () => {
  it('sends the first call of each kind through the SDK, the following ones by itself, on the same connection', async () => {
    let connections = 0;
    const server = await serve((response) => response.end('{}'));
    const { direct } = dynamodbTo(server);
    const update = () =>
      new UpdateItemCommand({ TableName: 'leases', Key: { leaseKey: { S: 'a' } }, UpdateExpression: 'REMOVE b' });
    for (const command of [getItem(), getItem(), update(), getItem(), update()]) {
      await direct.send(command);
      connections = Math.max(connections, server.sockets.size);
    }
    expect(server.received.map(wentThroughSdk)).toEqual([true, false, true, false, false]);
    expect(connections).toBe(1);
  });

  it('sends what the SDK sends but for what is of one call only', async () => {
    const server = await serve((response) => response.end('{}'));
    const { direct } = dynamodbTo(server, { customUserAgent: 'mine/1' });
    for (let call = 0; call < 3; call++) await direct.send(getItem());
    const [first, second, third] = server.received.map(({ method, path, headers, body }) => {
      const others = Object.entries(headers).filter(([name]) => !name.startsWith('amz-sdk-'));
      const steady = others.map(([name, value]) => [name, /^(authorization|x-amz-date)$/.test(name) ? 'some' : value]);
      return { method, path, body: JSON.parse(body) as unknown, headers: Object.fromEntries(steady) as object };
    });
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(second?.headers).toMatchObject({ 'user-agent': expect.stringContaining('mine/1') as unknown });
  });

  it.each([
    ['plain keys', keys],
    ['a session token', { ...keys, sessionToken: 'token+/=' }],
  ])('signs as AWS expects it, with %s', async (_, credentials) => {
    const server = await serve((response) => response.end('{}'));
    const { direct } = dynamodbTo(server, { credentials });
    for (let call = 0; call < 3; call++) await direct.send(getItem());
    expect(server.received.map(wentThroughSdk)).toEqual([true, false, false]);
    for (const received of server.received) {
      const { headers } = received;
      expect(headers.authorization).toBe(expectedAuthorization(received, credentials, region, 'dynamodb'));
      expect(headers.authorization).toMatch(/SignedHeaders=[^,]*host[^,]*x-amz-target/);
      const signed = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
      const isSigned = (name: string): boolean => signed.includes(name);
      expect(isSigned('x-amz-security-token')).toBe('sessionToken' in credentials);
      expect(headers['x-amz-security-token']).toBe(
        'sessionToken' in credentials ? credentials.sessionToken : undefined,
      );
    }
  });

  it('takes one signature of each kind of calls from the SDK for an example, and signs the others by itself', async () => {
    const server = await serve((response) => response.end('{}'));
    const { sdk, direct } = dynamodbTo(server);
    const config = sdk.config as unknown as { signer: (scheme: unknown) => Promise<unknown> };
    const { signer } = config;
    let signedBySdk = 0;
    config.signer = (scheme) => {
      signedBySdk++;
      return signer(scheme);
    };
    for (let call = 0; call < 5; call++) await direct.send(getItem());
    // The first call, which goes through it as a whole, and the example.
    expect(signedBySdk).toBe(2);
    for (const received of server.received) {
      expect(received.headers.authorization).toBe(expectedAuthorization(received, keys, region, 'dynamodb'));
    }
  });

  it('signs with new keys when those of a provider have expired', async () => {
    const server = await serve((response) => response.end('{}'));
    const issued: (Keys & { readonly expiration: Date })[] = [];
    const { direct } = dynamodbTo(server, {
      credentials: async () => {
        const next = issued.length + 1;
        const named = { accessKeyId: `AKID${next}`, secretAccessKey: `secret ${next}`, sessionToken: `token ${next}` };
        issued.push({ ...named, expiration: new Date(0) });
        return { ...named, expiration: new Date(0) };
      },
    });
    for (let call = 0; call < 4; call++) await direct.send(getItem());
    expect(server.received.map(wentThroughSdk)).toEqual([true, false, false, false]);
    const used = server.received.map((received) => {
      const keysUsed = issued.find(({ accessKeyId }) => received.headers.authorization?.includes(`=${accessKeyId}/`));
      if (keysUsed === undefined) throw new Error('signed with keys that nobody issued');
      expect(received.headers.authorization).toBe(expectedAuthorization(received, keysUsed, region, 'dynamodb'));
      expect(received.headers['x-amz-security-token']).toBe(keysUsed.sessionToken);
      return keysUsed.accessKeyId;
    });
    expect(new Set(used).size).toBe(4);
  });

  it('goes through the SDK again after a refused signature, with all kinds of calls', async () => {
    const server = await serve((response, call) => {
      if (call === 3) response.statusCode = 400;
      response.end(
        call === 3 ? '{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"no"}' : '{}',
      );
    });
    const { direct } = dynamodbTo(server);
    await direct.send(getItem());
    await direct.send(getItem('others'));
    await direct.send(getItem());
    await expect(direct.send(getItem())).rejects.toMatchObject({ name: 'InvalidSignatureException', message: 'no' });
    for (const name of ['leases', 'others', 'leases', 'others']) await direct.send(getItem(name));
    expect(server.received.map(wentThroughSdk)).toEqual([true, true, false, false, true, true, false, false]);
  });

  it.each([
    ['an answer', 200, '{}'],
    ['a refusal', 400, '{"__type":"RequestTimeTooSkewed"}'],
  ])('corrects its clock by the date of %s to a direct call, as the SDK does', async (_, status, body) => {
    const nowMs = Date.now();
    const server = await serve((response, call) => {
      response.setHeader('date', new Date(nowMs + (call === 2 ? hourMs : 0)).toUTCString());
      response.statusCode = call === 2 ? status : 200;
      response.end(call === 2 ? body : '{}');
    });
    const { sdk, direct } = dynamodbTo(server);
    await direct.send(getItem());
    await direct.send(getItem());
    await direct.send(getItem()).catch(() => undefined);
    const offsetMs = (sdk.config as unknown as { readonly systemClockOffset: number }).systemClockOffset;
    await direct.send(getItem());
    expect(server.received.map(wentThroughSdk)).toEqual([true, false, false, false]);
    expect(Math.round(offsetMs / hourMs)).toBe(1);
    const hoursAhead = server.received.map(({ headers }) => {
      const at = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
      return Math.abs(Math.round((Date.parse(at) - nowMs) / hourMs));
    });
    expect(hoursAhead).toEqual([0, 0, 0, 1]);
  });

  it('leaves all other commands to the SDK', async () => {
    const server = await serve((response) => response.end('{}'));
    const { direct } = dynamodbTo(server);
    for (let call = 0; call < 3; call++) await direct.send(new DescribeTableCommand({ TableName: 'leases' }));
    const kinesis = kinesisTo(server);
    for (let call = 0; call < 3; call++) await kinesis.send(new ListShardsCommand({ StreamName: 'flights' }));
    expect(server.received.map(wentThroughSdk)).toEqual(Array(6).fill(true));
  });

  it('repeats nothing', async () => {
    const server = await serve((response, call) => {
      if (call > 0) response.statusCode = 500;
      response.end(call > 0 ? '{"__type":"InternalServerError"}' : '{}');
    });
    const { direct } = dynamodbTo(server, { maxAttempts: 5 });
    await direct.send(getItem());
    await expect(direct.send(getItem())).rejects.toMatchObject({ name: 'InternalServerError' });
    expect(server.received).toHaveLength(2);
  });

  it('takes a body that closes before its end, without an error, for a cut one', async () => {
    const closing = new Readable({ read: () => closing.destroy() });
    const closed = new Readable({ read: () => undefined }).destroy();
    await once(closed, 'close');
    const bodies = [Readable.from([Buffer.from('{}')]), closing, closed, null];
    const requestHandler = {
      handle: async () => ({ response: { statusCode: 200, headers: {}, body: bodies.shift() as never } }),
    };
    const direct = new DirectClient(new DynamoDBClient({ region, credentials: keys, maxAttempts: 1, requestHandler }));
    await direct.send(getItem());
    for (let left = bodies.length; left > 0; left--) {
      await expect(direct.send(getItem())).rejects.toMatchObject({ code: 'ECONNRESET' });
    }
  });

  it.each([200, 204])(
    'takes an empty answer with status %d for a cut one: it is not a row that is gone',
    async (status) => {
      const server = await serve((response, call) => {
        if (call === 0) response.end('{}');
        else response.writeHead(status).end();
      });
      const { direct } = dynamodbTo(server);
      await direct.send(getItem());
      await expect(direct.send(getItem())).rejects.toMatchObject({ code: 'ECONNRESET' });
    },
  );

  it('resolves each table and each stream by itself', async () => {
    const server = await serve((response) => response.end('{}'));
    const { direct } = dynamodbTo(server);
    for (const name of ['a', 'b', 'a', 'b']) await direct.send(getItem(name));
    const arn = (name: string): string => `arn:aws:kinesis:${region}:123456789012:stream/${name}`;
    const kinesis = kinesisTo(server);
    for (const name of ['a', 'b', 'a', 'b']) {
      await kinesis.send(new GetRecordsCommand({ StreamARN: arn(name), ShardIterator: name }));
    }
    const startAt = (name: string): GetShardIteratorCommand =>
      new GetShardIteratorCommand({ StreamARN: arn(name), ShardId: '0', ShardIteratorType: 'LATEST' });
    for (const name of ['a', 'b', 'b']) await kinesis.send(startAt(name));
    const [sdk, byItself] = [true, false];
    expect(server.received.map(wentThroughSdk)).toEqual([
      ...[sdk, sdk, byItself, byItself],
      ...[sdk, sdk, byItself, byItself],
      ...[sdk, sdk, byItself],
    ]);
  });

  it('sends each table to the endpoint that the SDK has found for it', async () => {
    const server = await serve((response) => response.end('{}'));
    const sentTo: string[] = [];
    const inner = new NodeHttpHandler();
    open.push(() => inner.destroy());
    const { port } = new URL(server.endpoint);
    const requestHandler = {
      handle: (...[request, options]: Parameters<NodeHttpHandler['handle']>) => {
        sentTo.push(request.hostname);
        const local = Object.assign(request, { protocol: 'http:', hostname: '127.0.0.1', port: Number(port) });
        return inner.handle(local, options);
      },
    };
    const credentials = { ...keys, accountId: '111111111111' };
    const sdk = new DynamoDBClient({ region, credentials, requestHandler, maxAttempts: 1 });
    const direct = new DirectClient(sdk);
    const tables = ['111111111111', '222222222222'].map((id) => `arn:aws:dynamodb:${region}:${id}:table/leases`);
    for (const table of [...tables, ...tables]) await direct.send(getItem(table));
    expect(server.received.map(wentThroughSdk)).toEqual([true, true, false, false]);
    expect(sentTo.slice(2)).toEqual(sentTo.slice(0, 2));
    expect(new Set(sentTo).size).toBe(2);
  });
});
