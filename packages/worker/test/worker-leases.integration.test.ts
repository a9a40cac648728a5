import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
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
  it('prints nothing above info in a healthy life with a reshard and a hand-over', async () => {
    world = await World.start({ shardCount: 2 });
    await world.put(numbered(100));
    // The default: of a thread that stands still for a tenth of it a worker warns, and rightly. A busy machine makes that 150 ms.
    const leases = { failoverTimeMs: 10_000 };
    world.start({ leases });
    await until(() => world.deliveries.length >= 100);
    world.start({ leases });
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
});
