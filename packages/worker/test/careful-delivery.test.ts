import { describe, expect, it } from '@jest/globals';
import { checkpointAt, type AttemptedRange } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import type { ProcessRecordInput } from '../src';
import { aConsumer, aRecord, batch } from './support/a-consumer';
import { aRow, CrashingProcess, type LifeSettings, type Row } from './support/crashing-process';

const settings: LifeSettings = {
  policy: 'skip',
  form: 'batch',
  checkpointing: 'automatic',
  batchSize: 100,
  isDeadly: () => false,
  workMs: 10,
  runsForMs: 60_000,
};
const at = (number: number): ReturnType<typeof checkpointAt> =>
  checkpointAt({ sequenceNumber: String(number), subSequenceNumber: 0 });
const range = (from: number, to: number, attempts: number): AttemptedRange => ({
  first: { sequenceNumber: String(from), subSequenceNumber: 0 },
  last: { sequenceNumber: String(to), subSequenceNumber: 0 },
  ...{ recordCount: to - from + 1, attempts },
});

async function live(rows: Row | readonly Row[], changes: Partial<LifeSettings> = {}): Promise<CrashingProcess> {
  const life = new CrashingProcess('stored' in rows ? [rows] : rows, { ...settings, ...changes });
  await life.run();
  return life;
}

const suspicious = (attempted: readonly AttemptedRange[], recordCount = 100): Row => ({
  ...aRow(recordCount),
  attempted,
  wasTakenAway: true,
});

describe('a shard in healthy operation', () => {
  it.each([
    ['taken once from a worker that died', true, 1],
    ['handed over five times without a checkpoint', false, 5],
  ])('costs no write: %s', async (_, wasTakenAway, switches) => {
    const row = { ...aRow(100), wasTakenAway, switches };
    const { made, calls } = await live(row);
    expect(made[0]?.lease.attempts).toBe(0);
    expect(calls).toHaveLength(1);
  });
});

describe('a shard whose lease was lost by one worker after another', () => {
  it('says before each delivery what it is of, and after it no more', async () => {
    const row = { ...aRow(100), wasTakenAway: true, switches: 2 };
    const seen: (readonly AttemptedRange[])[] = [];
    const { calls, made } = await live(row, {
      isDeadly: () => {
        seen.push(row.attempted);
        return false;
      },
    });
    expect(calls.map(({ numbers }) => numbers.length)).toEqual([7, 14, 28, 51]);
    expect(seen[0]).toEqual([range(1, 7, 1)]);
    expect(seen.at(-1)).toEqual([range(50, 100, 1)]);
    expect(row).toMatchObject({ attempted: [], stored: at(100) });
    expect(made[0]?.logger.lines.map(({ message }) => message)).toContain(
      'shard is read with care, its last workers lost it',
    );
  });

  it('is read as usual once all that was suspicious is stored and two checkpoint intervals have gone by', async () => {
    const row = { ...aRow(400), wasTakenAway: true, switches: 2 };
    const { made, calls } = await live(row, { batchSize: 20, workMs: 600 });
    const { lease, logger } = made[0] ?? {};
    expect(logger?.lines.map(({ message }) => message)).toContain('shard is read as usual again');
    const careful = calls.filter(({ atMs }) => atMs < 2_000).length;
    expect(lease?.attempts).toBe(careful);
    expect(calls.length).toBeGreaterThan(careful + 10);
  });

  it('forgets at the end what nobody has acknowledged yet', async () => {
    const row = { ...aRow(100), wasTakenAway: true, switches: 2 };
    const seen: (readonly AttemptedRange[])[] = [];
    await live(row, {
      checkpointing: 'manual',
      acknowledgesEvery: 1_000,
      batchSize: 10,
      isDeadly: () => false,
      killedAtMs: 3_000,
      changes: {
        emit: (name) => {
          if (name === 'recordsProcessed') seen.push(row.attempted);
        },
      },
    });
    expect(seen.length).toBeGreaterThan(9);
    expect(row.attempted).toEqual([]);
    expect(row.stored).toEqual({ kind: 'trim-horizon' });
  });
});

