import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { startLocalAws, type LocalAws } from '../../src/local-aws';

const TableName = 'leases';
let aws: LocalAws;
let port: number;
let client: DynamoDBClient;

beforeAll(async () => {
  aws = await startLocalAws();
  port = Number(new URL(aws.dynamodbEndpoint).port);
  client = new DynamoDBClient({
    endpoint: aws.dynamodbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
    }),
  );
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});

async function status(body: Buffer | string): Promise<number | undefined> {
  const request = httpRequest({
    port,
    method: 'POST',
    headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

describe('the DynamoDB port', () => {
  it('lets one of fifty conditional writes win', async () => {
    const Key = { leaseKey: { S: 'shard-1' } };
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, leaseCounter: { N: '7' } } }));
    const takes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, worker) =>
        client.send(
          new UpdateItemCommand({
            TableName,
            Key,
            UpdateExpression: 'SET leaseOwner = :me, leaseCounter = :next',
            ConditionExpression: 'leaseCounter = :seen',
            ExpressionAttributeValues: { ':me': { S: `worker-${worker}` }, ':next': { N: '8' }, ':seen': { N: '7' } },
          }),
        ),
      ),
    );
    expect(takes.filter((take) => take.status === 'fulfilled')).toHaveLength(1);
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    expect(Item?.['leaseCounter']).toEqual({ N: '8' });
  });

  it('outlives a client that goes away in the middle of a body', async () => {
    const socket = connect(port);
    socket.on('error', () => undefined);
    const head =
      'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.ListTables\r\ncontent-length: 99\r\n\r\n{';
    await new Promise((resolve) => socket.write(head, resolve));
    socket.resetAndDestroy();
    expect(await status('{}')).toBe(400); // not signed
  });

  it('refuses nonsense, and a body that is too large', async () => {
    expect(await status('{')).toBe(400);
    expect(await status('')).toBe(400);
    expect(await status(Buffer.alloc(17 * 1024 * 1024, 'x'))).toBe(413);
  });
});
