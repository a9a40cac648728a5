import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordCommand,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { ConfigError } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import { embedAws, type EmbeddedAws } from '../src';

const leaseTable: CreateTableCommandInput = {
  TableName: 'leases',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
};

const access = { region: 'us-east-1', maxAttempts: 1 };
const StreamName = 'flights';

let clock: ManualClock;
let aws: EmbeddedAws;
let kinesis: KinesisClient;
let dynamodb: DynamoDBClient;
let held: number;

beforeEach(() => {
  clock = new ManualClock();
  aws = embedAws({ clock, streams: [{ name: StreamName, shardCount: 1 }] });
  held = 0;
  kinesis = newKinesis('worker-1');
  dynamodb = new DynamoDBClient({
    ...access,
    credentials: { accessKeyId: 'worker-1', secretAccessKey: 'x' },
    endpoint: 'http://in-process',
    requestHandler: aws.dynamodbHandler(),
  });
});
afterEach(() => aws.close());

function newKinesis(accessKeyId: string): KinesisClient {
  return new KinesisClient({
    ...access,
    credentials: { accessKeyId, secretAccessKey: 'x' },
    endpoint: 'http://in-process',
    requestHandler: aws.kinesisHandler((isHeld) => (held += isHeld ? 1 : -1)),
  });
}

const put = (client = kinesis): Promise<unknown> =>
  client.send(new PutRecordCommand({ StreamName, Data: new Uint8Array([1, 2]), PartitionKey: 'k' }));

async function iterator(): Promise<string | undefined> {
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  );
  return ShardIterator;
}

const stored = (): number => aws.kinesis.inspect(StreamName)[0]?.recordCount ?? 0;

