import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RecordProcessor, WorkerEvents } from 'millrace';
import { TestStream } from '../src';

const shardCount = 6;
let stream: TestStream;

beforeEach(() => {
  stream = new TestStream({ shardCount });
});
afterEach(() => stream.close());

/** Waits for no write of its own, so that only the deadline of the lease can stop it. */
const acknowledging: RecordProcessor = { processRecords: () => Promise.resolve() };

describe('a lease table that nobody reaches for three failover times, while Kinesis answers', () => {
  it('stops all delivery in time, and afterwards each lease is taken about once: nothing is lost or out of order', async () => {
    const taken: WorkerEvents['leaseTaken'][] = [];
    for (let number = 0; number < 3; number++) {
      const { worker } = await stream.startWorker({
        processorFactory: () => acknowledging,
        checkpointing: 'automatic',
      });
      worker.on('leaseTaken', (event) => taken.push(event));
    }
    await stream.untilBalanced();
    taken.length = 0;
    const putOne = (second: number): void => {
      stream.put([{ partitionKey: `key-${second % 12}`, data: `record-${second}` }]);
    };
    stream.faults.add({ kind: 'partition', service: 'dynamodb', forMs: 30_000 });
    let deliveredAtDeadline = 0;
    for (let second = 0; second < 30; second++) {
      putOne(second);
      await stream.advance(1_000);
      // The failover time has passed: nobody may know any more that a lease is still its own.
      if (second === 10) deliveredAtDeadline = stream.deliveries.length;
    }
    expect(deliveredAtDeadline).toBeGreaterThan(4);
    expect(stream.deliveries).toHaveLength(deliveredAtDeadline);
    expect(stream.owners()).toEqual({});
    for (let second = 30; second < 40; second++) putOne(second);
    await stream.untilBalanced();
    await stream.untilAcknowledged();
    stream.assertNothingLost();
    stream.assertOrderPerKey();
    // No stampede: those that wake up do not take the leases from each other.
    expect(taken.length).toBeGreaterThanOrEqual(shardCount);
    expect(taken.length).toBeLessThanOrEqual(2 * shardCount);
  });
});
