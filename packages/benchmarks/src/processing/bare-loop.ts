import { setTimeout as sleep } from 'node:timers/promises';
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { accessTo, pooledHandler } from '../coordination/clients';
import type { StreamSettings } from './messages';

/** As a worker keeps to the limits of a shard: five calls and 2 MB a second. */
const spacingMs = 200;
const spacingJitter = 0.1;
const bytesPerMs = 2_000;

/** A bare loop for each shard, as it stands in many a README, at the pace of a worker. */
export async function bareLoop(
  { kinesisEndpoint, streamName }: StreamSettings,
  read: (shardId: string, data: readonly Uint8Array[]) => void,
): Promise<void> {
  const client = bareKinesis(kinesisEndpoint);
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: streamName }));
  await Promise.all(
    Shards.map(async ({ ShardId: shardId = '' }, index) => {
      // Not all at once; and never again, because each has its own jitter.
      await sleep((index * 1_000) / Shards.length);
      await readShard(client, streamName, shardId, (data) => read(shardId, data));
    }),
  );
}

/** The SDK's client, configured as a worker configures its own. */
function bareKinesis(endpoint: string): KinesisClient {
  const client = new KinesisClient({ ...accessTo(endpoint), maxAttempts: 1, requestHandler: pooledHandler() });
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

async function readShard(
  client: KinesisClient,
  streamName: string,
  shardId: string,
  read: (data: readonly Uint8Array[]) => void,
): Promise<void> {
  const start = { StreamName: streamName, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  let { ShardIterator } = await client.send(new GetShardIteratorCommand(start));
  while (ShardIterator !== undefined) {
    const earliestMs = performance.now() + spacingMs * (1 + spacingJitter * Math.random());
    const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }));
    const { Records = [], NextShardIterator } = answer;
    let bytes = 0;
    const answeredAtMs = performance.now();
    const data: Uint8Array[] = [];
    for (const { Data, PartitionKey } of Records) {
      if (Data === undefined || PartitionKey === undefined) throw new Error('a record without data or partition key');
      bytes += Data.length + PartitionKey.length;
      data.push(Data);
    }
    read(data);
    ShardIterator = NextShardIterator;
    await sleep(Math.max(0, earliestMs, answeredAtMs + bytes / bytesPerMs) - performance.now());
  }
}
