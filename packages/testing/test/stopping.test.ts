import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  RecordFailedError,
  type ProcessRecordsInput,
  type RecordProcessor,
  type StopOptions,
  type UserRecord,
  type WorkerEvents,
} from 'millrace';
import { TestStream, type TestRecord, type TestWorkerOptions } from '../src';

/* How a whole worker stops. Times are the defaults: failover 10 s, time-out of a stop 20 s. */

const shardId = 'shardId-000000000000';
let stream: TestStream;

beforeEach(() => {
  stream = new TestStream({ shardCount: 1 });
});
afterEach(() => stream.close());

const acknowledging: RecordProcessor = {
  processRecords: ({ checkpointer }) => checkpointer.checkpoint(),
};

function records(count: number): readonly TestRecord[] {
  return Array.from({ length: count }, (_, index) => ({ partitionKey: 'key', data: `record-${index}` }));
}

/** Waits for the signal, and throws then. */
function untilCutShort({ signal }: Pick<ProcessRecordsInput, 'signal'>): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('cut short')), { once: true }),
  );
}

async function start(options: TestWorkerOptions) {
  const started = await stream.startWorker(options);
  const stops: WorkerEvents['workerStopped'][] = [];
  const given: string[] = [];
  started.worker
    .on('workerStopped', (event) => stops.push(event))
    .on('leaseReleased', () => given.push('released'))
    .on('leaseHandedOver', () => given.push('handed over'))
    .on('leaseLost', () => given.push('lost'));
  return { started, stops, given, stop: (how?: StopOptions) => started.stop(how) };
}

const firstOf = (workerName: string): string | undefined =>
  stream.deliveries.find((delivery) => delivery.workerName === workerName)?.sequenceNumber;

/** The next worker goes on, sooner than any lease could have expired. */
async function goOn(): Promise<string> {
  const { started } = await start({ processorFactory: () => acknowledging });
  await stream.until(() => firstOf(started.name) !== undefined, { limitMs: 5_000 });
  return started.name;
}

describe("stop({ inFlight: 'abort' })", () => {
  it('tells the call under way at once, stores what it has acknowledged, and gives the lease up', async () => {
    const calls: string[] = [];
    const { started, stops, given, stop } = await start({
      processorFactory: () => ({
        processRecords: async (input) => {
          await input.checkpointer.checkpoint(input.records[3]);
          calls.push('processRecords');
          await untilCutShort(input);
        },
        shutdownRequested: ({ signal, reason }) => {
          calls.push(`shutdownRequested ${reason} ${String(signal.aborted)}`);
        },
      }),
    });
    const put = stream.put(records(10));
    await stream.until(() => calls.length > 0);
    const beforeMs = stream.now.getTime();
    const { unfinishedShardIds, unfinished } = await stop({ inFlight: 'abort' });
    expect(stream.now.getTime() - beforeMs).toBeLessThan(1_000);
    const at = (index: number) => ({ sequenceNumber: put[index]?.sequenceNumber, subSequenceNumber: 0 });
    const unacknowledged = { after: { kind: 'sequence-number', ...at(3) }, upTo: at(9) };
    expect({ unfinishedShardIds, unfinished }).toEqual({
      unfinishedShardIds: [],
      unfinished: [{ shardId, inFlight: undefined, unacknowledged }],
    });
    expect(stops).toEqual([{ workerId: started.worker.workerId, unfinishedShardIds, unfinished }]);
    expect({ calls, given }).toEqual({
      calls: ['processRecords', 'shutdownRequested stop true'],
      given: ['released'],
    });
    expect(firstOf(await goOn())).toBe(put[4]?.sequenceNumber);
  });

  it('waits for a call that does not listen as long as it was told to, and leaves its lease to expire', async () => {
    const { given, stop } = await start({
      processorFactory: () => ({ processRecords: () => stream.sleep(60_000) }),
    });
    stream.put(records(10));
    await stream.until(() => stream.deliveries.length > 0);
    const beforeMs = stream.now.getTime();
    const { unfinishedShardIds, unfinished } = await stop({ inFlight: 'abort', timeoutMs: 5_000 });
    expect(stream.now.getTime() - beforeMs).toBeGreaterThanOrEqual(5_000);
    expect(stream.now.getTime() - beforeMs).toBeLessThan(6_000);
    expect(unfinishedShardIds).toEqual([shardId]);
    expect(unfinished).toMatchObject([{ shardId, inFlight: 'processRecords' }]);
    expect(given).toEqual(['lost']);
    expect(stream.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'worker stopped before everything had finished',
        fields: expect.objectContaining({ unfinished }),
      }),
    );
  });

  it('acknowledges nothing of a call that throws, with automatic checkpointing either', async () => {
    const { stop } = await start({
      checkpointing: 'automatic',
      processorFactory: () => ({ processRecords: untilCutShort }),
    });
    const put = stream.put(records(10));
    await stream.until(() => stream.deliveries.length > 0);
    await stop({ inFlight: 'abort' });
    expect(firstOf(await goOn())).toBe(put[0]?.sequenceNumber);
  });

  it('acknowledges what comes before the record that a call names, as after any failure', async () => {
    const { stop } = await start({
      checkpointing: 'automatic',
      processorFactory: () => ({
        processRecords: (input) =>
          untilCutShort(input).catch((cause: unknown) => {
            throw new RecordFailedError(input.records[4] as UserRecord, { cause });
          }),
      }),
    });
    const put = stream.put(records(10));
    await stream.until(() => stream.deliveries.length > 0);
    await stop({ inFlight: 'abort' });
    expect(firstOf(await goOn())).toBe(put[4]?.sequenceNumber);
  });

  it.each(['skip', 'deadLetter'] as const)('lets no record go because its call was cut short: %s', async (policy) => {
    const letters: unknown[] = [];
    const { started, stop } = await start({
      processorFactory: () => ({ processRecords: untilCutShort }),
      failurePolicy: policy === 'skip' ? 'skip' : { deadLetter: async (letter) => void letters.push(letter) },
      retry: { maxAttempts: 1 },
    });
    const skipped: unknown[] = [];
    started.worker.on('recordSkipped', (record) => skipped.push(record));
    const put = stream.put(records(1));
    await stream.until(() => stream.deliveries.length > 0);
    await stop({ inFlight: 'abort' });
    expect([...skipped, ...letters]).toEqual([]);
    expect(firstOf(await goOn())).toBe(put[0]?.sequenceNumber);
  });

  it('hurries a stop that waits', async () => {
    const { started, given, stop } = await start({ processorFactory: () => ({ processRecords: untilCutShort }) });
    stream.put(records(10));
    await stream.until(() => stream.deliveries.length > 0);
    const patient = started.worker.stop();
    await stream.advance(5_000);
    expect(given).toEqual([]);
    const result = await stop({ inFlight: 'abort' });
    expect(await patient).toEqual(result);
    expect(given).toEqual(['released']);
  });

  it('must be one of two words; otherwise nothing is stopped', async () => {
    const { started } = await start({ processorFactory: () => acknowledging });
    const stopped = started.worker.stop({ inFlight: 'never' as 'abort', timeoutMs: -1 });
    await expect(stopped).rejects.toThrow(ConfigError);
    await expect(stopped).rejects.toThrow("inFlight (never) must be 'finish' or 'abort'");
    await expect(stopped).rejects.toThrow('timeoutMs (-1) must be 0 or more');
    expect(started.worker.health().ready).toBe(true);
  });
});

