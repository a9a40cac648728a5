import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { RecordProcessor } from 'millrace';
import { recordBatch, TestStream } from '@millrace/testing';

/** What is tested: keeps the number of flights of each airline. */
class FlightCounter implements RecordProcessor {
  constructor(private readonly counts: Map<string, number>) {}

  async processRecords({ records, checkpointer }: Parameters<RecordProcessor['processRecords']>[0]): Promise<void> {
    for (const { partitionKey } of records) this.counts.set(partitionKey, (this.counts.get(partitionKey) ?? 0) + 1);
    await checkpointer.checkpoint();
  }
}

let stream: TestStream;
const counts = new Map<string, number>();
const processorFactory = (): RecordProcessor => new FlightCounter(counts);

beforeEach(() => {
  counts.clear();
  stream = new TestStream({ shardCount: 2 });
});
afterEach(() => stream.close());

it('counts every flight once while the stream is split and a second worker joins', async () => {
  await stream.startWorker({ processorFactory });
  stream.put(flights(100));
  await stream.untilAcknowledged();

  await stream.startWorker({ processorFactory });
  stream.split();
  stream.put(flights(100));
  await stream.untilAcknowledged();
  await stream.untilBalanced();

  stream.assertNothingLost();
  stream.assertOrderPerKey();
  stream.assertNoDuplicates();
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(200);
});

it('counts at least once when a worker crashes, and repeats nothing that was acknowledged', async () => {
  const first = await stream.startWorker({ processorFactory });
  stream.put(flights(50));
  await stream.untilAcknowledged();
  first.crash();

  stream.put(flights(50));
  await stream.startWorker({ processorFactory });
  await stream.untilAcknowledged(); // the lease expires first: ten seconds of virtual time

  stream.assertNothingLost();
  stream.assertNoDuplicates();
});

it('acknowledges a batch after it has counted it', async () => {
  const { checkpointer, ...batch } = recordBatch([{ partitionKey: 'LH', data: '400' }]);
  checkpointer.failNext('lost');
  const call = new FlightCounter(counts).processRecords({ checkpointer, ...batch });
  await expect(call).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(counts.get('LH')).toBe(1);
});

function flights(count: number): { readonly partitionKey: string; readonly data: string }[] {
  const airlines = ['LH', 'AF', 'BA', 'KL', 'SK'];
  return Array.from({ length: count }, (_, index) => ({
    partitionKey: airlines[index % airlines.length] ?? '',
    data: `flight ${index}`,
  }));
}
