import { describe, expect, it } from '@jest/globals';
import { SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { FakeShardLister } from '../src/testing';
import { aShardSync, FakeTable, signal } from './shard-sync-harness';

const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;

const id01 = [id(0), id(1)];

describe('the first start', () => {
  it('creates the oldest row alone, and then this worker’s share of the others, all as its own', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(5) });
    const rowsWhenShared: number[] = [];
    firstStart.share = (missing) => {
      rowsWhenShared.push(table.rows.size);
      return missing;
    };
    await sync.start(firstStart, signal);
    expect(rowsWhenShared).toEqual([1]);
    expect(firstStart.shares).toEqual([[1, 2, 3, 4].map(id)]);
    expect(table.created.map(({ leaseKey, first }) => [leaseKey, first?.owner])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [id(index), 'worker-a']),
    );
    expect(table.created.every(({ root, healed, leaseCounter }) => root && !healed && leaseCounter === 0)).toBe(true);
  });

  it('is announced before the first row is there, and over only when none is missing', async () => {
    const { sync, firstStart } = aShardSync({ lister: new FakeShardLister(3) });
    await sync.start(firstStart, signal);
    expect(firstStart.wasFilling).toEqual([true, true, true]);
    expect(firstStart.isFilling).toBe(false);
  });

  it('goes on until nothing is missing, share by share, each computed over all', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(5) });
    const overAll: (readonly string[])[] = [];
    firstStart.share = (missing, all) => {
      overAll.push(all);
      return missing.slice(0, 2);
    };
    await sync.start(firstStart, signal);
    expect(table.rows.size).toBe(5);
    expect(firstStart.shares).toEqual([
      [id(1), id(2)],
      [id(3), id(4)],
    ]);
    expect(overAll).toEqual([[0, 1, 2, 3, 4].map(id), [0, 1, 2, 3, 4].map(id)]);
  });

  it('of a worker that is second with the oldest row does its share as well, if the others count on it', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    const create = firstStart.create.bind(firstStart);
    firstStart.create = async (seed, ownership) => {
      if (seed.leaseKey === id(0)) table.rows.set(id(0), aLease({ leaseKey: id(0), initialTimestampMs: 500 }));
      return create(seed, ownership);
    };
    await sync.start(firstStart, signal);
    // At the moment that the first has fixed.
    expect(table.created).toMatchObject([{ leaseKey: id(1), initialTimestampMs: 500 }]);
  });

  it('of a worker that is second and unknown to the others does nothing more', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    firstStart.isShared = false;
    const create = firstStart.create.bind(firstStart);
    firstStart.create = async (seed, ownership) => {
      table.rows.set(id(0), aLease({ leaseKey: id(0) }));
      return create(seed, ownership);
    };
    await sync.start(firstStart, signal);
    expect([...table.rows.keys()]).toEqual([id(0)]);
    expect(firstStart.isFilling).toBe(false);
  });

  it('that is under way is joined', async () => {
    const { sync, table, firstStart } = aShardSync();
    table.rows.set(id(0), aLease({ leaseKey: id(0), root: true, initialTimestampMs: 500 }));
    firstStart.othersFill = true;
    await sync.start(firstStart, signal);
    expect(table.created).toMatchObject([{ leaseKey: id(1), healed: false, leaseCounter: 0, initialTimestampMs: 500 }]);
  });

  it('is over where there are rows and nobody fills: what is missing is the audit’s', async () => {
    const { sync, table, firstStart } = aShardSync();
    table.rows.set(id(0), aLease({ leaseKey: id(0) }));
    await sync.start(firstStart, signal);
    expect(table.attempts).toBe(0);
    expect(firstStart.shares).toEqual([]);
    expect(firstStart.isFilling).toBe(false);
  });

  it('looks again when it was held up before the first row, and leaves rows that are there by then alone', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    const begin = firstStart.begin.bind(firstStart);
    firstStart.begin = async () => {
      // Meanwhile others filled the table, and one row was deleted again.
      table.rows.set(id(1), aLease({ leaseKey: id(1), leaseCounter: 7 }));
      firstStart.isOutdated = true;
      await begin();
    };
    await sync.start(firstStart, signal);
    expect(table.created).toEqual([]);
    expect(firstStart.isFilling).toBe(false);
  });

  it('fills the table when it was held up and finds it still empty', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    const begin = firstStart.begin.bind(firstStart);
    let begins = 0;
    firstStart.begin = async () => {
      firstStart.isOutdated = begins++ === 0;
      await begin();
    };
    await sync.start(firstStart, signal);
    expect(begins).toBe(2);
    expect(table.created.map(({ leaseKey, leaseCounter }) => [leaseKey, leaseCounter])).toEqual([
      [id(0), 0],
      [id(1), 0],
    ]);
  });

  it('goes on when it was held up over its first row, of which the answer was lost', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(3) });
    const create = firstStart.create.bind(firstStart);
    firstStart.create = async (seed, ownership) => {
      firstStart.create = create;
      await create(seed, ownership);
      table.rows.set(id(0), aLease({ leaseKey: id(0), leaseOwner: 'worker-a' }));
      firstStart.isOutdated = true;
      return false;
    };
    await sync.start(firstStart, signal);
    expect(table.created.map(({ leaseKey, healed }) => [leaseKey, healed])).toEqual([
      [id(0), false],
      [id(1), false],
      [id(2), false],
    ]);
  });

  it('asks nobody where nothing is missing', async () => {
    const { sync, table, firstStart } = aShardSync();
    for (const leaseKey of id01) table.rows.set(leaseKey, aLease({ leaseKey }));
    firstStart.isUnderWay = () => Promise.reject(new Error('asked'));
    await sync.start(firstStart, signal);
    expect(table.attempts).toBe(0);
  });

  it('lists the shards once, however many rows are missing', async () => {
    const lister = new FakeShardLister(40);
    const { sync, table, firstStart } = aShardSync({ lister, position: { kind: 'trim-horizon' } });
    const list = lister.list.bind(lister);
    let listings = 0;
    lister.list = () => {
      listings++;
      return list();
    };
    await sync.start(firstStart, signal);
    expect([table.rows.size, listings]).toEqual([40, 1]);
  });

  it('of a lease that nobody may have leaves it to nobody', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    firstStart.unowned.add(id(1));
    await sync.start(firstStart, signal);
    expect(table.created.map(({ first }) => first?.owner)).toEqual(['worker-a', undefined]);
  });

  it('tells once which leases it has created, and leaves out what another was first to create', async () => {
    const events: object[] = [];
    const observer = { leasesCreated: (event: object) => void events.push(event) };
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(3), observer });
    firstStart.share = (missing) => {
      table.rows.set(id(2), aLease({ leaseKey: id(2) }));
      return missing;
    };
    await sync.start(firstStart, signal);
    expect(events).toEqual([{ shardIds: [id(0), id(1)], reason: 'first-start' }]);
  });

  it('that is cut short creates no more, and takes back that it fills', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(40) });
    const stop = new AbortController();
    const create = firstStart.create.bind(firstStart);
    firstStart.create = (seed, ownership) => {
      stop.abort(new Error('enough'));
      return create(seed, ownership);
    };
    await expect(sync.start(firstStart, stop.signal)).rejects.toThrow('enough');
    expect(table.rows.size).toBeLessThan(20);
    expect(firstStart.isFilling).toBe(false);
  });
});

