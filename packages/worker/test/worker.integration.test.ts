import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { RecordProcessor } from '../src';
import { numbered, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

let world: World;

afterEach(async () => {
  await world.close();
});

const half = String(2n ** 127n);

describe('a Worker, with real SDK clients against the embedded AWS', () => {
  it('hands over every record once and in order, and stores what is acknowledged', async () => {
    world = await World.start();
    await world.put(numbered(700));
    world.start();
    await until(() => world.deliveries.length >= 700);
    await world.put(numbered(300, 700));
    await until(() => world.deliveries.length >= 1_000);
    expect(world.texts).toEqual(numbered(1_000));
    const last = world.deliveries.at(-1);
    await until(async () => (await world.leaseRow())['checkpoint']?.S === last?.sequenceNumber);
  });

  it('prints nothing above info in a healthy life with a reshard and a hand-over', async () => {
    world = await World.start({ shardCount: 2 });
    await world.put(numbered(100));
    world.start();
    await until(() => world.deliveries.length >= 100);
    world.start();
    await world.kinesis.send(
      new SplitShardCommand({
        StreamName: 'flights',
        ShardToSplit: 'shardId-000000000001',
        NewStartingHashKey: String(3n * 2n ** 126n),
      }),
    );
    await until(async () => (await world.leaseRow('shardId-000000000001'))['checkpoint']?.S === 'SHARD_END');
    await world.close();
    expect(world.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    world = await World.start();
  });

  it('starts again at the exact user record, in the middle of an aggregate', async () => {
    world = await World.start();
    const texts = numbered(10);
    const data = aggregate(texts.map((text) => ({ partitionKey: 'key', data: new TextEncoder().encode(text) })));
    await world.put([data, 'last']);
    let acknowledged = false;
    const first = world.start({
      processorFactory: ({ shardId }): RecordProcessor => ({
        processRecords: async ({ records, checkpointer }) => {
          world.saw(shardId, records);
          await checkpointer.checkpoint(records[3]);
          acknowledged = true;
        },
      }),
    });
    await until(() => acknowledged);
    await first.stop();
    expect(await world.leaseRow()).toMatchObject({ checkpointSubSequenceNumber: { N: '3' } });
    world.deliveries.length = 0;
    world.start();
    await until(() => world.deliveries.length >= 7);
    expect(world.texts).toEqual([...texts.slice(4), 'last']);
    expect(world.deliveries.slice(0, 6).map(({ subSequenceNumber }) => subSequenceNumber)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it('loses and repeats nothing when a handler blocks past the life of an iterator, also inside an aggregate', async () => {
    world = await World.start();
    const texts = numbered(8);
    const data = aggregate(
      texts.slice(2, 6).map((text) => ({ partitionKey: 'key', data: new TextEncoder().encode(text) })),
    );
    await world.put([texts[0] ?? '', texts[1] ?? '', data]);
    let refreshed = 0;
    let blocked = false;
    const worker = world.start({
      fetch: { maxRecords: 3, idleTimeBetweenReadsMs: 200 },
      processorFactory: ({ shardId }): RecordProcessor => ({
        processRecords: async ({ records, checkpointer }) => {
          world.saw(shardId, records);
          if (!blocked) {
            blocked = true;
            await world.put(texts.slice(6));
            world.aws.advance(6 * 60_000);
          }
          await checkpointer.checkpoint();
        },
      }),
    });
    worker.on('iteratorRefreshed', () => refreshed++);
    await until(() => world.deliveries.length >= 8);
    expect(world.texts).toEqual(texts);
    expect(refreshed).toBe(1);
  });

  it('is delivered again from the last checkpoint, exactly, when a worker dies between processing and checkpoint', async () => {
    world = await World.start();
    await world.put(numbered(50));
    const dead = world.start({
      fetch: { maxRecords: 10, idleTimeBetweenReadsMs: 200 },
      processorFactory: ({ shardId }): RecordProcessor => ({
        processRecords: async ({ records, checkpointer, signal }) => {
          world.saw(shardId, records);
          if (world.deliveries.length < 30) return checkpointer.checkpoint();
          // As dead as a worker in this process can be: processed, never acknowledged, its lease left to expire.
          void dead.stop({ timeoutMs: 0 });
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        },
      }),
    });
    await until(() => !dead.health().live);
    expect(world.texts).toEqual(numbered(30));
    world.deliveries.length = 0;
    world.start();
    await until(() => world.deliveries.length >= 30);
    expect(world.texts).toEqual(numbered(30, 20));
  });

  it('lets two applications share the calls of a shard, and each gets every record', async () => {
    world = await World.start();
    const others: string[] = [];
    let throttles = 0;
    const slow = { fetch: { maxRecords: 20, idleTimeBetweenReadsMs: 200 } };
    const second = world.start({
      ...slow,
      applicationName: `${world.applicationName}-b`,
      processorFactory: () => ({
        processRecords: async ({ records, checkpointer }) => {
          others.push(...records.map(({ data }) => new TextDecoder().decode(data)));
          await checkpointer.checkpoint();
        },
      }),
    });
    second.on('readThrottled', () => throttles++);
    world.start(slow).on('readThrottled', () => throttles++);
    await world.put(numbered(400));
    await until(
      () => world.deliveries.length >= 400 && others.length >= 400,
      () => `${world.deliveries.length} ${others.length}`,
      60_000,
    );
    expect(world.texts).toEqual(numbered(400));
    expect(others).toEqual(numbered(400));
    // 20 calls each within the 5 a second that they share: without back-off this could not have been quiet.
    expect(world.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(throttles).toBeGreaterThan(0);
  });

  it('reads the children of a split and a merge after their parents, in order per key', async () => {
    world = await World.start();
    const keys = ['a', 'b', 'c', 'd'];
    const putAll = async (from: number): Promise<void> => {
      for (const key of keys)
        await world.put(
          numbered(20, from).map((text) => `${key} ${text}`),
          key,
        );
    };
    await putAll(0);
    const split = { StreamName: 'flights', ShardToSplit: 'shardId-000000000000', NewStartingHashKey: half };
    await world.kinesis.send(new SplitShardCommand(split));
    await putAll(20);
    await until(() => world.aws.kinesis.inspect('flights').filter(({ open }) => open).length === 2);
    const merge = {
      StreamName: 'flights',
      ShardToMerge: 'shardId-000000000001',
      AdjacentShardToMerge: 'shardId-000000000002',
    };
    await until(() =>
      world.kinesis.send(new MergeShardsCommand(merge)).then(
        () => true,
        () => false,
      ),
    );
    await putAll(40);
    world.start();
    world.start();
    await until(
      () => world.deliveries.length >= 240,
      () => String(world.deliveries.length),
      40_000,
    );
    expect(world.deliveries).toHaveLength(240);
    for (const key of keys) {
      expect(world.texts.filter((text) => text.startsWith(key))).toEqual(numbered(60).map((text) => `${key} ${text}`));
    }
    const rows = await world.leaseRows();
    expect(rows.map((row) => row['leaseKey']?.S).toSorted()).toHaveLength(4);
  });

  it('shares the shards with a worker that joins, without a second delivery, and takes over at once when it stops', async () => {
    world = await World.start({ shardCount: 4 });
    const putSome = (from: number): Promise<unknown> =>
      Promise.all(
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) =>
          world.put(
            numbered(25, from).map((text) => `${key} ${text}`),
            key,
          ),
        ),
      );
    const first = world.start();
    await until(() => first.snapshot().ownedShardIds.length === 4);
    await putSome(0);
    const second = world.start();
    await until(() => second.snapshot().ownedShardIds.length === 2 && first.snapshot().ownedShardIds.length === 2);
    await putSome(25);
    await until(() => world.deliveries.length >= 400);
    await first.stop();
    await until(() => second.snapshot().ownedShardIds.length === 4);
    await putSome(50);
    await until(() => world.deliveries.length >= 600);
    expect(world.deliveries).toHaveLength(600);
    expect(new Set(world.texts).size).toBe(600);
  });

  it('delivers a malformed aggregate raw, counted, and its neighbours untouched', async () => {
    world = await World.start();
    const good = aggregate([
      { partitionKey: 'key', data: new TextEncoder().encode('inside') },
      { partitionKey: 'key', data: new TextEncoder().encode('too') },
    ]);
    const broken = Uint8Array.from(good);
    broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 0xff;
    const counts: object[] = [];
    await world.put(['before', broken, good, 'after']);
    world.start().on('recordsDeaggregated', (payload) => counts.push(payload.counts));
    await until(() => world.deliveries.length >= 5);
    expect(world.texts.filter((_, index) => index !== 1)).toEqual(['before', 'inside', 'too', 'after']);
    expect(counts).toMatchObject([{ aggregates: 1, badChecksum: 1 }]);
  });

  it('keeps LATEST at the moment of the first start, across a restart before the first checkpoint', async () => {
    world = await World.start();
    await world.put(['old']);
    world.aws.advance(60_000);
    const first = world.start({
      initialPosition: 'LATEST',
      processorFactory: () => ({ processRecords: () => undefined }),
    });
    await until(() => first.snapshot().ownedShardIds.length === 1);
    await first.stop();
    await world.put(['between']);
    world.aws.advance(60_000);
    world.start({ initialPosition: 'LATEST' });
    await until(() => world.deliveries.length >= 1);
    expect(world.texts).toEqual(['between']);
  });

  it('takes over from the Java KCL in the middle of a parent, at whatever position, and reads its children whole', async () => {
    world = await World.start();
    await world.put(numbered(10));
    let acknowledged = false;
    const first = world.start({
      processorFactory: (): RecordProcessor => ({
        processRecords: async ({ records, checkpointer }) => {
          await checkpointer.checkpoint(records[2]);
          acknowledged = true;
        },
      }),
    });
    await until(() => acknowledged);
    await first.stop();
    // What the KCL leaves: a sequence number, and none of our attributes.
    const ours = Object.keys(await world.leaseRow()).filter((name) => name.startsWith('millrace'));
    await world.dynamodb.send(
      new UpdateItemCommand({
        TableName: world.applicationName,
        Key: { leaseKey: { S: 'shardId-000000000000' } },
        UpdateExpression: `REMOVE ${ours.join(', ')}`,
      }),
    );
    await world.kinesis.send(
      new SplitShardCommand({ StreamName: 'flights', ShardToSplit: 'shardId-000000000000', NewStartingHashKey: half }),
    );
    await until(() => world.aws.kinesis.inspect('flights').filter(({ open }) => open).length === 2);
    await world.put(numbered(10, 10));
    // The parent was closed, and the children written to, before what LATEST would mean now.
    world.aws.advance(60_000);
    let audits = -1;
    const kinesis = new KinesisClient(world.kinesisConfig);
    kinesis.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'DescribeStreamSummaryCommand') audits++;
        return next(args);
      },
      { step: 'initialize', name: 'audits' },
    );
    const created: string[] = [];
    const worker = world.start({
      kinesis,
      initialPosition: 'LATEST',
      auditIntervalMs: 1_000,
      processorFactory: ({ shardId }): RecordProcessor => ({
        processRecords: async (input) => {
          // The third has begun: two audits have seen the parent half read.
          await until(() => audits >= 3);
          await world.collect(shardId).processRecords(input);
        },
      }),
    });
    worker.on('leasesCreated', ({ reason }) => created.push(reason));
    await until(() => world.deliveries.length >= 17);
    expect(world.texts).toEqual(numbered(17, 3));
    expect(created).toEqual(['reshard']);
  });

  it('is not ready while the lease table refuses its calls, and is again afterwards', async () => {
    world = await World.start();
    let isDenied = false;
    const dynamodb = new DynamoDBClient(world.dynamodbConfig);
    dynamodb.middlewareStack.add(
      (next) => (args) => {
        if (isDenied) throw Object.assign(new Error('no'), { name: 'AccessDeniedException' });
        return next(args);
      },
      { step: 'initialize', name: 'denied' },
    );
    const worker = world.start({ dynamodb });
    await until(() => worker.health().ready && worker.snapshot().ownedShardIds.length === 1);
    isDenied = true;
    await until(() => !worker.health().ready);
    expect(worker.health().live).toBe(true);
    isDenied = false;
    await until(() => worker.health().ready && worker.snapshot().ownedShardIds.length === 1);
    expect(world.logger.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  it('works with clients that the user built: defaults, own middleware, other credentials for the table', async () => {
    world = await World.start();
    await world.put(numbered(10));
    const seen = new Set<string>();
    const kinesis = new KinesisClient(world.kinesisConfig);
    kinesis.middlewareStack.add(
      (next, context) => (args) => {
        seen.add(String(context.commandName));
        return next(args);
      },
      { step: 'initialize', name: 'tracing' },
    );
    let tableKey = '';
    const dynamodb = new DynamoDBClient({
      ...world.dynamodbConfig,
      credentials: { accessKeyId: 'other', secretAccessKey: 'other' },
    });
    dynamodb.middlewareStack.add(
      (next) => (args) => {
        tableKey = (args.request as { headers: Record<string, string> }).headers['authorization'] ?? '';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'spy' },
    );
    world.start({ kinesis, dynamodb });
    await until(() => world.deliveries.length >= 10);
    expect([...seen].toSorted()).toEqual([
      'DescribeStreamSummaryCommand',
      'GetRecordsCommand',
      'GetShardIteratorCommand',
      'ListShardsCommand',
    ]);
    expect(tableKey).toContain('Credential=other/');
    kinesis.destroy();
    dynamodb.destroy();
  });

  it('loses its lease in an outage of the table, and takes it again only once the call of that time has settled', async () => {
    world = await World.start();
    await world.put(numbered(5));
    let down = false;
    let scansSince = 0;
    const dynamodb = new DynamoDBClient(world.dynamodbConfig);
    dynamodb.middlewareStack.add(
      (next, context) => (args) => {
        if (down) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        if (context.commandName === 'ScanCommand') scansSince++;
        return next(args);
      },
      { step: 'initialize', name: 'outage' },
    );
    let processors = 0;
    let lost = false;
    let refused: unknown;
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const worker = world.start({
      dynamodb,
      leases: { failoverTimeMs: 1_000 },
      processorFactory: ({ shardId }): RecordProcessor => {
        if (++processors > 1) return world.collect(shardId);
        return {
          processRecords: async ({ checkpointer }) => {
            await settled;
            refused = await checkpointer.checkpoint().catch((error: unknown) => error);
          },
        };
      },
    });
    worker.on('leaseLost', () => (lost = true));
    await until(() => worker.health().shards[0]?.millisBehindLatest !== undefined);
    down = true;
    await until(() => lost);
    down = false;
    scansSince = 0;
    // Twenty scans are three times as long as an expired lease takes to be seen.
    await until(() => scansSince >= 20);
    expect(processors).toBe(1);
    settle();
    await until(() => world.deliveries.length >= 5);
    expect(refused).toMatchObject({ code: 'LEASE_LOST' });
    expect(processors).toBe(2);
    expect(world.texts).toEqual(numbered(5));
  });

  it('stops while it starts, and a worker that was stopped before it ran does nothing', async () => {
    world = await World.start();
    const starting = world.start();
    await expect(starting.stop()).resolves.toEqual({ unfinishedShardIds: [] });
    const idle = world.worker();
    await idle.stop();
    await idle.run();
    expect(idle.health().live).toBe(false);
  });
});
