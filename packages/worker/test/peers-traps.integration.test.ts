import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { RecordProcessor } from '../src';
import { numbered, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

let world: World;

afterEach(async () => {
  await world.close();
});

// What other consumers of Kinesis got wrong, tried with a whole worker. The numbers are those of our list of their traps.

describe('the traps that others fell into', () => {
  it('trap 5: an invalid checkpoint, and LATEST read instead. Nothing is read, and the row stays as it is', async () => {
    world = await World.start();
    await world.put(['record']);
    const first = world.start();
    await until(() => first.snapshot().ownedShardIds.length === 1);
    await first.stop();
    const corrupt = { ':checkpoint': { S: '49590338271490256608559692538361571095921575989136588898x' } };
    const update = (values: Record<string, { S: string }>): UpdateItemCommand =>
      new UpdateItemCommand({
        TableName: world.applicationName,
        Key: { leaseKey: { S: 'shardId-000000000000' } },
        UpdateExpression: 'SET checkpoint = :checkpoint',
        ExpressionAttributeValues: values,
      });
    await world.dynamodb.send(update(corrupt));
    world.deliveries.length = 0;
    const second = world.worker();
    let outcome: unknown;
    const running = second.run().catch((error: unknown) => (outcome = error));
    // One that takes it for another position would go on, and must not outlast the test.
    await until(() => outcome !== undefined || second.snapshot().ownedShardIds.length > 0);
    await second.stop();
    await running;
    expect(outcome).toMatchObject({ code: 'LEASE_CORRUPT', leaseKey: 'shardId-000000000000' });
    expect(world.deliveries).toEqual([]);
    expect((await world.leaseRow())['checkpoint']).toEqual(corrupt[':checkpoint']);
  });

  it('trap 8: a restart that skips the tail of an aggregate. A worker starts again at the exact user record, in the middle of it', async () => {
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

  it('trap 17: an aggregate whose user records are all out of the shard’s range. A worker leaves it out, counts it, and reads on', async () => {
    world = await World.start({ shardCount: 2 });
    const data = new TextEncoder().encode('elsewhere');
    // By MD5 the KPL’s key "a" belongs to the lower half, and "k1" to the upper.
    await world.put([aggregate(Array(2).fill({ partitionKey: 'k1', data })), 'after'], 'a');
    const counts: object[] = [];
    const failures: object[] = [];
    // One record at a time, so that the aggregate comes alone.
    const worker = world.start({ fetch: { maxRecords: 1, idleTimeBetweenReadsMs: 200 } });
    worker.on('recordsDeaggregated', (payload) => counts.push(payload));
    worker.on('processingFailed', (payload) => failures.push(payload));
    worker.on('shardFailed', (payload) => failures.push(payload));
    await until(() => world.deliveries.length > 0);
    await worker.stop();
    expect(world.deliveries).toMatchObject([{ text: 'after', shardId: 'shardId-000000000000' }]);
    expect(counts).toMatchObject([
      { shardId: 'shardId-000000000000', counts: { aggregates: 1, outOfRangeDropped: 2 } },
    ]);
    expect(failures).toEqual([]);
  });
});
