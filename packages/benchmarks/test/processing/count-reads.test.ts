import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startLocalAws } from '@millrace/local';
import { Worker } from 'millrace';
import { accessTo } from '../../src/coordination/clients';
import { countReads } from '../../src/processing/count-reads';

describe('a process that counts', () => {
  it('counts the reads of its workers as answered or throttled, and no other call', async () => {
    const aws = await startLocalAws({ streams: [{ name: 'tailed', shardCount: 1 }] });
    const reads = countReads();
    const worker = new Worker({
      ...{ applicationName: 'counted', streamName: 'tailed', checkpointing: 'automatic' },
      kinesis: accessTo(aws.kinesisEndpoint),
      dynamodb: accessTo(aws.dynamodbEndpoint),
      processorFactory: () => ({ processRecords: () => undefined }),
    });
    let told = 0;
    const throttledTwice = new Promise<void>((resolve) => worker.on('readThrottled', () => ++told === 2 && resolve()));
    aws.faults.add({ kind: 'throttle', operations: ['GetRecords'], times: 2 });
    const running = worker.run();
    try {
      await Promise.race([throttledTwice, running]);
      // The one behind them comes through.
      for (let turn = 0; worker.snapshot().shards[0]?.millisBehindLatest === undefined && turn < 1_000; turn++) {
        await sleep(10);
      }
      await worker.stop();
      await running;
      expect(reads().throttled).toBe(2);
      // What the stop has cut short may have been answered, or not.
      expect(reads().answered).toBeGreaterThanOrEqual(1);
    } finally {
      await aws.close();
    }
  }, 20_000);
});
