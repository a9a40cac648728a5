import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { once } from 'node:events';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { ConfigError } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { embedAws, startLocalAws, type LocalAws } from '../src/local-aws';

const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, maxAttempts: 1 };

describe.each([
  ['default client, which speaks HTTP/2', {}],
  ['client over HTTP/1.1', { requestHandler: new NodeHttpHandler() }],
])("the SDK's %s", (_, handler) => {
  let aws: LocalAws;
  let client: KinesisClient;

  beforeAll(async () => {
    aws = await startLocalAws({ streamTransitionMs: 0, streams: [{ name: 'flights', shardCount: 4 }] });
    client = new KinesisClient({ endpoint: aws.kinesisEndpoint, ...access, ...handler });
  });
  afterAll(async () => {
    client.destroy();
    await aws.close();
  });

  it('makes a stream, and puts and gets records', async () => {
    const StreamName = 'made';
    await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await waitUntilStreamExists({ client, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { StreamName });
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    expect(StreamDescriptionSummary?.StreamCreationTimestamp).toBeInstanceOf(Date);

    const before = Date.now();
    const Data = new Uint8Array([0, 1, 254, 255]);
    const { ShardId, SequenceNumber } = await client.send(
      new PutRecordCommand({ StreamName, Data, PartitionKey: 'ключ' }),
    );
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamName,
        ShardId,
        ShardIteratorType: 'AT_TIMESTAMP',
        Timestamp: new Date(before),
      }),
    );
    const page = await client.send(new GetRecordsCommand({ ShardIterator }));
    expect(page).toMatchObject({ MillisBehindLatest: 0, Records: [{ SequenceNumber, PartitionKey: 'ключ' }] });
    expect(page.Records?.[0]?.Data).toEqual(Data);
    expect(page.Records?.[0]?.ApproximateArrivalTimestamp?.getTime()).toBeGreaterThanOrEqual(before);
    expect(page.NextShardIterator).toBeDefined();
  });

  it('meets errors by their names', async () => {
    await expect(client.send(new DescribeStreamSummaryCommand({ StreamName: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) as unknown },
    });
    await expect(client.send(new GetRecordsCommand({ ShardIterator: 'bogus' }))).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: 'Invalid ShardIterator.',
    });
  });

  it('makes thirty calls at once', async () => {
    const calls = Array.from({ length: 30 }, () => client.send(new ListShardsCommand({ StreamName: 'flights' })));
    for (const { Shards } of await Promise.all(calls)) expect(Shards).toHaveLength(4);
  });

  it('pages through the shards', async () => {
    const first = await client.send(new ListShardsCommand({ StreamName: 'flights', MaxResults: 3 }));
    const second = await client.send(new ListShardsCommand({ NextToken: first.NextToken }));
    expect([first.Shards?.length, second.Shards?.length, second.NextToken]).toEqual([3, 1, undefined]);
  });

  it('puts ten megabytes in one call', async () => {
    const Records = Array.from({ length: 40 }, (_, index) => ({
      Data: new Uint8Array(256 * 1024 - 8),
      PartitionKey: `key-${index}`,
    }));
    const output = await client.send(new PutRecordsCommand({ StreamName: 'flights', Records }));
    // Only 1 MB fits into each of four shards.
    expect(output.FailedRecordCount).toBeGreaterThan(20);
    expect(output.Records?.find((record) => record.ErrorCode !== undefined)?.ErrorCode).toBe(
      'ProvisionedThroughputExceededException',
    );
  });

  it('reads a closed shard to its end and learns the children', async () => {
    const StreamName = 'closed';
    aws.kinesis.addStream(StreamName, 1);
    const ShardId = 'shardId-000000000000';
    await client.send(new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey: '1000' }));
    await waitUntilStreamExists({ client, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { StreamName });
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const page = await client.send(new GetRecordsCommand({ ShardIterator }));
    expect(page.NextShardIterator ?? undefined).toBeUndefined();
    expect(page.ChildShards?.map((child) => child.ShardId)).toEqual(['shardId-000000000001', 'shardId-000000000002']);
  });
});

describe('embedAws', () => {
  it('has its region, its account and its transitions in both services', async () => {
    const clock = new ManualClock();
    const place = { region: 'eu-west-1', accountId: '123456789012' };
    const aws = embedAws({ clock, ...place, tableTransitionMs: 1_000, streams: [{ name: 'flights', shardCount: 1 }] });
    const summary = aws.kinesis.handle('DescribeStreamSummary', { StreamName: 'flights' });
    expect(summary.StreamDescriptionSummary.StreamARN).toMatch(/^arn:aws:kinesis:eu-west-1:123456789012:/);
    const client = new DynamoDBClient({
      ...access,
      endpoint: 'http://embedded',
      requestHandler: aws.dynamodbHandler(),
    });
    const definition: CreateTableCommandInput = {
      TableName: 'leases',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
    };
    const { TableDescription } = await client.send(new CreateTableCommand(definition));
    expect(TableDescription?.TableArn).toBe('arn:aws:dynamodb:eu-west-1:123456789012:table/leases');
    expect(TableDescription?.TableStatus).toBe('CREATING');
    await clock.advance(1_000);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'leases' }));
    expect(Table?.TableStatus).toBe('ACTIVE');
  });
});

describe('startLocalAws', () => {
  it('listens on loopback and closes every connection, also twice', async () => {
    const aws = await startLocalAws();
    expect(aws.kinesisEndpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const ports = [aws.kinesisEndpoint, aws.dynamodbEndpoint].map((endpoint) => Number(new URL(endpoint).port));
    const sockets = ports.map((port) => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const closed = sockets.map((socket) =>
      once(
        socket.on('error', () => undefined),
        'close',
      ),
    );
    await Promise.all([aws.close(), aws.close()]);
    await Promise.all(closed);
    for (const port of ports) {
      const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNREFUSED');
    }
  });

  it('rejects when a port is taken, and leaves nothing running', async () => {
    const first = await startLocalAws();
    const taken = Number(new URL(first.dynamodbEndpoint).port);
    await expect(startLocalAws({ dynamodbPort: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(startLocalAws({ kinesisPort: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
  });

  it('rejects options that make no sense, before anything listens', async () => {
    for (const options of [
      { kinesisPort: 70_000 },
      { host: '' },
      { streams: [{ name: 'a b', shardCount: 1 }] },
      { streams: [{ name: 'a', shardCount: 0 }] },
      { limits: { recordMaxBytes: -1 } },
      { tableTransitionMs: -1 },
    ]) {
      await expect(startLocalAws(options)).rejects.toThrow(ConfigError);
    }
  });
});
