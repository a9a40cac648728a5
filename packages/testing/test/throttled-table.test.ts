import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RecordProcessor, WorkerEvents } from 'millrace';
import { TestStream } from '../src';

let stream: TestStream;

beforeEach(() => {
  stream = new TestStream({ shardCount: 4 });
});
afterEach(() => stream.close());

const acknowledging: RecordProcessor = {
  processRecords: ({ checkpointer }) => checkpointer.checkpoint(),
};

describe('a lease table that refuses three calls of ten for five minutes', () => {
  it('costs no lease, delivers nothing twice, and is named with what to do', async () => {
    const lost: WorkerEvents['leaseLost'][] = [];
    const throttled: WorkerEvents['leaseTableThrottled'][] = [];
    for (let number = 0; number < 2; number++) {
      const { worker } = await stream.startWorker({ processorFactory: () => acknowledging });
      worker.on('leaseLost', (event) => lost.push(event));
      worker.on('leaseTableThrottled', (event) => throttled.push(event));
    }
    await stream.untilBalanced();
    stream.faults.add({ kind: 'throttle', service: 'dynamodb', probability: 0.3, forMs: 300_000 });
    for (let second = 0; second < 300; second += 10) {
      stream.put([{ partitionKey: `key-${second}`, data: 'x' }]);
      await stream.advance(10_000);
    }
    await stream.untilAcknowledged();
    expect(lost).toEqual([]);
    stream.assertNothingLost();
    stream.assertNoDuplicates();
    expect(throttled.length).toBeGreaterThan(100);
    const advice = 'the lease table is throttled: raise its write capacity or use on-demand';
    expect(new Set(throttled.map((event) => event.advice))).toEqual(new Set([advice]));
    expect(stream.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContain(advice);
  });
});
