import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
import { startLocalAws, unlimitedRates, type LocalAws } from '@millrace/local';
import { clientsTo, closeAll, getItem, open, outcomeOf, resolvedClient, type Call } from './support/direct-clients';

const shard = { StreamName: 'flights', ShardId: 'shardId-000000000000' };
const table = { TableName: 'leases' };
const [textA, textB] = [{ S: 'ä "quoted" \u2028 𝄞' }, { S: 'b' }];

afterEach(closeAll);

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
    /** Which of the direct client's calls go through the SDK. */
    expectedWays: readonly boolean[] = [true, false],
  ): Promise<object> {
    const outcomes: object[] = [];
    const before = ways.length;
    for (const client of [direct, direct, sdk]) {
      await prepare();
      outcomes.push(await outcomeOf(client, makeCommand()));
    }
    expect(ways.slice(before)).toEqual(expectedWays);
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
    BatchGetItem: [
      () => new BatchGetItemCommand({ RequestItems: { leases: { Keys: [{ leaseKey: textA }] } } }),
      { Responses: { leases: [item] }, UnprocessedKeys: {} },
    ],
  };
  it.each(Object.entries(itemCalls))('answers %s as the SDK does', async (_, [command, gives]) => {
    expect(await sameOutcome(dynamodb, command, put)).toMatchObject({ answer: gives });
  });

  it('answers Scan as the SDK does, which is asked for one row before the first', async () => {
    const scan = () => new ScanCommand({ ...table, ReturnConsumedCapacity: 'TOTAL' });
    const outcome = await sameOutcome(dynamodb, scan, put, [true, false, false]);
    expect(outcome).toMatchObject({ answer: { Count: 2, ConsumedCapacity: expect.anything() } });
    const onePage = await outcomeOf(dynamodb.direct, new ScanCommand({ ...table, Limit: 1 }));
    expect(onePage).toMatchObject({ answer: { Count: 1, LastEvaluatedKey: expect.anything() } });
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
