import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, DeleteStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import type { Worker } from '../src';
import { credentials, region, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

let world: World;

afterEach(async () => {
  await world.close();
});

describe('a Worker refuses, before it reads anything,', () => {
  const start = async (changes: Parameters<World['worker']>[0] = {}): Promise<Worker> => {
    world = await World.start();
    await world.put(['record']);
    return world.worker(changes);
  };

  /** Lets the worker run until it has made and taken its lease, and stops it. */
  const untilLeased = async (worker: Worker): Promise<void> => {
    const running = worker.run();
    await until(() => worker.snapshot().ownedShardIds.length === 1);
    await worker.stop();
    await running;
  };

  const denied =
    (action: string) => (next: (args: never) => Promise<never>, context: { commandName?: string }) => (args: never) => {
      if (context.commandName === `${action}Command`) {
        throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
      }
      return next(args);
    };

  it('a stream that does not exist', async () => {
    const worker = await start({ streamName: 'nowhere' });
    await expect(worker.run()).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
  });

  it.each(['DescribeStreamSummary', 'ListShards'])('no permission for kinesis:%s', async (action) => {
    world = await World.start();
    const kinesis = new KinesisClient(world.kinesisConfig);
    kinesis.middlewareStack.add(denied(action) as never, { step: 'initialize', name: 'denied' });
    await expect(world.worker({ kinesis }).run()).rejects.toMatchObject({
      code: 'PERMISSION_MISSING',
      action: `kinesis:${action}`,
    });
  });

  it.each(['DescribeTable', 'CreateTable', 'Scan', 'PutItem'])('no permission for dynamodb:%s', async (action) => {
    world = await World.start();
    const dynamodb = new DynamoDBClient(world.dynamodbConfig);
    dynamodb.middlewareStack.add(denied(action) as never, { step: 'initialize', name: 'denied' });
    await expect(world.worker({ dynamodb }).run()).rejects.toMatchObject({
      code: 'PERMISSION_MISSING',
      action: `dynamodb:${action}`,
    });
  });

  it('a missing table that may not be created', async () => {
    const worker = await start({ table: { create: false } });
    await expect(worker.run()).rejects.toMatchObject({ code: 'LEASE_TABLE_MISSING' });
  });

  it('a table that is for something else', async () => {
    const worker = await start();
    await world.dynamodb.send(
      new CreateTableCommand({
        TableName: world.applicationName,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await expect(worker.run()).rejects.toMatchObject({ code: 'LEASE_TABLE_FOREIGN' });
  });

  it('a stream that was deleted and made again', async () => {
    const worker = await start();
    await untilLeased(worker);
    await world.kinesis.send(new DeleteStreamCommand({ StreamName: 'flights' }));
    const create = new CreateStreamCommand({ StreamName: 'flights', ShardCount: 1 });
    await until(() =>
      world.kinesis.send(create).then(
        () => true,
        () => false,
      ),
    );
    await expect(world.worker().run()).rejects.toMatchObject({
      code: 'STREAM_RECREATED',
      message: expect.stringContaining(
        'Use another applicationName or tableName, or delete the lease table',
      ) as unknown,
    });
  });

  it('an AT_TIMESTAMP of the Java KCL, whose moment the table does not hold', async () => {
    const worker = await start();
    await untilLeased(worker);
    await world.dynamodb.send(
      new PutItemCommand({
        TableName: world.applicationName,
        Item: {
          leaseKey: { S: 'shardId-000000000000' },
          leaseCounter: { N: '0' },
          checkpoint: { S: 'AT_TIMESTAMP' },
          checkpointSubSequenceNumber: { N: '0' },
          ownerSwitchesSinceCheckpoint: { N: '0' },
        },
      }),
    );
    await expect(world.worker().run()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('a moment that is yet to come', async () => {
    const worker = await start({ initialPosition: { timestamp: new Date(Date.now() + 3_600_000) } });
    await expect(worker.run()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('a region that nobody gave is reported as the SDK says it', async () => {
    world = await World.start();
    const worker = world.worker({ kinesis: { endpoint: world.kinesisConfig.endpoint, credentials, region: '' } });
    await expect(worker.run()).rejects.toThrow(/[Rr]egion/);
    expect(region).toBe('us-east-1');
  });
});