describe('a record that ends the process', () => {
  const isDeadly = (_: number, record: number): boolean => record === 61;

  it.each([
    ['batch', 'automatic'],
    ['batch', 'manual'],
    ['single', 'automatic'],
    ['by key', 'automatic'],
  ] as const)('is found and skipped, and no other: %s, %s', async (form, checkpointing) => {
    const row = aRow(100);
    let lives = 0;
    for (; row.letGo.size === 0 && lives < 12; lives++) await live(row, { isDeadly, form, checkpointing });
    expect([...row.letGo]).toEqual([61]);
    // Others may have settled already when it ended an earlier life.
    const diedAlone = row.diedAlone.get(61) ?? 0;
    expect(diedAlone).toBeGreaterThanOrEqual(3);
    if (form === 'batch') expect(diedAlone).toBe(3);
    expect(row.done.size).toBe(99);
    expect(row.stored).toEqual(at(100));
    expect(row.attempted).toEqual([]);
  });

  it('is known beside four others when the process ends before them', async () => {
    const before = [60, 70, 80, 90].map((number) => range(number, number, 3));
    const row = suspicious(before);
    await live(row, { isDeadly: (_, record) => record === 1, batchSize: 49 });
    expect(row.attempted).toEqual([range(1, 4, 1), ...before]);
  });

  it('is found behind records that nobody has acknowledged', async () => {
    const row = aRow(100);
    for (let lives = 0; row.letGo.size === 0 && lives < 12; lives++) {
      await live(row, { isDeadly, checkpointing: 'manual', acknowledgesEvery: 1_000, batchSize: 10 });
    }
    expect([...row.letGo]).toEqual([61]);
    expect(row.diedAlone.get(61)).toBe(3);
  });

  it('is found beside another, though what was let go before it is not acknowledged for long', async () => {
    const row = aRow(24);
    const two = (_: number, record: number): boolean => record === 2 || record === 3;
    for (let lives = 0; row.letGo.size < 2 && lives < 20; lives++) {
      await live(row, { isDeadly: two, checkpointing: 'manual', acknowledgesEvery: 1_000, batchSize: 1 });
    }
    expect([...row.letGo]).toEqual([2, 3]);
    expect(row.done.size).toBe(22);
  });

  it('is found though it comes long after the shard has got on', async () => {
    const row = suspicious([range(61, 61, 3)]);
    const { calls } = await live(row, { isDeadly, batchSize: 5, workMs: 600 });
    expect(calls.some(({ numbers }) => numbers.includes(61))).toBe(false);
    expect([...row.letGo]).toEqual([61]);
  });

  it('becomes a dead letter that says so, without being delivered again', async () => {
    const row = suspicious([range(61, 61, 3)]);
    const { calls, made } = await live(row, { isDeadly, policy: 'dead-letter' });
    expect(calls.every(({ numbers }) => !numbers.includes(61))).toBe(true);
    expect([...row.letGo]).toEqual([61]);
    expect(made[0]?.logger.lines).toContainEqual(
      expect.objectContaining({
        message: 'record became a dead letter',
        fields: expect.objectContaining({ reason: 'crashes', attempts: 3, sequenceNumber: '61' }),
      }),
    );
  });

  it('waits when the process ends at the sink for it', async () => {
    const row = suspicious([range(61, 61, 3)]);
    for (let lives = 0; lives < 3; lives++) {
      await live(row, { policy: 'dead-letter', diesInSink: true });
      expect(row.attempted).toEqual([range(61, 61, 4 + lives)]);
    }
    const { clock } = await live(row, { policy: 'dead-letter', diesInSink: true, runsForMs: 9_000 });
    expect(row.attempted).toEqual([range(61, 61, 6)]);
    expect(clock.now()).toBeGreaterThanOrEqual(9_000);
  });

  it.each(['block', 'bisect'] as const)('is held back with %s, for longer each time', async (policy) => {
    const row = suspicious([range(61, 61, 3)]);
    const first = new CrashingProcess([row], { ...settings, policy, isDeadly });
    const problems: (string | undefined)[] = [];
    const [{ consumer } = {}] = first.made;
    void first.clock.sleep(5_000).then(() => problems.push(consumer?.problem));
    await first.run();
    expect(problems).toEqual(['a record is held back, the process has ended with it in hand']);
    expect(first.isDead).toBe(true);
    expect(first.calls.find(({ numbers }) => numbers.includes(61))?.atMs).toBeGreaterThanOrEqual(10_000);
    expect(row.attempted).toEqual([range(61, 61, 4)]);
    const second = await live(row, { policy, isDeadly });
    expect(second.calls.find(({ numbers }) => numbers.includes(61))?.atMs).toBeGreaterThanOrEqual(20_000);
    expect(row.attempted).toEqual([range(61, 61, 5)]);
    const held = second.made[0]?.logger.lines.find(({ level }) => level === 'error');
    expect(held).toMatchObject({
      message: 'record is held back, the process has ended again and again with it in hand',
      fields: { sequenceNumber: '61', crashes: 4, resumesInMs: 20_000 },
    });
    expect(row.letGo.size).toBe(0);
  });

  it('is held back for an hour at most', async () => {
    const row = suspicious([range(61, 61, 90)]);
    const { made } = await live(row, { policy: 'block' });
    expect(made[0]?.logger.lines.find(({ level }) => level === 'error')).toMatchObject({
      fields: { resumesInMs: 3_600_000 },
    });
  });

  it('is delivered, and all is well again, when it does not end the process any more', async () => {
    const row = suspicious([range(61, 61, 3)]);
    await live(row, { policy: 'block' });
    expect(row).toMatchObject({ attempted: [], stored: at(100) });
    expect(row.done.size).toBe(100);
  });
});

