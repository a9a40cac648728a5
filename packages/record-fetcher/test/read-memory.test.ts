import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { MemoryBudget, type RecordBatch, type Reservation } from '@millrace/record-fetcher';
import { kinesisError } from '@millrace/record-fetcher/testing';
import { Reading, SHARD } from './reading';

const MB = 1_000_000;
const MINUTE = 60_000;
const never = new AbortController().signal;

/** A reader of a shard that shares a budget with `other`, and keeps what its batches hold until the test releases it. */
class Sharing {
  readonly reading = new Reading();
  readonly budget: MemoryBudget;
  readonly other;
  readonly batches: Extract<RecordBatch, { kind: 'records' }>[] = [];
  /** What was used when each call was made. */
  readonly usedAtCall: number[] = [];

  constructor(budgetBytes = 256 * MB) {
    this.budget = new MemoryBudget(budgetBytes);
    this.reading.memory = this.budget.open();
    this.other = this.budget.open();
    this.reading.reader.intercept = ({ operation }) => {
      if (operation === 'GetRecords') this.usedAtCall.push(this.budget.usedBytes);
      return undefined;
    };
    this.reading.deal = async (batch) => {
      if (batch.kind === 'records') this.batches.push(batch);
    };
  }

  async holds(bytes: number): Promise<Reservation> {
    return this.other.reserve({ least: bytes, most: bytes }, never);
  }

  get limits(): (number | undefined)[] {
    return this.reading.callsTo('GetRecords').map(({ limit }) => limit);
  }
}

