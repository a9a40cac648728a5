import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError, type RecordProcessor, type WorkerEvents } from 'millrace';
import { TestStream, type TestRecord, type TestWorkerOptions } from '../src';

/* What a whole worker does with a shard that stands still. Times are the defaults: failover 10 s, stall time-out 60 s. */

let stream: TestStream;

beforeEach(() => {
  stream = new TestStream({ shardCount: 1 });
});
afterEach(() => stream.close());

const acknowledging: RecordProcessor = {
  processRecords: ({ checkpointer }) => checkpointer.checkpoint(),
};

function records(count: number, from = 0): readonly TestRecord[] {
  return Array.from({ length: count }, (_, index) => ({ partitionKey: 'key', data: `record-${from + index}` }));
}

async function start(options: TestWorkerOptions) {
  const { name, worker } = await stream.startWorker(options);
  const events: { name: string; payload: object; atMs: number }[] = [];
  const startedAtMs = stream.now.getTime();
  for (const event of ['shardStalled', 'handlerBlocked', 'leaseTaken', 'leaseLost', 'leaseReleased'] as const) {
    worker.on(event, (payload: WorkerEvents[typeof event]) =>
      events.push({ name: event, payload, atMs: stream.now.getTime() - startedAtMs }),
    );
  }
  const named = (event: keyof WorkerEvents) => events.filter((each) => each.name === event);
  return { name, worker, named };
}

describe('a worker that cannot start on a shard', () => {
  it('gives it up, and another worker reads it', async () => {
    const broken = await start({
      processorFactory: () => {
        throw new Error('no database here');
      },
    });
    stream.put(records(10));
    await stream.until(() => broken.worker.health().shards.some(({ problem }) => problem === 'initialize fails'));
    expect(broken.worker.health()).toMatchObject({ live: true, ready: false });
    await stream.until(() => broken.named('shardStalled').length > 0);
    const able = await start({ processorFactory: () => acknowledging });
    await stream.untilAcknowledged();
    expect(new Set(stream.deliveries.map(({ workerName }) => workerName))).toEqual(new Set([able.name]));
    expect(broken.named('shardStalled')[0]?.payload).toMatchObject({ action: 'given-up' });
    expect(broken.named('leaseLost')).toEqual([]);
  });

  it('takes it again when nobody else is there, a failover time later, and reads it once it can', async () => {
    let isBroken = true;
    const { worker, named } = await start({
      processorFactory: () => {
        if (isBroken) throw new Error('no database yet');
        return acknowledging;
      },
    });
    stream.put(records(10));
    await stream.until(() => named('leaseReleased').length > 0);
    const releasedAtMs = named('leaseReleased')[0]?.atMs ?? NaN;
    const takenAgain = () => named('leaseTaken').find(({ atMs }) => atMs >= releasedAtMs);
    await stream.until(() => takenAgain() !== undefined);
    const pauseMs = (takenAgain()?.atMs ?? NaN) - releasedAtMs;
    expect(pauseMs).toBeGreaterThanOrEqual(10_000);
    expect(pauseMs).toBeLessThan(20_000);
    isBroken = false;
    await stream.untilAcknowledged();
    expect(worker.health()).toMatchObject({ ready: true, problem: undefined });
  });
});

describe('a shard that may not be read', () => {
  it('is left alone for a failover time each time when it could be read in between', async () => {
    const { named } = await start({ processorFactory: () => acknowledging });
    const pausesMs: number[] = [];
    for (let time = 1; time <= 2; time++) {
      stream.put(records(10, time * 10));
      await stream.untilAcknowledged();
      const errorName = 'AccessDeniedException';
      const denied = stream.faults.add({ kind: 'throttle', errorName, operations: ['GetRecords'] });
      await stream.until(() => named('leaseReleased').length === time);
      stream.faults.remove(denied);
      await stream.until(() => named('leaseTaken').length === time);
      pausesMs.push((named('leaseTaken')[time - 1]?.atMs ?? NaN) - (named('leaseReleased')[time - 1]?.atMs ?? NaN));
    }
    for (const pauseMs of pausesMs) {
      expect(pauseMs).toBeGreaterThanOrEqual(10_000);
      expect(pauseMs).toBeLessThan(20_000);
    }
  });
});

describe('a record processor that takes long', () => {
  it('keeps its lease, which is renewed all the time, and is reported', async () => {
    const slowMs = 200_000;
    const { worker, named } = await start({
      processorFactory: () => ({
        processRecords: async ({ checkpointer }) => {
          await stream.sleep(slowMs);
          await checkpointer.checkpoint();
        },
      }),
    });
    stream.put(records(5));
    await stream.until(() => stream.deliveries.length > 0);
    await stream.advance(75_000);
    expect(worker.health()).toMatchObject({
      live: true,
      ready: false,
      shards: [{ state: 'processing', ownsLease: true, problem: 'processRecords has not settled for 75 s' }],
    });
    await stream.untilAcknowledged({ limitMs: 300_000 });
    expect(named('handlerBlocked').map(({ payload }) => payload)).toEqual(
      [60_000, 120_000, 180_000].map((blockedMs) => ({
        shardId: 'shardId-000000000000',
        step: 'processRecords',
        blockedMs,
      })),
    );
    expect([...named('leaseLost'), ...named('shardStalled')]).toEqual([]);
    expect(named('leaseTaken').length).toBeLessThanOrEqual(1);
    expect(worker.health().ready).toBe(true);
    stream.assertNoDuplicates();
  });
});

describe('a shard that is read seldom, on purpose', () => {
  it('does not count as stalled between its reads', async () => {
    const { named, worker } = await start({
      processorFactory: () => acknowledging,
      fetch: { idleTimeBetweenReadsMs: 240_000 },
    });
    await stream.advance(600_000);
    expect(named('shardStalled')).toEqual([]);
    expect(worker.health().ready).toBe(true);
  });
});

describe('health()', () => {
  it('is not ready, without a break, while only writes to the lease table are refused', async () => {
    const { worker } = await start({ processorFactory: () => acknowledging });
    await stream.until(() => worker.health().ready && worker.snapshot().ownedShardIds.length === 1);
    const denied = stream.faults.add({
      kind: 'throttle',
      errorName: 'AccessDeniedException',
      operations: ['UpdateItem'],
    });
    await stream.until(() => !worker.health().ready);
    for (let turn = 0; turn < 600; turn++) {
      await stream.advance(100);
      expect(worker.health()).toMatchObject({
        live: true,
        ready: false,
        problem: expect.stringMatching(/^the lease table fails: /),
      });
    }
    stream.faults.remove(denied);
    await stream.until(() => worker.health().ready && worker.snapshot().ownedShardIds.length === 1);
  });

  it('and snapshot() say how late timers were', async () => {
    const { worker } = await start({ processorFactory: () => acknowledging });
    await stream.advance(60_000);
    expect([worker.health().eventLoopDelayMs, worker.snapshot().eventLoopDelayMs]).toEqual([0, 0]);
  });
});

describe('stop()', () => {
  it.each([Number.NaN, -1])('refuses %p as a time-out, and stops nothing', async (timeoutMs) => {
    const { worker } = await start({ processorFactory: () => acknowledging });
    await stream.until(() => worker.health().ready);
    await expect(worker.stop({ timeoutMs })).rejects.toThrow(ConfigError);
    await expect(worker.stop({ timeoutMs })).rejects.toThrow(`timeoutMs (${timeoutMs}) must be 0 or more`);
    expect(worker.health().ready).toBe(true);
  });
});
