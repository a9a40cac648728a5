import { describe, expect, it } from '@jest/globals';
import { SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { FakeShardLister } from '../src/testing';
import { aShardSync, FakeTable, signal } from './shard-sync-harness';

const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;

describe('the first start', () => {
  it('creates the oldest row alone and in nobody’s name, then the others in those of their owners', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(5) });
    firstStart.workers = ['a', 'b'];
    let rowsWhenPlanned = 0;
    const plan = firstStart.planFirstOwners.bind(firstStart);
    firstStart.planFirstOwners = (leaseKeys) => {
      rowsWhenPlanned = table.rows.size;
      return plan(leaseKeys);
    };
    await sync.start(firstStart, signal);
    expect(rowsWhenPlanned).toBe(1);
    expect(firstStart.planned).toEqual([[1, 2, 3, 4].map(id)]);
    expect([...table.rows.values()].map(({ leaseKey, leaseOwner }) => [leaseKey, leaseOwner]).sort()).toEqual([
      [id(0), undefined],
      [id(1), 'a'],
      [id(2), 'b'],
      [id(3), 'a'],
      [id(4), 'b'],
    ]);
    expect(table.created.every(({ root, healed, leaseCounter }) => root && !healed && leaseCounter === 0)).toBe(true);
  });

  it('gives each owner its first lease before any gets its second', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(7) });
    firstStart.planFirstOwners = async (leaseKeys) =>
      new Map(leaseKeys.map((leaseKey, index) => [leaseKey, index < 3 ? 'a' : 'b']));
    await sync.start(firstStart, signal);
    expect(table.created.slice(1).map(({ first }) => first?.owner)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('of many workers creates each lease about once: whoever comes second creates none but tries the first', async () => {
    const table = new FakeTable();
    const workers = Array.from({ length: 10 }, () => aShardSync({ table, lister: new FakeShardLister(100) }));
    await Promise.all(workers.map(({ sync, firstStart }) => sync.start(firstStart, signal)));
    expect(table.rows.size).toBe(100);
    expect(table.attempts).toBeLessThanOrEqual(100 + 9);
    expect(workers.filter(({ firstStart }) => firstStart.planned.length > 0)).toHaveLength(1);
  });

  it('of a lease without an owner leaves it to nobody', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(2) });
    firstStart.planFirstOwners = async () => new Map();
    await sync.start(firstStart, signal);
    expect(table.created.map(({ first }) => first)).toEqual([undefined, undefined]);
  });

  it('creates nothing where there are rows, and asks nobody', async () => {
    const { sync, table, firstStart } = aShardSync();
    table.rows.set(id(0), aLease({ leaseKey: id(0) }));
    await sync.start(firstStart, signal);
    expect(table.attempts).toBe(0);
    expect(firstStart.planned).toEqual([]);
  });

  it('tells once which leases it has created, and leaves out what another was first to create', async () => {
    const events: object[] = [];
    const observer = { leasesCreated: (event: object) => void events.push(event) };
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(3), observer });
    const plan = firstStart.planFirstOwners.bind(firstStart);
    firstStart.planFirstOwners = (leaseKeys) => {
      table.rows.set(id(2), aLease({ leaseKey: id(2) }));
      return plan(leaseKeys);
    };
    await sync.start(firstStart, signal);
    expect(events).toEqual([{ shardIds: [id(0), id(1)], reason: 'first-start' }]);
  });

  it('that is cut short creates no more', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(40) });
    const stop = new AbortController();
    const create = firstStart.create.bind(firstStart);
    firstStart.create = (seed, owner) => {
      stop.abort(new Error('enough'));
      return create(seed, owner);
    };
    await expect(sync.start(firstStart, stop.signal)).rejects.toThrow('enough');
    expect(table.rows.size).toBeLessThan(20);
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
