import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError, type ProcessRecordsInput, type RecordProcessor } from 'millrace';
import { TestStream, type TestRecord, type TestWorkerOptions } from '../src';

let stream: TestStream;

beforeEach(() => {
  stream = new TestStream({ shardCount: 2 });
});
afterEach(() => stream.close());

const acknowledging: RecordProcessor = {
  processRecords: ({ checkpointer }) => checkpointer.checkpoint(),
};
const worker: TestWorkerOptions = { processorFactory: () => acknowledging };

function records(count: number, from = 0): readonly TestRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    partitionKey: `key-${(from + index) % 7}`,
    data: `record-${from + index}`,
  }));
}

/** Processes with `work`, and acknowledges. */
function processing(work: (input: ProcessRecordsInput) => Promise<void> | void): TestWorkerOptions {
  return {
    processorFactory: () => ({
      processRecords: async (input) => {
        await work(input);
        await input.checkpointer.checkpoint();
      },
    }),
  };
}

function assertAllIsWell(): void {
  stream.assertNothingLost();
  stream.assertOrderPerKey();
  stream.assertNoDuplicates();
}

describe('a test stream', () => {
  it('reshards under two workers: nothing is lost, repeated or out of order', async () => {
    await stream.startWorker(worker);
    stream.put(records(100));
    await stream.untilAcknowledged();
    await stream.startWorker(worker);
    await stream.untilBalanced();
    stream.split();
    stream.put(records(100, 100));
    await stream.untilAcknowledged();
    assertAllIsWell();
    expect(new Set(stream.deliveries.map(({ workerId }) => workerId)).size).toBe(2);
    expect(stream.openShardIds()).toHaveLength(3);
  });

  it('merges, and reads the child after both parents', async () => {
    await stream.startWorker(worker);
    stream.put(records(50));
    expect(stream.merge('shardId-000000000000', 'shardId-000000000001')).toEqual(['shardId-000000000002']);
    stream.put(records(50, 50));
    await stream.untilAcknowledged();
    assertAllIsWell();
    expect(stream.openShardIds()).toEqual(['shardId-000000000002']);
  });

  it('survives a crash: what was not acknowledged is delivered again, to the other worker', async () => {
    let hangs = true;
    const first = await stream.startWorker(
      processing(async () => {
        if (hangs) await new Promise(() => undefined);
      }),
    );
    stream.put(records(10));
    await stream.until(() => stream.deliveries.length >= 10);
    hangs = false;
    await first.crash();
    expect(first.shardIds).toEqual([]);
    await stream.startWorker(worker);
    await stream.untilAcknowledged();
    stream.assertNothingLost();
    stream.assertOrderPerKey();
    expect(stream.duplicates()).toHaveLength(10);
    const [duplicate] = stream.duplicates();
    expect(duplicate?.deliveries.map(({ workerId, processed }) => [workerId.split('/')[0], processed])).toEqual([
      [first.worker.workerId, false],
      [expect.not.stringContaining(first.worker.workerId), true],
    ]);
  });

  it('stops a worker cleanly, and another one goes on without a repetition', async () => {
    const first = await stream.startWorker(worker);
    stream.put(records(50));
    await stream.untilProcessed();
    expect(await first.stop()).toEqual({ unfinishedShardIds: [] });
    stream.put(records(50, 50));
    await stream.startWorker(worker);
    await stream.untilAcknowledged();
    assertAllIsWell();
  });

  it('lets iterators expire and calls be throttled, and every record still arrives once', async () => {
    await stream.startWorker(worker);
    stream.put(records(10));
    await stream.untilProcessed();
    stream.expireIterators();
    const throttle = stream.throttle({ forMs: 5_000 });
    stream.put(records(10, 10));
    const before = stream.now.getTime();
    await stream.untilAcknowledged();
    expect(throttle.hits).toBeGreaterThan(0);
    expect(stream.now.getTime() - before).toBeGreaterThanOrEqual(5_000);
    assertAllIsWell();
  });

  it('lets minutes pass, while leases are kept', async () => {
    await stream.startWorker(worker);
    const before = stream.now.getTime();
    await stream.advance(60_000);
    expect(stream.now.getTime() - before).toBe(60_000);
    expect(Object.keys(stream.owners())).toEqual(['shardId-000000000000', 'shardId-000000000001']);
  });

  it('reports records that were trimmed unread as lost', async () => {
    stream.put(records(3));
    stream.trim();
    await stream.startWorker(worker);
    await stream.advance(60_000);
    expect(() => stream.assertNothingLost()).toThrow(/^3 of 3 records were not processed:\n {2}shardId-0/);
  });

  it('lets a processor take virtual time, while the lease is renewed', async () => {
    await stream.startWorker(processing(() => stream.sleep(60_000)));
    stream.put(records(3));
    const before = stream.now.getTime();
    await stream.untilAcknowledged();
    expect(stream.now.getTime() - before).toBeGreaterThanOrEqual(60_000);
    assertAllIsWell();
  });

  it('waits for a processor that takes real time, and lets no more than that pass', async () => {
    await stream.startWorker({
      ...processing(() => new Promise((resolve) => setTimeout(resolve, 50))),
      leases: { failoverTimeMs: 1_500 },
    });
    stream.put(records(1));
    await stream.untilAcknowledged();
    assertAllIsWell();
  });

  it('cuts one worker off: another one takes its lease, and what the first one does is in vain', async () => {
    const first = await stream.startWorker(worker);
    stream.put(records(10));
    await stream.untilAcknowledged();
    const partition = stream.faults.add({ kind: 'partition', accessKeyId: first.name });
    const second = await stream.startWorker(worker);
    await stream.until(() => second.shardIds.length === 2);
    stream.put(records(10, 10));
    await stream.untilAcknowledged();
    stream.faults.remove(partition);
    await stream.untilBalanced();
    assertAllIsWell();
  });

  it('gives your own code clients to the same world', async () => {
    const { ListShardsCommand } = await import('@aws-sdk/client-kinesis');
    const { Shards } = await stream.kinesis.send(new ListShardsCommand({ StreamName: stream.streamName }));
    expect(Shards?.map(({ ShardId }) => ShardId)).toEqual(stream.openShardIds());
  });

  it('names the records that a failing processor was given again', async () => {
    let attempts = 0;
    await stream.startWorker(
      processing(() => {
        if (++attempts === 1) throw new Error('one more time');
      }),
    );
    stream.put([{ partitionKey: 'a', data: '1' }]);
    await stream.untilAcknowledged();
    expect(() => stream.assertNoDuplicates()).toThrow(
      /^1 records were delivered more than once:\n {2}a 49\d+\/0: shardId-/,
    );
    stream.assertNothingLost();
  });
});