describe('a clean stop', () => {
  it('leaves the row as suspicious as it was', async () => {
    const before = [range(50, 80, 1), range(90, 90, 2)];
    const row = suspicious(before);
    // Told to stop at 500 ms, in the midst of the first record of the range.
    const life = await live(row, { workMs: 400, batchSize: 49, runsForMs: 500 });
    expect(life.calls.length).toBeGreaterThan(1);
    expect(row.attempted).toEqual(before.filter(({ last }) => Number(last.sequenceNumber) > life.calls.length));
  });

  it('leaves all suspects in the row, though there is no room for them beside what is delivered before them', async () => {
    const before = [60, 70, 80, 90, 95].map((number) => range(number, number, 1));
    const row = suspicious(before);
    const { calls } = await live(row, { workMs: 400, batchSize: 49, runsForMs: 500 });
    expect(calls.length).toBeGreaterThan(1);
    expect(row.stored).toEqual(at(calls.flatMap(({ numbers }) => numbers).length));
    expect(row.attempted).toEqual(before);
  });

  it('leaves a suspect in the row as it was, though a part of it is stored', async () => {
    const row = suspicious([range(1, 80, 1)]);
    await live(row, { workMs: 400, runsForMs: 500 });
    expect(row).toMatchObject({ stored: at(10), attempted: [range(1, 80, 1)] });
  });

  it('does not leave a suspect in the row that aged out before it was delivered, once others behind it are stored', async () => {
    const row = suspicious([range(0, 0, 2)]);
    const life: CrashingProcess = new CrashingProcess([row], {
      ...settings,
      ...{ policy: 'block', form: 'single', runsForMs: 3_000 },
      isDeadly: (_, record) => {
        life.fails = record === 3;
        return false;
      },
    });
    await life.run();
    expect(row).toMatchObject({ stored: at(2), attempted: [] });
  });

  it.each([
    [1, 2],
    [2, 3],
  ])('takes back the attempt at the record in hand, in two writes at most: %d fail', async (failures, attempts) => {
    const row = suspicious([range(1, 1, 2)]);
    const life: CrashingProcess = new CrashingProcess([row], {
      ...settings,
      ...{ policy: 'block', runsForMs: 1_000 },
      isDeadly: () => {
        for (const { lease } of life.made) lease.failedAttempts = failures;
        return false;
      },
    });
    life.fails = true;
    await life.run();
    expect(row.attempted).toEqual([range(1, 1, attempts)]);
  });

  it('does not count against records whose delivery came to a fault of our own', async () => {
    const row = suspicious([range(1, 1, 2)]);
    const emit = (name: string): void => {
      if (name === 'processingFailed') throw new Error('fault');
    };
    const life = new CrashingProcess([row], { ...settings, policy: 'block', runsForMs: 1_000, changes: { emit } });
    life.fails = true;
    await life.run();
    expect(life.calls.length).toBeGreaterThan(0);
    expect(row.attempted).toEqual([range(1, 1, 2)]);
  });

  it('does not count against the record that is in hand, though it fails', async () => {
    const row = suspicious([range(1, 1, 2)]);
    for (let stops = 0; stops < 5; stops++) {
      const life = new CrashingProcess([row], { ...settings, policy: 'block', runsForMs: 1_000 });
      life.fails = true;
      await life.run();
      expect(row.attempted).toEqual([range(1, 1, 2)]);
    }
  });
});

