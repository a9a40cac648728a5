import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startLocalAws, type LocalAws } from '@millrace/local';
import type { Kinesis } from '@aws-sdk/client-kinesis';
import { kinesisClient } from '../../src/local/client';
import { Load } from '../../src/local/load';

const { signal } = new AbortController();
let aws: LocalAws;
let kinesis: Kinesis;

beforeEach(async () => {
  aws = await startLocalAws({
    limits: {
      getRecordsCallsPerSecond: Infinity,
      getShardIteratorCallsPerSecond: Infinity,
      readBytesPerSecond: Infinity,
      writeRecordsPerSecond: 1_000,
    },
  });
  kinesis = kinesisClient('http1', aws.kinesisEndpoint);
});

afterEach(async () => {
  kinesis.destroy();
  await aws.close();
});

function forCount(maxCount: number): { readonly seconds: number; readonly maxCount: number } {
  return { seconds: Infinity, maxCount };
}

describe('the load', () => {
  it('spreads what it puts over all shards, and counts it', async () => {
    const load = new Load(kinesis, signal);
    const stream = await load.createStream('full', 16);
    const { count } = await load.put(stream, forCount(2_000));
    const stored = aws.kinesis.inspect('full').map(({ recordCount }) => recordCount);
    expect(stored.filter((records) => records === 0)).toEqual([]);
    expect(stored.reduce((sum, records) => sum + records, 0)).toBe(count);
  });

  it('reads every shard to its end, and then from its beginning again', async () => {
    const load = new Load(kinesis, signal);
    const stream = await load.createStream('full', 5);
    await load.put(stream, forCount(1_000));
    const stored = aws.kinesis.inspect('full').reduce((sum, { recordCount }) => sum + recordCount, 0);
    const { count } = await load.get(stream, forCount(3 * stored));
    expect(count).toBeGreaterThanOrEqual(3 * stored);
  });

  it('counts the calls that find nothing', async () => {
    const load = new Load(kinesis, signal);
    const { count } = await load.idle(await load.createStream('empty', 3), forCount(100));
    expect(count).toBe(115);
  });

  it('is no measurement when a limit refuses some of it', async () => {
    const load = new Load(kinesis, signal);
    const stream = await load.createStream('full', 1);
    await expect(load.put(stream, forCount(1_000_000))).rejects.toThrow('a limit is on');
  });

  it('is no measurement when there is nothing to read', async () => {
    const load = new Load(kinesis, signal);
    await expect(load.get(await load.createStream('empty', 1), forCount(1))).rejects.toThrow('nothing to read');
  });

  it('is no measurement of idle calls when they find something', async () => {
    const load = new Load(kinesis, signal);
    const stream = await load.createStream('full', 1);
    const idle = load.idle(stream, forCount(1_000_000));
    await load.put(stream, forCount(1));
    await expect(idle).rejects.toThrow('stream full is not empty');
  });
});
