import {
  DescribeTableCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { endWithParent, failParent } from '../server-side';
import { bareDynamoDb } from './clients';
import { settingsFromParent, type BareDone, type BareSettings, type Loaded } from './messages';
import { sharedNowMs } from './shared-time';

/** As many as a worker has under way. */
const concurrency = 16;

/** The writes of a worker that creates and takes leases, and nothing else: one PutItem and one UpdateItem for each. */
async function main({ dynamodbEndpoint, tableName, leaseKeys }: BareSettings): Promise<void> {
  const dynamodb = bareDynamoDb(dynamodbEndpoint);
  // No warmer than a worker when it has registered: that has described the table and read it too.
  await dynamodb.send(new DescribeTableCommand({ TableName: tableName }));
  await dynamodb.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
  process.once('message', () => {
    writeAll(dynamodb, tableName, leaseKeys).catch(failParent);
  });
  const loaded: Loaded = { kind: 'loaded' };
  process.send?.(loaded);
}

async function writeAll(dynamodb: DynamoDBClient, tableName: string, leaseKeys: readonly string[]): Promise<void> {
  const beganAtMs = sharedNowMs();
  const remaining = leaseKeys.values();
  const loop = async (): Promise<void> => {
    // One iterator for all loops: each takes the next key.
    for (const leaseKey of remaining) {
      await create(dynamodb, tableName, leaseKey);
      await take(dynamodb, tableName, leaseKey);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const done: BareDone = { kind: 'done', beganAtMs, endedAtMs: sharedNowMs() };
  process.send?.(done);
}

/** A row as full as that of a new lease. */
async function create(dynamodb: DynamoDBClient, tableName: string, leaseKey: string): Promise<void> {
  await dynamodb.send(
    new PutItemCommand({
      TableName: tableName,
      Item: {
        leaseKey: { S: leaseKey },
        leaseCounter: { N: '0' },
        ownerSwitchesSinceCheckpoint: { N: '0' },
        checkpoint: { S: 'TRIM_HORIZON' },
        checkpointSubSequenceNumber: { N: '0' },
        entityType: { S: 'LEASE' },
        startingHashKey: { S: '340282366920938463463374607431768211455' },
        endingHashKey: { S: '340282366920938463463374607431768211455' },
        millraceWrite: { S: 'bare-0123456789-1' },
        millraceRoot: { BOOL: true },
        millraceStreamArn: { S: 'arn:aws:kinesis:us-east-1:000000000000:stream/bare' },
        millraceStreamCreated: { N: '1700000000000' },
      },
      ConditionExpression: 'attribute_not_exists(leaseKey)',
    }),
  );
}

async function take(dynamodb: DynamoDBClient, tableName: string, leaseKey: string): Promise<void> {
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { leaseKey: { S: leaseKey } },
      UpdateExpression:
        'SET leaseOwner = :me, millraceWrite = :write, millraceFailoverMs = :failover ' +
        'ADD leaseCounter :one REMOVE checkpointOwner, millraceReceiver',
      ConditionExpression: 'leaseCounter = :counter AND attribute_not_exists(leaseOwner)',
      ExpressionAttributeValues: {
        ':me': { S: 'bare-0123456789' },
        ':one': { N: '1' },
        ':counter': { N: '0' },
        ':write': { S: 'bare-0123456789-2' },
        ':failover': { N: '10000' },
      },
    }),
  );
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as BareSettings).catch(failParent);