describe('stop()', () => {
  it('lets the call under way finish, and has nothing left then', async () => {
    const aborted: boolean[] = [];
    const { stop } = await start({
      processorFactory: () => ({
        processRecords: async ({ checkpointer, signal }) => {
          await stream.sleep(15_000);
          aborted.push(signal.aborted);
          await checkpointer.checkpoint();
        },
      }),
    });
    stream.put(records(10));
    await stream.until(() => stream.deliveries.length > 0);
    expect(await stop()).toEqual({ unfinishedShardIds: [], unfinished: [] });
    expect(aborted).toEqual([false]);
    await stream.untilAcknowledged({ limitMs: 0 });
  });

  it('says of records that were never acknowledged that they come again', async () => {
    const { stop } = await start({ processorFactory: () => ({ processRecords: () => undefined }) });
    const put = stream.put(records(10));
    await stream.untilProcessed();
    const upTo = { sequenceNumber: put[9]?.sequenceNumber, subSequenceNumber: 0 };
    expect(await stop()).toEqual({
      unfinishedShardIds: [],
      unfinished: [{ shardId, inFlight: undefined, unacknowledged: { after: { kind: 'trim-horizon' }, upTo } }],
    });
    expect(firstOf(await goOn())).toBe(put[0]?.sequenceNumber);
  });

  it('names the step that did not end in time', async () => {
    const { stop } = await start({
      processorFactory: () => ({ ...acknowledging, shutdownRequested: () => stream.sleep(60_000) }),
    });
    stream.put(records(10));
    await stream.untilAcknowledged();
    expect(await stop()).toEqual({
      unfinishedShardIds: [shardId],
      unfinished: [{ shardId, inFlight: 'shutdownRequested', unacknowledged: undefined }],
    });
  });

  it('says so when Millrace itself could not write in time', async () => {
    const { stop } = await start({
      checkpointing: 'automatic',
      checkpointIntervalMs: 3_600_000,
      processorFactory: () => ({ processRecords: () => undefined }),
    });
    const put = stream.put(records(10));
    await stream.untilProcessed();
    stream.throttle({ operations: ['UpdateItem'] });
    const { unfinishedShardIds, unfinished } = await stop({ timeoutMs: 1_000 });
    expect(unfinishedShardIds).toEqual([shardId]);
    expect(unfinished).toMatchObject([
      { inFlight: 'release', unacknowledged: { upTo: { sequenceNumber: put[9]?.sequenceNumber } } },
    ]);
  });

  it('leaves nothing behind that sleeps, whenever it comes', async () => {
    const moments = Array.from({ length: 20 }, (_, index) => index * 150);
    for (const momentMs of moments) {
      const one = new TestStream({ shardCount: 6, seed: momentMs + 1 });
      const worker = await one.startWorker({ processorFactory: () => acknowledging });
      one.put(records(20));
      await one.advance(momentMs);
      await worker.stop();
      const idle = one.until(() => false, { what: `anything, stopped after ${momentMs} ms`, limitMs: 1 });
      await expect(idle).rejects.toThrow('nothing is left that could happen');
      await one.close();
    }
  });
});