describe('SDK clients without sockets', () => {
  it('put and get records while no time passes', async () => {
    await put();
    const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: await iterator() }));
    expect(page.Records?.map(({ Data }) => Data)).toEqual([new Uint8Array([1, 2])]);
  });

  it('write and read items', async () => {
    await dynamodb.send(new CreateTableCommand(leaseTable));
    const Item = { leaseKey: { S: 'a' }, leaseCounter: { N: '1' } };
    await dynamodb.send(new PutItemCommand({ TableName: 'leases', Item }));
    const read = await dynamodb.send(new GetItemCommand({ TableName: 'leases', Key: { leaseKey: { S: 'a' } } }));
    expect(read.Item).toEqual(Item);
  });

  it('see errors by their names', async () => {
    await expect(kinesis.send(new ListShardsCommand({ StreamName: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it.each([
    ['throttle', { name: 'ProvisionedThroughputExceededException' }, 0],
    ['server-error', { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } }, 0],
    ['lost-request', { code: 'ECONNRESET' }, 0],
    ['lost-reply', { code: 'ECONNRESET' }, 1],
    ['cut-reply', { code: 'ECONNRESET' }, 1],
  ] as const)('%s: fail with %j, and %d records are stored', async (kind, error, count) => {
    aws.faults.add({ kind, times: 1, operations: ['PutRecord'], resource: StreamName });
    await expect(put()).rejects.toMatchObject(error);
    expect(stored()).toBe(count);
    await put();
    expect(stored()).toBe(count + 1);
  });

  it('expired-iterator, of one shard: fail as they would after five minutes', async () => {
    const ShardIterator = await iterator();
    const fault = aws.faults.add({ kind: 'expired-iterator', shardId: 'shardId-000000000000' });
    await expect(kinesis.send(new GetRecordsCommand({ ShardIterator }))).rejects.toMatchObject({
      name: 'ExpiredIteratorException',
    });
    aws.faults.remove(fault);
    aws.faults.add({ kind: 'expired-iterator', shardId: 'shardId-000000000001' });
    await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  });

  it('empty-page: get no records, and get them with the next iterator', async () => {
    await put();
    aws.faults.add({ kind: 'empty-page', times: 1 });
    const empty = await kinesis.send(new GetRecordsCommand({ ShardIterator: await iterator() }));
    expect(empty.Records).toEqual([]);
    const next = await kinesis.send(new GetRecordsCommand({ ShardIterator: empty.NextShardIterator }));
    expect(next.Records).toHaveLength(1);
  });

  it('slow-request: a client that gives up has put its record all the same, later', async () => {
    aws.faults.add({ kind: 'slow-request', delayMs: 60_000 });
    const giveUp = new AbortController();
    const call = kinesis.send(new PutRecordCommand({ StreamName, Data: new Uint8Array([1]), PartitionKey: 'k' }), {
      abortSignal: giveUp.signal,
    });
    const failure = expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await settle();
    expect(held).toBe(1);
    giveUp.abort();
    await failure;
    expect({ held, stored: stored() }).toEqual({ held: 0, stored: 0 });
    await clock.advance(60_000);
    expect(stored()).toBe(1);
  });

  it('partition: one client is cut off, another one is not', async () => {
    const partition = aws.faults.add({ kind: 'partition', accessKeyId: 'worker-1' });
    const cut = expect(put()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await put(newKinesis('worker-2'));
    expect(held).toBe(1);
    aws.faults.remove(partition);
    await cut;
    expect({ held, stored: stored() }).toEqual({ held: 0, stored: 1 });
  });

  it('stale-read: an item is read as it was, unless the read is consistent', async () => {
    await dynamodb.send(new CreateTableCommand(leaseTable));
    const write = (counter: string): Promise<unknown> =>
      dynamodb.send(
        new PutItemCommand({ TableName: 'leases', Item: { leaseKey: { S: 'a' }, leaseCounter: { N: counter } } }),
      );
    const counter = async (ConsistentRead: boolean): Promise<string | undefined> => {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: 'leases', Key: { leaseKey: { S: 'a' } }, ConsistentRead }),
      );
      return Item?.['leaseCounter']?.N;
    };
    await write('1');
    const rule = aws.faults.add({ kind: 'stale-read', lagMs: 1_000 });
    await write('2');
    expect([await counter(false), await counter(true)]).toEqual(['1', '2']);
    await clock.advance(1_001);
    expect(await counter(false)).toBe('2');
    await write('3');
    expect(await counter(false)).toBe('2');
    aws.faults.remove(rule);
    expect(await counter(false)).toBe('3');
  });

  it('carry nothing out that was given up before', async () => {
    const rule = aws.faults.add({ kind: 'slow-reply', delayMs: 0 });
    const command = new PutRecordCommand({ StreamName, Data: new Uint8Array([1]), PartitionKey: 'k' });
    const call = kinesis.send(command, { abortSignal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await settle();
    expect({ stored: stored(), hits: rule.hits }).toEqual({ stored: 0, hits: 0 });
  });

  it('are reset once the service is closed, and nothing is carried out', async () => {
    await aws.close();
    await expect(put()).rejects.toMatchObject({ code: 'ECONNRESET' });
    aws.faults.add({ kind: 'slow-reply', delayMs: 0 });
    await expect(put()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(stored()).toBe(0);
  });
});

describe('advance', () => {
  it('lets time pass for iterators and retention, without touching the clock that was given', async () => {
    await put();
    const ShardIterator = await iterator();
    aws.advance(300_001);
    await expect(kinesis.send(new GetRecordsCommand({ ShardIterator }))).rejects.toMatchObject({
      name: 'ExpiredIteratorException',
    });
    aws.advance(24 * 3_600_000);
    expect(stored()).toBe(0);
    expect(clock.now()).toBe(0);
  });

  it.each([NaN, -1, Infinity, 1e300, 101 * 366 * 24 * 3_600_000])(
    'by %d ms is refused, and nothing changes',
    async (ms) => {
      const before = aws.kinesis.wallTime();
      expect(() => aws.advance(ms)).toThrow(ConfigError);
      expect(aws.kinesis.wallTime()).toBe(before);
      await put();
    },
  );

  it('does not get beyond a hundred years in small steps either', () => {
    const yearMs = 365 * 24 * 3_600_000;
    for (let year = 0; year < 100; year++) aws.advance(yearMs);
    expect(() => aws.advance(yearMs)).toThrow(ConfigError);
  });

  it('wakes calls that are delayed', async () => {
    aws.faults.add({ kind: 'slow-reply', delayMs: 60_000 });
    const delayed = put();
    await settle();
    aws.advance(60_000);
    await delayed;
  });
});
