import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  BatchGetItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { isTransient } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { startLocalAws, unlimitedRates, type LocalAws } from '@millrace/local';
import { DirectClient, type SdkClient } from '../src/direct-client';
import { recordingServer, wentThroughSdk } from './support/wire';

const configuration = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 };
const shard = { StreamName: 'flights', ShardId: 'shardId-000000000000' };
const table = { TableName: 'leases' };
const [textA, textB] = [{ S: 'ä "quoted" \u2028 𝄞' }, { S: 'b' }];

type Call = Parameters<DirectClient['send']>;

/** How one call ends for a client: what it answers but for the metadata, or how it fails. */
async function outcomeOf(client: Pick<DirectClient, 'send'>, command: Call[0], options?: Call[1]): Promise<object> {
  try {
    const answer = (await client.send(command, options)) as Record<string, unknown>;
    return { answer: { ...answer, $metadata: undefined } };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { $metadata, ...fields } = error as Error & Record<string, unknown>;
    const { httpStatusCode } = ($metadata ?? {}) as Readonly<Record<string, unknown>>;
    const { name, message } = error;
    return { fields: { ...fields, name, message, $response: undefined }, httpStatusCode };
  }
}

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** One client of each kind to the endpoint, and what the direct one has sent so far through the SDK and not. */
function clientsTo(Class: new (config: object) => SdkClient, endpoint: string, limit?: number) {
  const requestHandler = new NodeHttpHandler();
  open.push(() => requestHandler.destroy());
  const ways: boolean[] = [];
  let isDeaf = false;
  const watched = {
    handle: (...[request, options]: Parameters<NodeHttpHandler['handle']>) => {
      ways.push(wentThroughSdk(request));
      return requestHandler.handle(request, isDeaf ? {} : options);
    },
  };
  const direct = new DirectClient(new Class({ ...configuration, endpoint, requestHandler: watched }), limit);
  const sdk = new Class({ ...configuration, endpoint, requestHandler }) as unknown as Pick<DirectClient, 'send'>;
  return { direct, sdk, ways, deafen: () => void (isDeaf = true) };
}

