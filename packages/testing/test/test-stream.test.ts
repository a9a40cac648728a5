import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DeleteStreamCommand, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { ConfigError, type ProcessRecordsInput, type RecordProcessor } from 'millrace';
import { TestStream, type FaultRule, type TestRecord, type TestWorkerOptions } from '../src';

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
  it('leaves no storage of asynchronous calls behind, which would slow every promise of the process', async () => {
    const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
    const disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
    await stream.startWorker(worker);
    stream.put(records(1));
    await stream.untilAcknowledged();
    await stream.close();
    const used = new Set(run.mock.contexts);
    // Calls to AWS, and calls of user code.
    expect(used.size).toBe(2);
    expect([...used].filter((storage) => !disable.mock.contexts.includes(storage))).toEqual([]);
    jest.restoreAllMocks();
  });

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
    expect(new Set(stream.deliveries.map(({ workerName }) => workerName)).size).toBe(2);
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
    first.crash();
    expect(first.shardIds).toEqual([]);
    await stream.startWorker(worker);
    await stream.untilAcknowledged();
    stream.assertNothingLost();
    stream.assertOrderPerKey();
    expect(stream.duplicates()).toHaveLength(10);
    const [duplicate] = stream.duplicates();
    expect(duplicate?.deliveries.map(({ workerName, outcome }) => [workerName, outcome])).toEqual([
      ['worker-1', 'failed'],
      ['worker-2', 'processed'],
    ]);
  });

  it('is not disturbed by what a crashed worker would still do: it sleeps, checkpoints and tells listeners in vain', async () => {
    const first = await stream.startWorker(processing(() => stream.sleep(3_000)));
    const events: string[] = [];
    first.worker
      .on('leaseLost', () => events.push('leaseLost'))
      .on('workerStopped', () => events.push('workerStopped'));
    stream.put(records(10));
    await stream.until(() => stream.deliveries.length >= 10);
    const before = stream.now.getTime();
    first.crash();
    expect(stream.now.getTime()).toBe(before);
    const callsOfTheDead = stream.faults.add({ kind: 'slow-reply', delayMs: 0, accessKeyId: first.name });
    await stream.startWorker(worker);
    await stream.untilAcknowledged();
    await stream.advance(25_000);
    expect({ events, calls: callsOfTheDead.hits }).toEqual({ events: [], calls: 0 });
    await expect(first.stop()).rejects.toThrow('worker-1 has crashed');
  });

  it('stops a worker cleanly, and another one goes on without a repetition', async () => {
    const first = await stream.startWorker(worker);
    stream.put(records(50));
    await stream.untilProcessed();
    expect(await first.stop()).toEqual({ unfinishedShardIds: [], unfinished: [] });
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
    expect(stream.owners()).toEqual({
      'shardId-000000000000': ['worker-1'],
      'shardId-000000000001': ['worker-1'],
    });
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

  it('takes for acknowledged only what the lease table has', async () => {
    await stream.startWorker({
      processorFactory: () => ({
        processRecords: ({ records: batch, checkpointer }) => checkpointer.checkpoint(batch[0]),
      }),
    });
    stream.put(records(10));
    await stream.untilProcessed();
    await expect(stream.untilAcknowledged({ limitMs: 10_000 })).rejects.toThrow(
      'waited in vain for every record to be acknowledged',
    );
  });

  it('is balanced once every open shard is held', async () => {
    await stream.startWorker(worker);
    await stream.untilBalanced();
    expect(Object.values(stream.owners())).toEqual([['worker-1'], ['worker-1']]);
    const [first = '', second = ''] = stream.split();
    await stream.untilBalanced();
    expect(stream.owners()).toMatchObject({ [first]: ['worker-1'], [second]: ['worker-1'] });
  });

  it('lets several processors sleep, and one several times at once', async () => {
    await stream.startWorker(
      processing(async () => {
        await Promise.all([stream.sleep(20_000), stream.sleep(30_000)]);
      }),
    );
    stream.put(records(20));
    await stream.untilAcknowledged();
    assertAllIsWell();
  });

  it('lets no more than real time pass while a processor takes real time, call by call', async () => {
    const spans: { readonly virtualMs: number; readonly realMs: number }[] = [];
    await stream.startWorker({
      ...processing(async () => {
        const [virtual, real] = [stream.now.getTime(), performance.now()];
        await new Promise((resolve) => setTimeout(resolve, 30));
        spans.push({ virtualMs: stream.now.getTime() - virtual, realMs: performance.now() - real });
      }),
      fetch: { maxRecords: 2 },
      leases: { failoverTimeMs: 1_500 },
    });
    stream.put(records(12));
    // More in all than one call may take.
    await stream.untilAcknowledged({ patienceMs: 100 });
    assertAllIsWell();
    expect(spans.length).toBeGreaterThanOrEqual(6);
    for (const { virtualMs, realMs } of spans) expect(virtualMs).toBeLessThanOrEqual(Math.ceil(realMs));
  });

  it('says so when a call of a processor does not finish', async () => {
    await stream.startWorker(processing(() => new Promise(() => undefined)));
    stream.put(records(1));
    await expect(stream.untilProcessed({ patienceMs: 100 })).rejects.toThrow(
      'waited in vain for every record to be processed: a call of a record processor has been at work for 100 ms of real time',
    );
  });

  it.each<[string, FaultRule]>([
    ['throttled', { kind: 'throttle', operations: ['UpdateItem', 'Scan'], forMs: 6_000 }],
    ['slow', { kind: 'slow-reply', service: 'dynamodb', delayMs: 1_000, forMs: 20_000 }],
    ['cut off', { kind: 'partition', service: 'dynamodb', forMs: 3_000 }],
  ])('lets virtual time pass while the lease table is %s, and looks at it beneath', async (_, rule) => {
    await stream.startWorker(worker);
    stream.put(records(10));
    const fault = stream.faults.add(rule);
    await stream.untilAcknowledged({ patienceMs: 500 });
    expect(fault.hits).toBeGreaterThan(0);
    stream.assertNothingLost();
  });

  it('counts a parent as acknowledged when its row is gone, after the end of retention', async () => {
    await stream.startWorker(worker);
    stream.put(records(5));
    await stream.untilAcknowledged();
    stream.split('shardId-000000000000');
    await stream.untilBalanced();
    stream.trim();
    await stream.until(() => stream.log.lines.some(({ message }) => message.startsWith('finished leases deleted')), {
      what: 'the audit',
    });
    stream.put(records(5, 5));
    await stream.untilAcknowledged();
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

  it('rejects at the start with what run() rejects with, once', async () => {
    const failing = new TestStream();
    failing.faults.add({ kind: 'throttle', errorName: 'AccessDeniedException', operations: ['DescribeStreamSummary'] });
    await expect(failing.startWorker(worker)).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
    await failing.close();
  });

  it('ends a wait when it fails later, with the reason', async () => {
    const failing = new TestStream();
    await failing.startWorker(worker);
    await failing.kinesis.send(new DeleteStreamCommand({ StreamName: failing.streamName }));
    await expect(failing.until(() => false)).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
    await failing.close();
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

  it('takes more bytes than one call may carry', () => {
    expect(
      stream.put(Array.from({ length: 30 }, () => ({ partitionKey: 'k', data: 'x'.repeat(500_000) }))),
    ).toHaveLength(30);
  });

  it('fails when limits that the test has set refuse a record', async () => {
    const limited = new TestStream({ limits: { writeRecordsPerSecond: 2 } });
    expect(() => limited.put(records(3))).toThrow(/record 2 of a batch was refused: Rate exceeded/);
    expect(() => limited.assertNothingLost()).toThrow('2 of 2 records were not processed');
    await limited.close();
  });
});