describe('a lease that is about to be lost', () => {
  it('is given up when the call in hand has ended, though reading waits for records', async () => {
    const never = new Promise<never>(() => undefined);
    const processRecord = ({ signal }: ProcessRecordInput): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    const { consumer, lease } = aConsumer(
      { processRecord },
      async function* () {
        yield batch(aRecord(1));
        await never;
      },
      { attempted: [range(1, 1, 1)], readAheadPages: 1 },
    );
    const done = consumer.run();
    await settle();
    lease.expire();
    await done;
    expect(lease.releaseCount).toBe(1);
  });
});

describe('an innocent record', () => {
  it('is not in hand any more, by its row, when another shard has its turn', async () => {
    const rows = [suspicious([range(1, 1, 1)], 1), suspicious([range(1, 1, 1)], 1)];
    // The first shard to have its turn is that of the innocent one, whose writes are slow.
    await live(rows.toReversed(), {
      isDeadly: (shard) => shard === 1,
      ...{ checkpointing: 'manual', acknowledgesEvery: 1_000, writeMs: (shard) => (shard === 0 ? 500 : 0) },
    });
    expect(rows.map(({ attempted }) => attempted)).toEqual([[range(1, 1, 2)], []]);
  });

  it('is not blamed for what another shard of the process does', async () => {
    const rows = [aRow(30), aRow(5)];
    for (let lives = 0; rows[0]?.letGo.size === 0 && lives < 20; lives++) {
      await live(rows, {
        isDeadly: (shard, record) => shard === 0 && record === 20,
        ...{ batchSize: 1, checkpointing: 'manual', acknowledgesEvery: 1_000, workMs: 50 },
      });
    }
    expect([...(rows[0]?.letGo ?? [])]).toEqual([20]);
    expect(rows[1]?.letGo.size).toBe(0);
  });
});

describe('a row that cannot be told', () => {
  it('holds the delivery back until it can', async () => {
    const row = suspicious([range(1, 1, 1)]);
    const life = new CrashingProcess([row], settings);
    const [made] = life.made;
    if (made === undefined) throw new Error('no shard');
    made.lease.failedAttempts = 3;
    const problems: (string | undefined)[] = [];
    for (const afterMs of [2_500, 3_500]) {
      void life.clock.sleep(afterMs).then(() => problems.push(made.consumer.problem));
    }
    await life.run();
    expect(life.calls[0]?.atMs).toBe(3_000);
    expect(row.stored).toEqual(at(100));
    expect(problems).toEqual(['records are held back, the lease row cannot be told of them', undefined]);
  });

  it('is told at a stop that nothing was delivered, if it may say so', async () => {
    const row = suspicious([range(1, 1, 1)]);
    const life = new CrashingProcess([row], { ...settings, runsForMs: 5_000 });
    const [made] = life.made;
    if (made === undefined) throw new Error('no shard');
    const attempt = made.lease.attempt.bind(made.lease);
    // Written, but the answer is lost.
    made.lease.attempt = async (ranges) => (await attempt(ranges)) && ranges[0]?.attempts === 1;
    await life.run();
    expect([life.calls, row.attempted]).toEqual([[], [range(1, 1, 1)]]);
  });

  it('is told until it knows that what was delivered is done with', async () => {
    const row = suspicious([range(1, 1, 1)], 1);
    const life: CrashingProcess = new CrashingProcess([row], {
      ...settings,
      ...{ checkpointing: 'manual', acknowledgesEvery: 1_000, killedAtMs: 5_000 },
      isDeadly: () => {
        for (const { lease } of life.made) lease.failedAttempts = 3;
        return false;
      },
    });
    await life.run();
    expect([life.isDead, life.calls.length]).toEqual([true, 1]);
    expect(row.attempted).toEqual([]);
  });

  it('does not keep a stop waiting', async () => {
    const row = suspicious([range(1, 1, 1)]);
    const life = new CrashingProcess([row], { ...settings, runsForMs: 5_000 });
    const [made] = life.made;
    if (made === undefined) throw new Error('no shard');
    made.lease.failedAttempts = Infinity;
    await life.run();
    expect(life.calls).toEqual([]);
    expect(made.lease.releaseCount).toBe(1);
  });
});