describe('DirectClient on the embedded AWS', () => {
  let aws: LocalAws;
  let kinesis: ReturnType<typeof clientsTo>;
  let dynamodb: ReturnType<typeof clientsTo>;

  beforeEach(async () => {
    aws = await startLocalAws({
      clock: new ManualClock(),
      streams: [{ name: 'flights', shardCount: 1 }],
      limits: unlimitedRates,
    });
    open.push(() => aws.close());
    kinesis = clientsTo(KinesisClient, aws.kinesisEndpoint);
    dynamodb = clientsTo(DynamoDBClient, aws.dynamodbEndpoint);
    await dynamodb.sdk.send(
      new CreateTableCommand({
        ...table,
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await put();
    await put({ leaseKey: textB });
  });

  const item = {
    leaseKey: textA,
    counter: { N: '12345678901234567890.5' },
    flags: { M: { isDone: { BOOL: true }, nothing: { NULL: true }, some: { L: [{ S: '' }, { N: '0' }] } } },
    names: { SS: ['a', 'b'] },
  };
  const put = (Item: PutItemCommand['input']['Item'] = item) =>
    dynamodb.sdk.send(new PutItemCommand({ ...table, Item }));
  const key = { ...table, Key: { leaseKey: textA } };

  /** That of the direct client's second call, after that of the SDK was found to be the same. */
  async function sameOutcome(
    { direct, sdk, ways }: ReturnType<typeof clientsTo>,
    makeCommand: () => Call[0],
    prepare: () => Promise<unknown> = async () => undefined,
  ): Promise<object> {
    const outcomes: object[] = [];
    const before = ways.length;
    for (const client of [direct, direct, sdk]) {
      await prepare();
      outcomes.push(await outcomeOf(client, makeCommand()));
    }
    expect(ways.slice(before)).toEqual([true, false]);
    expect(outcomes[1]).toEqual(outcomes[2]);
    return outcomes[1] ?? {};
  }

  const itemCalls: Readonly<Record<string, readonly [command: () => Call[0], gives: object]>> = {
    GetItem: [() => new GetItemCommand({ ...key, ConsistentRead: true }), { Item: item }],
    'GetItem of what is not there': [() => new GetItemCommand({ ...table, Key: { leaseKey: { S: 'c' } } }), {}],
    PutItem: [() => new PutItemCommand({ ...table, Item: item, ReturnValues: 'ALL_OLD' }), { Attributes: item }],
    UpdateItem: [
      () =>
        new UpdateItemCommand({
          ...key,
          UpdateExpression: 'SET #owner = :me REMOVE flags',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: { ':me': textA },
          ReturnValues: 'UPDATED_NEW',
        }),
      { Attributes: { owner: textA } },
    ],
    DeleteItem: [() => new DeleteItemCommand({ ...key, ReturnValues: 'ALL_OLD' }), { Attributes: item }],
    Scan: [
      () => new ScanCommand({ ...table, Limit: 1, ReturnConsumedCapacity: 'TOTAL' }),
      { Count: 1, LastEvaluatedKey: expect.anything(), ConsumedCapacity: expect.anything() },
    ],
    BatchGetItem: [
      () => new BatchGetItemCommand({ RequestItems: { leases: { Keys: [{ leaseKey: textA }] } } }),
      { Responses: { leases: [item] }, UnprocessedKeys: {} },
    ],
  };
  it.each(Object.entries(itemCalls))('answers %s as the SDK does', async (_, [command, gives]) => {
    expect(await sameOutcome(dynamodb, command, put)).toMatchObject({ answer: gives });
  });

  const putRecords = (texts: readonly (string | Uint8Array)[]) =>
    kinesis.sdk.send(
      new PutRecordsCommand({
        StreamName: 'flights',
        Records: texts.map((text) => ({ PartitionKey: 'LH 400', Data: Buffer.from(text) })),
      }),
    );
  const startAt = async (ShardIteratorType: 'TRIM_HORIZON' | 'LATEST'): Promise<string> => {
    const answer = await kinesis.sdk.send(new GetShardIteratorCommand({ ...shard, ShardIteratorType }));
    return String((answer as { readonly ShardIterator?: string }).ShardIterator);
  };

  it('answers GetRecords as the SDK does, with the same bytes and dates', async () => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await putRecords([everyByte, 'late']);
    const ShardIterator = await startAt('TRIM_HORIZON');
    const outcome = await sameOutcome(kinesis, () => new GetRecordsCommand({ ShardIterator }));
    const { Records } = (outcome as { readonly answer: { readonly Records: readonly Record<string, unknown>[] } })
      .answer;
    expect(Records.map(({ Data }) => Data)).toStrictEqual([everyByte, new Uint8Array(Buffer.from('late'))]);
    for (const { ApproximateArrivalTimestamp: date } of Records) expect(date).toBeInstanceOf(Date);
  });

  it('answers GetRecords at the end of a shard as the SDK does', async () => {
    const ShardIterator = await startAt('TRIM_HORIZON');
    aws.kinesis.split('flights', shard.ShardId);
    const outcome = await sameOutcome(kinesis, () => new GetRecordsCommand({ ShardIterator }));
    expect(outcome).toMatchObject({ answer: { Records: [], ChildShards: [expect.anything(), expect.anything()] } });
    expect(outcome).not.toHaveProperty('answer.NextShardIterator', expect.anything());
  });

  it('finds the place of a time as the SDK does', async () => {
    await putRecords(['a']);
    aws.advance(234);
    await putRecords(['b']);
    const recordsFrom = async (ShardIterator: string) => {
      const page = (await kinesis.sdk.send(new GetRecordsCommand({ ShardIterator }))) as {
        readonly Records: readonly { readonly ApproximateArrivalTimestamp: Date }[];
      };
      return page.Records.map(({ ApproximateArrivalTimestamp }) => ApproximateArrivalTimestamp.getTime());
    };
    const [a = 0, b = 0] = await recordsFrom(await startAt('TRIM_HORIZON'));
    expect(b - a).toBeGreaterThan(200);
    for (const [atMs, found] of [
      [a, [a, b]],
      [b - 1, [b]],
      [b, [b]],
    ] as const) {
      const Timestamp = new Date(atMs);
      const command = new GetShardIteratorCommand({ ...shard, ShardIteratorType: 'AT_TIMESTAMP', Timestamp });
      for (const client of [kinesis.direct, kinesis.direct, kinesis.sdk]) {
        const answer = (await client.send(command)) as { readonly ShardIterator: string };
        expect(await recordsFrom(answer.ShardIterator)).toEqual(found);
      }
    }
    expect(kinesis.ways).toEqual([true, false, false, false, false, false]);
  });

  it('fails as the SDK does', async () => {
    const condition = () =>
      new UpdateItemCommand({
        ...key,
        UpdateExpression: 'REMOVE flags',
        ConditionExpression: 'attribute_not_exists(leaseKey)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    expect(await sameOutcome(dynamodb, condition)).toMatchObject({
      fields: { name: 'ConditionalCheckFailedException', $fault: 'client', Item: item },
      httpStatusCode: 400,
    });
    const none = () => new ScanCommand({ TableName: 'none' });
    expect(await sameOutcome(dynamodb, none)).toMatchObject({ fields: { name: 'ResourceNotFoundException' } });
    const noShard = () => new GetShardIteratorCommand({ ...shard, ShardId: 'shardId-9', ShardIteratorType: 'LATEST' });
    expect(await sameOutcome(kinesis, noShard)).toMatchObject({ fields: { name: 'ResourceNotFoundException' } });
    const ShardIterator = await startAt('LATEST');
    aws.kinesis.expireIterators();
    const expired = () => new GetRecordsCommand({ ShardIterator });
    expect(await sameOutcome(kinesis, expired)).toMatchObject({ fields: { name: 'ExpiredIteratorException' } });
    aws.faults.add({ kind: 'throttle' });
    const get = () => new GetItemCommand(key);
    expect(await sameOutcome(dynamodb, get)).toMatchObject({
      fields: { name: 'ProvisionedThroughputExceededException', $fault: 'client' },
    });
  });
});

const getItem = (): GetItemCommand => new GetItemCommand({ TableName: 'leases', Key: { leaseKey: { S: 'a' } } });
const getRecords = (): GetRecordsCommand => new GetRecordsCommand({ ShardIterator: 'a' });

/** A direct client that has made its first call, to a server that answers all later ones as given. */
async function resolvedClient(answer: (response: ServerResponse) => void, limit?: number) {
  const server = await recordingServer((response, call) => (call === 0 ? response.end('{}') : answer(response)));
  open.push(() => server.close());
  const clients = clientsTo(DynamoDBClient, server.endpoint, limit);
  await clients.direct.send(getItem());
  return { server, ...clients };
}

describe('DirectClient, refused', () => {
  const longType = 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/#x';
  it.each<[string, number, Readonly<Record<string, string>>, string]>([
    ['a type in the body', 400, {}, '{"__type":"com.amazon.coral#Bad","message":"no","x":[1]}'],
    ['a type that no model has in a header', 400, { 'x-amzn-errortype': longType }, '{"Message":"slow"}'],
    [
      'a known type in a header',
      400,
      { 'x-amzn-errortype': 'ResourceNotFoundException:http://a/' },
      '{"message":"no"}',
    ],
    ['two types', 400, { 'x-amzn-errortype': 'Other' }, '{"__type":"a#Bad:http://b/#c","message":"no"}'],
    ['a type of the server’s', 500, {}, '{"__type":"InternalServerError","message":"no"}'],
  ])('fails as the SDK does, by %s', async (_, status, headers, body) => {
    const { direct, sdk, ways } = await resolvedClient((response) => response.writeHead(status, headers).end(body));
    const outcome = await outcomeOf(direct, getItem());
    expect(outcome).toEqual(await outcomeOf(sdk, getItem()));
    expect(outcome).toMatchObject({ fields: { $fault: status < 500 ? 'client' : 'server' }, httpStatusCode: status });
    expect(ways).toEqual([true, false]);
  });

  it.each(['<html>Bad gateway</html>', '', '[1]', 'null'])('fails by the status alone with %j', async (body) => {
    const { direct, server } = await resolvedClient((response) =>
      response.writeHead(502, { 'x-amzn-requestid': 'id' }).end(body),
    );
    const error: unknown = await direct.send(getItem()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'Unknown',
      $fault: 'server',
      $metadata: { httpStatusCode: 502, requestId: 'id' },
    });
    expect(isTransient(error)).toBe(true);
    expect(server.received).toHaveLength(2);
  });
});

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

  it('puts characters together that arrive in two pieces', async () => {
    const whole = Buffer.from('{"Item":{"leaseKey":{"S":"𝄞"}}}');
    const half = whole.indexOf(Buffer.from('𝄞')) + 2;
    const { direct } = await resolvedClient((response) => {
      response.write(whole.subarray(0, half), () => setImmediate(() => response.end(whole.subarray(half))));
    });
    expect(await direct.send(getItem())).toEqual({ Item: { leaseKey: { S: '𝄞' } } });
  });

  it('keeps answers apart that come in pieces, at the same time or one after another, short ones and long ones', async () => {
    const text = (byte: number, length: number): string => String.fromCharCode(byte).repeat(length);
    const lengths = [100, 3_000_000, 5_000_000, 200, 4_000_000, 1_000];
    let calls = 0;
    const { direct } = await resolvedClient((response) => {
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
    const { direct } = await resolvedClient((response) => response.end('<html>'));
    await expect(direct.send(getItem())).rejects.toThrow(SyntaxError);
  });

  it('rejects when aborted before the answer, and closes the connection', async () => {
    const abort = new AbortController();
    const { direct, server } = await resolvedClient(() => abort.abort());
    const closed = once([...server.sockets][0] ?? fail(), 'close');
    await expect(direct.send(getItem(), { abortSignal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    await closed;
    await expect(direct.send(getItem(), { abortSignal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.received).toHaveLength(2);
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

  it.each([
    ['with a length', (response: ServerResponse) => response.writeHead(200, { 'content-length': 100 })],
    ['in chunks', (response: ServerResponse) => response.writeHead(200)],
  ])('never takes an answer that is cut for a short one, %s', async (_, begin) => {
    const { direct } = await resolvedClient((response) => {
      begin(response).write('{"Item":{}}', () => response.destroy());
    });
    await expect(direct.send(getItem())).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('refuses an answer that is longer than the limit, and closes the connection', async () => {
    const text = '{"Item":{}}';
    const { direct, server } = await resolvedClient((response) => {
      const isThird = server.received.length > 2;
      response.write(text.padEnd(isThird ? 1_001 : 1_000));
      if (!isThird) response.end();
    }, 1_000);
    expect(await direct.send(getItem())).toEqual({ Item: {} });
    const closed = once([...server.sockets][0] ?? fail(), 'close');
    await expect(direct.send(getItem())).rejects.toThrow('longer than 1000 bytes');
    await closed;
  });
});

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function fail(): never {
  throw new Error('no connection is open');
}