describe('a test that waits in vain', () => {
  it('is told what for, after the limit in virtual time', async () => {
    await stream.startWorker(worker);
    await expect(stream.until(() => false, { what: 'a miracle', limitMs: 30_000 })).rejects.toThrow(
      'waited in vain for a miracle, for 30000 ms of virtual time',
    );
  });

  it('is told when nothing is left that could happen', async () => {
    await expect(stream.until(() => false)).rejects.toThrow('nothing is left that could happen');
  });
});

describe('a worker of a test', () => {
  it('is refused with what is wrong with its options', async () => {
    await expect(stream.startWorker({ ...worker, checkpointIntervalMs: -1 })).rejects.toThrow(ConfigError);
  });

  it('rejects at the start with what run() rejects with, and again when the test is closed', async () => {
    const failing = new TestStream();
    failing.faults.add({ kind: 'throttle', errorName: 'AccessDeniedException', operations: ['DescribeStreamSummary'] });
    await expect(failing.startWorker(worker)).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
    await expect(failing.close()).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
  });

  it('logs into the test, and nothing above info while all is well', async () => {
    await stream.startWorker(worker);
    stream.put(records(10));
    await stream.untilAcknowledged();
    expect(stream.log.lines.length).toBeGreaterThan(0);
    expect(stream.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });
});

describe('put', () => {
  it('takes more records than one call may carry, in order', async () => {
    const stored = stream.put(records(1_200));
    expect(stored).toHaveLength(1_200);
    expect(stored[1_100]?.partitionKey).toBe(`key-${1_100 % 7}`);
  });

  it('fails when limits that the test has set refuse a record', async () => {
    const limited = new TestStream({ limits: { writeRecordsPerSecond: 2 } });
    expect(() => limited.put(records(3))).toThrow(/record 2 was refused: Rate exceeded/);
    await limited.close();
  });
});
