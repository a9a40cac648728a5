import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { RecordProcessor } from '../src';
import { numbered, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

let world: World;

afterEach(async () => {
  await world.close();
});

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

  it('stops while it starts, and a worker that was stopped before it ran does nothing', async () => {
    world = await World.start();
    const starting = world.start();
    await expect(starting.stop()).resolves.toEqual({ unfinishedShardIds: [], unfinished: [] });
    const idle = world.worker();
    await idle.stop();
    await idle.run();
    expect(idle.health().live).toBe(false);
  });
});