describe('reading with a memory budget', () => {
  it('reserves before a call what an answer may cost, and holds with the batch what it does', async () => {
    const { reading, budget, batches, usedAtCall } = new Sharing();
    reading.put(10, 1_000);
    reading.begin();
    await settle();
    // An answer of ten megabytes and as many records as the first call asks for, while nothing is known of either.
    expect(usedAtCall).toEqual([7 * 10 * 1024 * 1024 + 1_800 * 1_000]);
    // It has not waited for that.
    expect(Math.max(...reading.events.waiting.map(({ delayMs }) => delayMs))).toBeLessThan(5_000);
    const [batch] = batches;
    expect(batch?.records).toHaveLength(10);
    const dataBytes = batch?.records.reduce(
      (sum, { data, partitionKey }) => sum + data.length + partitionKey.length,
      0,
    );
    expect(batch?.memory?.bytes).toBe(Math.ceil(1.75 * (dataBytes ?? NaN)) + 10 * 500);
    expect(budget.usedBytes).toBe(batch?.memory?.bytes);
    batch?.memory?.release();
    expect(budget.usedBytes).toBe(0);
  });

  it('reserves for a shard that is caught up what can have been written since, and holds nothing for empty answers', async () => {
    const { reading, budget, batches, usedAtCall } = new Sharing();
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 3_000 });
    await reading.clock.advance(3_000);
    // Three seconds, and what may have been saved up.
    expect(usedAtCall[1]).toBe(4_000 * 7 * ((1024 * 1024) / 1_000) + 1_800 * 1_000);
    expect(batches.map(({ memory }) => memory)).toEqual([undefined, undefined]);
    expect(budget.usedBytes).toBe(0);
  });

  it('asks for no more records than what is left will do for', async () => {
    const sharing = new Sharing(100 * MB);
    const { reading } = sharing;
    reading.put(3_000, 1_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2_000 });
    await settle();
    await sharing.holds(90 * MB);
    await reading.clock.advance(5_000);
    const [, second = NaN] = sharing.limits;
    // So many records of some 1 000 bytes at eight times that, in what the first batch leaves of ten megabytes.
    expect(second).toBeGreaterThan(700);
    expect(second).toBeLessThan(800);
    expect(Math.max(...sharing.usedAtCall)).toBeLessThanOrEqual(100 * MB);
    expect(sharing.usedAtCall[1]).toBe(100 * MB);
  });

  it('asks for a few records of a shard of which it knows nothing, rather than wait for room for a full answer', async () => {
    const sharing = new Sharing(100 * MB);
    const { reading } = sharing;
    await sharing.holds(90 * MB);
    reading.put(10);
    reading.begin();
    await settle();
    expect(sharing.limits[0]).toBe(1);
    await reading.clock.advance(10_000);
    expect(reading.delivered).toHaveLength(10);
  });

  it('waits while there is no room, which shows life, and says once that it takes long', async () => {
    const sharing = new Sharing();
    const { reading } = sharing;
    const held = await sharing.holds(256 * MB);
    reading.put(1);
    reading.begin();
    await reading.clock.advance(10 * MINUTE);
    expect(reading.callsTo('GetRecords')).toEqual([]);
    expect(reading.events.waitingForMemory).toEqual([{ shardId: SHARD, waitedMs: 10_000 }]);
    // Never more than it said, and not at all silent for as long as a stall.
    for (const [index, { untilMs }] of reading.waits.entries()) {
      const { atMs = reading.clock.now() } = reading.waits[index + 1] ?? {};
      expect(atMs).toBeLessThanOrEqual(untilMs);
      expect(untilMs - (reading.waits[index]?.atMs ?? NaN)).toBeLessThanOrEqual(5_000);
    }
    held.release();
    await settle();
    expect(reading.delivered).toHaveLength(1);
    expect(reading.clock.sleeperCount).toBe(1);
  });

  it('replaces an iterator that has grown old while it waited', async () => {
    const sharing = new Sharing();
    const { reading } = sharing;
    const put = reading.put(4);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await settle();
    const held = await sharing.holds(256 * MB - sharing.budget.usedBytes);
    await reading.clock.advance(10 * MINUTE);
    held.release();
    await reading.clock.advance(1_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.positions).toHaveLength(2);
    expect(reading.events.iteratorRefreshed).toEqual([]);
  });

  it('holds nothing when it is stopped while it waits', async () => {
    const sharing = new Sharing();
    const { reading, budget } = sharing;
    await sharing.holds(256 * MB);
    reading.begin();
    await settle();
    expect(budget.waitingShares).toBe(1);
    reading.abort.abort(new Error('stop'));
    await settle();
    expect({ outcome: reading.outcome, waiting: budget.waitingShares }).toEqual({ outcome: 'ended', waiting: 0 });
    expect(budget.usedBytes).toBe(256 * MB);
    expect(reading.clock.sleeperCount).toBe(0);
  });

  it.each([
    ['was throttled', 'ProvisionedThroughputExceededException'],
    ['has failed', 'InternalFailure'],
  ])('holds nothing while it waits after a call that %s', async (_, name) => {
    const { reading, budget } = new Sharing();
    reading.put(1);
    reading.reader.intercept = ({ operation }) => (operation === 'GetRecords' ? kinesisError(name) : undefined);
    reading.begin();
    await settle();
    expect(reading.callsTo('GetRecords')).toHaveLength(1);
    expect(budget.usedBytes).toBe(0);
  });

  it('holds nothing of an answer that is refused, or comes when reading is to end', async () => {
    const { reading, budget } = new Sharing();
    reading.reader.put(
      SHARD,
      { data: Uint8Array.of(1), sequenceNumber: '7' },
      { data: Uint8Array.of(1), sequenceNumber: '6' },
    );
    reading.begin();
    await settle();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE' } });
    expect(budget.usedBytes).toBe(0);

    const stopped = new Sharing();
    stopped.reading.put(1);
    stopped.reading.reader.intercept = () => {
      stopped.reading.abort.abort(new Error('stop'));
      return undefined;
    };
    stopped.reading.begin();
    await settle();
    expect(stopped.reading.outcome).toBe('ended');
    expect(stopped.budget.usedBytes).toBe(0);
  });

  it.each([
    ['batches take long', {}, MINUTE],
    ['reads are to be far apart', { minTimeBetweenReadsMs: MINUTE }, 0],
  ])('goes on at full speed when %s, and what it and others hold is never released', async (_, fetch, takesMs) => {
    const sharing = new Sharing(64 * MB);
    const { reading } = sharing;
    await sharing.holds(1 * MB);
    reading.put(5_000, 5_000);
    reading.deal = async (batch) => {
      // The first ones tell the size of records.
      if (batch.kind === 'records' && reading.batches.length > 3) batch.memory?.release();
      await reading.clock.sleep(takesMs);
    };
    reading.begin({ kind: 'trim-horizon' }, fetch);
    await reading.clock.advance(20 * MINUTE);
    expect(reading.delivered).toHaveLength(5_000);
    expect(reading.events.waitingForMemory).toEqual([]);
    expect(sharing.budget.usedBytes).toBeGreaterThan(5 * MB);
  });

  it('waits for no more than is needed at full speed, and lets others pass, however much it has left unread', async () => {
    const sharing = new Sharing(64 * MB);
    const { reading, budget } = sharing;
    reading.put(5_000, 5_000);
    reading.deal = async (batch) => {
      if (batch.kind === 'records') batch.memory?.release();
      await reading.clock.sleep(MINUTE);
    };
    reading.begin();
    await settle();
    await sharing.holds(60 * MB);
    await reading.clock.advance(MINUTE);
    const third = budget.open();
    const granted: Reservation[] = [];
    void third.reserve({ least: 1_000, most: 1_000 }, never).then((reservation) => granted.push(reservation));
    await settle();
    expect(granted).toHaveLength(1);
    await reading.clock.advance(5 * MINUTE);
    // What comes to 400 kB five times a second is full speed.
    for (const limit of sharing.limits.slice(1)) expect(limit).toBeGreaterThanOrEqual(80);
    expect(sharing.limits.length).toBeGreaterThan(5);
  });

  it('waits for more where reads are to be far apart, rather than fall behind', async () => {
    const sharing = new Sharing(64 * MB);
    const { reading } = sharing;
    reading.put(5_000, 5_000);
    reading.deal = async (batch) => {
      if (batch.kind === 'records') batch.memory?.release();
    };
    reading.begin({ kind: 'trim-horizon' }, { minTimeBetweenReadsMs: 10_000 });
    await settle();
    // What is left would do for five calls a second.
    const held = await sharing.holds(60 * MB);
    await reading.clock.advance(30_000);
    expect(sharing.limits).toHaveLength(1);
    held.resize(50 * MB);
    await settle();
    expect(sharing.limits).toHaveLength(2);
  });

  it('goes on when the budget is smaller than any answer', async () => {
    const sharing = new Sharing(1_000);
    const { reading } = sharing;
    const put = reading.put(5, 10_000);
    reading.deal = async (batch) => {
      if (batch.kind === 'records') batch.memory?.release();
    };
    reading.begin();
    await reading.clock.advance(30_000);
    expect(reading.delivered).toEqual(put);
  });
});
