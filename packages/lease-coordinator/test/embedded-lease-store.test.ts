import { afterAll, beforeAll } from '@jest/globals';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { silentLogger, systemClock } from '@millrace/core';
import { embedAws } from '@millrace/local';
import { DynamoDbLeaseStore, ensureLeaseTable } from '../src';
import { rowOf } from './lease-rows';
import { describeLeaseStore } from './lease-store-contract';

// The same contract as on dynalite's own server: our storage beneath dynalite's expressions is what the test kit and the
// simulation believe, so it must refuse just the writes that dynalite refuses.

const tableName = 'flight-delays';
const aws = embedAws();
const dynamodb = new DynamoDBClient({
  endpoint: 'http://embedded',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
  requestHandler: aws.dynamodbHandler(),
});

beforeAll(() =>
  ensureLeaseTable({
    dynamodb,
    tableName,
    table: { create: true, billing: 'on-demand', tags: {}, pointInTimeRecovery: true, deletionProtection: true },
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
    callTimeoutMs: 5_000,
  }),
);

afterAll(() => aws.close());

async function put(item: Record<string, AttributeValue>): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: tableName, Item: item }));
}

describeLeaseStore('DynamoDbLeaseStore on the embedded DynamoDB', async () => {
  const { Items } = aws.dynamodb.handle('Scan', { TableName: tableName });
  for (const { leaseKey } of Items as readonly { readonly leaseKey: AttributeValue }[]) {
    await dynamodb.send(new DeleteItemCommand({ TableName: tableName, Key: { leaseKey } }));
  }
  return {
    store: new DynamoDbLeaseStore({ dynamodb, tableName, clock: systemClock, callTimeoutMs: 5_000 }),
    put: (lease) => put(rowOf(lease)),
    putCorrupt: (key) => put({ leaseKey: { S: key }, leaseCounter: { N: '1' }, checkpoint: { S: 'SOMEWHERE' } }),
  };
});