describe('the traps that others fell into', () => {
  it('trap 2: closed parents that nobody claims. A closed shard that is listed gets a row, and its children wait for it', async () => {
    const lister = new FakeShardLister(1);
    lister.split(id(0));
    const { sync, table, firstStart } = aShardSync({ lister, position: { kind: 'trim-horizon' } });
    await sync.start(firstStart, signal);
    expect([...table.rows.keys()]).toEqual([id(0)]);
    expect(sync.selectReadable([...table.rows.values()]).map(({ leaseKey }) => leaseKey)).toEqual([id(0)]);
  });

  it('trap 13: an empty parent with an earlier checkpoint. Its child waits until the parent’s row says shard end', async () => {
    const lister = new FakeShardLister(1);
    const { sync, table, firstStart } = aShardSync({ lister });
    await sync.start(firstStart, signal);
    const begun = { kind: 'sequence-number', sequenceNumber: '100', subSequenceNumber: 0 } as const;
    table.rows.set(id(0), aLease({ leaseKey: id(0), root: true, checkpoint: begun }));
    await sync.createChildren(id(0), lister.split(id(0)), signal);
    const readable = (): readonly string[] => sync.selectReadable([...table.rows.values()]).map((row) => row.leaseKey);
    expect(readable()).toEqual([id(0)]);
    table.rows.set(id(0), aLease({ leaseKey: id(0), root: true, checkpoint: SHARD_END }));
    expect(readable()).toEqual([id(1), id(2)]);
  });

  it('trap 14: a child at LATEST after a split. Children start at their beginning, whoever finds them', async () => {
    const lister = new FakeShardLister(1);
    const { sync, table, firstStart } = aShardSync({ lister });
    await sync.start(firstStart, signal);
    expect(table.created).toMatchObject([{ checkpoint: { kind: 'latest' } }]);
    await sync.createChildren(id(0), lister.split(id(0)), signal);
    // The other child's row goes missing, and the audit puts it back.
    table.rows.delete(id(2));
    table.rows.set(id(0), aLease({ leaseKey: id(0), root: true, checkpoint: SHARD_END }));
    await sync.audit(signal);
    expect(table.created.slice(1).map(({ leaseKey, checkpoint }) => [leaseKey, checkpoint.kind])).toEqual([
      [id(1), 'trim-horizon'],
      [id(2), 'trim-horizon'],
      [id(2), 'trim-horizon'],
    ]);
  });

  it('trap 16: a restart in the middle of a split. The parent is read on, and its children after it, from their beginning', async () => {
    const lister = new FakeShardLister(1);
    const table = new FakeTable();
    const before = aShardSync({ table, lister });
    await before.sync.start(before.firstStart, signal);
    const children = lister.split(id(0));
    // It dies after one of the two rows was created, and before the parent's end was stored.
    await before.sync.createChildren(id(0), children.slice(0, 1), signal);
    const after = aShardSync({ table, lister, position: { kind: 'moment', sentinel: 'latest', timestampMs: 9_000 } });
    await after.sync.start(after.firstStart, signal);
    const readable = (): readonly string[] =>
      after.sync.selectReadable([...table.rows.values()]).map((row) => row.leaseKey);
    expect(readable()).toEqual([id(0)]);
    await after.sync.createChildren(id(0), children, signal);
    table.rows.set(id(0), aLease({ leaseKey: id(0), root: true, checkpoint: SHARD_END }));
    expect(readable()).toEqual([id(1), id(2)]);
    expect(table.created.slice(1).every(({ checkpoint }) => checkpoint.kind === 'trim-horizon')).toBe(true);
  });
});
