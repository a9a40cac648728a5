import { beforeEach, describe, expect, it } from '@jest/globals';
import { SHARD_END, StreamRecreatedError, type Lease } from '@millrace/core';
import { aLease, settle } from '@millrace/core/testing';
import { FakeShardLister } from '../src/testing';
import type { ApplicationPosition } from '../src';
import { aShardSync, FakeTable, identity, signal } from './shard-sync-harness';

describe('ShardSync', () => {
  let stop: AbortController;

  beforeEach(() => {
    stop = new AbortController();
  });

  it('fills an empty table with roots at the moment of the first start', async () => {
    const { sync, table, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    expect(table.created).toMatchObject([
      { checkpoint: { kind: 'latest' }, initialTimestampMs: 1_000, root: true, healed: false, leaseCounter: 0 },
      { checkpoint: { kind: 'latest' }, initialTimestampMs: 1_000, root: true, healed: false, leaseCounter: 0 },
    ]);
  });

  it('takes over the moment of the worker that created the first row', async () => {
    const table = new FakeTable();
    const first = aShardSync({ table });
    const second = aShardSync({ table, position: { kind: 'moment', sentinel: 'latest', timestampMs: 9_000 } });
    // Both see an empty table; the first is a step ahead.
    await Promise.all([first.sync.start(first.firstStart, signal), second.sync.start(second.firstStart, signal)]);
    expect(new Set(table.created.map(({ initialTimestampMs }) => initialTimestampMs))).toEqual(new Set([1_000]));
    expect(second.sync.position).toMatchObject({ timestampMs: 1_000 });
  });

  it('takes over the moment of rows that appeared after it had come to its own', async () => {
    const table = new FakeTable();
    const late = aShardSync({ table, position: { kind: 'moment', sentinel: 'latest', timestampMs: 9_000 } });
    const early = aShardSync({ table });
    await early.sync.start(early.firstStart, signal);
    await late.sync.start(late.firstStart, signal);
    expect(late.sync.position).toMatchObject({ timestampMs: 1_000 });
  });

  it('takes over the moment of a row that appears while it starts', async () => {
    const table = new FakeTable();
    const late = aShardSync({ table, position: { kind: 'moment', sentinel: 'latest', timestampMs: 9_000 } });
    const list = table.list.bind(table);
    let calls = 0;
    table.list = () => {
      if (++calls === 1) table.rows.set('shardId-000000000000', aLease({ initialTimestampMs: 1_000 }));
      return list();
    };
    await late.sync.start(late.firstStart, signal);
    await late.sync.audit(signal);
    expect(late.sync.position).toMatchObject({ timestampMs: 1_000 });
    expect(table.created.map(({ initialTimestampMs }) => initialTimestampMs)).toEqual([1_000]);
  });

  it('reads the child of a merge after both parents, though both came after its last listing', async () => {
    const { sync, table, lister, clock, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    const running = sync.run(AbortSignal.any([signal, stop.signal]));
    const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;
    // 0 splits into 2 and 3, 1 into 4 and 5; 3 and 4 merge into 6. Shard 1 has a backlog, so that 4 has no row yet.
    lister.split(id(0));
    lister.split(id(1));
    lister.merge(id(3), id(4));
    const put = (index: number, changes: Partial<Lease>): void =>
      void table.rows.set(id(index), aLease({ leaseKey: id(index), ...changes }));
    put(0, { checkpoint: SHARD_END });
    put(1, { root: true });
    put(2, { parentShardIds: [id(0)] });
    put(3, { parentShardIds: [id(0)], checkpoint: SHARD_END });
    put(6, { parentShardIds: [id(3), id(4)] });
    const readable = (): readonly string[] =>
      sync.selectReadable([...table.rows.values()]).map(({ leaseKey }) => leaseKey);
    expect(readable()).toEqual([id(1), id(2)]);
    await settle();
    expect(readable()).toEqual([id(1), id(2)]);
    // Shard 1 ends, then 4: only then is 6 its turn.
    put(1, { root: true, checkpoint: SHARD_END });
    put(4, { parentShardIds: [id(1)] });
    expect(readable()).toEqual([id(2), id(4)]);
    put(4, { parentShardIds: [id(1)], checkpoint: SHARD_END });
    expect(readable()).toEqual([id(2), id(6)]);
    stop.abort();
    await clock.advance(1);
    await running;
  });

  it('asks for a listing at once for a row that is newer, and lets a trimmed shard through after it', async () => {
    const { sync, table, clock, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    let listings = 0;
    const list = lister.list.bind(lister);
    lister.list = () => {
      listings++;
      return list();
    };
    const running = sync.run(AbortSignal.any([signal, stop.signal]));
    await settle();
    const orphan = aLease({ leaseKey: 'shardId-000000000009', parentShardIds: ['shardId-000000000008'] });
    table.rows.set(orphan.leaseKey, orphan);
    expect(sync.selectReadable([orphan])).toEqual([]);
    expect(listings).toBe(0);
    await settle();
    expect(listings).toBeGreaterThan(0);
    expect(sync.selectReadable([orphan])).toEqual([orphan]);
    stop.abort();
    await clock.advance(1);
    await running;
  });

  it('asks for a listing again when the one that a row waits for has failed', async () => {
    const { sync, clock, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    const list = lister.list.bind(lister);
    lister.list = () => Promise.reject(new Error('no'));
    const running = sync.run(AbortSignal.any([signal, stop.signal]));
    await settle();
    const orphan = aLease({ leaseKey: 'shardId-000000000009', parentShardIds: ['shardId-000000000008'] });
    expect(sync.selectReadable([orphan])).toEqual([]);
    await clock.advance(1);
    lister.list = list;
    expect(sync.selectReadable([orphan])).toEqual([]);
    await clock.advance(1);
    expect(sync.selectReadable([orphan])).toEqual([orphan]);
    stop.abort();
    await clock.advance(1);
    await running;
  });

  it('keeps what the listing that started last has said', async () => {
    const { sync, lister, firstStart } = aShardSync({ position: { kind: 'trim-horizon' } });
    await sync.start(firstStart, signal);
    const [left] = lister.split('shardId-000000000000');
    const child = aLease({ leaseKey: left?.shardId ?? '', parentShardIds: left?.parentShardIds ?? [] });
    const before = await lister.list();
    let answerLate = (): void => undefined;
    const list = lister.list.bind(lister);
    lister.list = () =>
      new Promise((resolve) => {
        answerLate = () => resolve(before);
      });
    const slow = sync.isListed('shardId-000000000000', signal);
    lister.list = list;
    lister.trim('shardId-000000000000');
    await expect(sync.isListed('shardId-000000000000', signal)).resolves.toBe(false);
    answerLate();
    await expect(slow).resolves.toBe(true);
    // The older listing has the parent, whose row is missing, and would have the child wait for it.
    expect(sync.selectReadable([child])).toEqual([child]);
  });

  it('fills the table although it is throttled meanwhile', async () => {
    const { sync, table, clock, firstStart } = aShardSync({ lister: new FakeShardLister(40) });
    table.failNextCreates = 5;
    const started = sync.start(firstStart, signal);
    await clock.advance(60_000);
    await started;
    expect(table.rows.size).toBe(40);
    expect(table.created.every(({ healed }) => !healed)).toBe(true);
  });

  it('heals the others when one row is corrupt, and leaves that one alone', async () => {
    const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(3) });
    await sync.start(firstStart, signal);
    table.rows.delete('shardId-000000000000');
    table.rows.delete('shardId-000000000001');
    table.corrupt.push({ leaseKey: 'shardId-000000000000' });
    await sync.audit(signal);
    expect([...table.rows.keys()].toSorted()).toEqual(['shardId-000000000001', 'shardId-000000000002']);
  });

  it('leaves a table that has rows to the audit', async () => {
    const { sync, table, firstStart } = aShardSync();
    table.rows.set('shardId-000000000000', aLease());
    await sync.start(firstStart, signal);
    expect(table.created).toEqual([]);
    await sync.audit(signal);
    expect(table.created).toMatchObject([{ leaseKey: 'shardId-000000000001', healed: true }]);
  });

  it('puts a row back above any counter that it may have had', async () => {
    const { sync, table, clock, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    table.rows.delete('shardId-000000000000');
    await sync.audit(signal);
    expect(table.rows.get('shardId-000000000000')).toMatchObject({ leaseCounter: clock.wallTime(), healed: true });
  });

  it('says in a row that it puts back for how long whoever held it may count on it: the longest time that is known', async () => {
    for (const [inLeases, inRegistry, said] of [
      [[20_000, undefined], [10_000, 40_000], 40_000],
      [[60_000, 20_000], [10_000], 60_000],
      [[undefined, undefined], [], 0],
    ] as const) {
      const { sync, table, firstStart } = aShardSync({ lister: new FakeShardLister(3) });
      await sync.start(firstStart, signal);
      for (const [index, failoverTimeMs] of inLeases.entries()) {
        const leaseKey = `shardId-00000000000${String(index)}`;
        table.rows.set(leaseKey, aLease({ leaseKey, root: true, failoverTimeMs }));
      }
      table.workers.push(...inRegistry.map((failoverTimeMs) => ({ failoverTimeMs })));
      table.rows.delete('shardId-000000000002');
      await sync.audit(signal);
      expect(table.created.at(-1)).toMatchObject({ healed: true, failoverTimeMs: said });
    }
  });

  it('creates children at their beginning, from the answer that ended the parent', async () => {
    const { sync, table, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    await sync.createChildren('shardId-000000000000', lister.split('shardId-000000000000'), signal);
    expect(table.created.slice(2)).toMatchObject([
      {
        leaseKey: 'shardId-000000000002',
        checkpoint: { kind: 'trim-horizon' },
        root: false,
        parentShardIds: ['shardId-000000000000'],
      },
      {
        leaseKey: 'shardId-000000000003',
        checkpoint: { kind: 'trim-horizon' },
        root: false,
        parentShardIds: ['shardId-000000000000'],
      },
    ]);
  });

  it('asks the listing for children when the answer named none', async () => {
    const { sync, table, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    lister.split('shardId-000000000000');
    await sync.createChildren('shardId-000000000000', [], signal);
    expect(table.created.slice(2).map(({ leaseKey }) => leaseKey)).toEqual([
      'shardId-000000000002',
      'shardId-000000000003',
    ]);
  });

  it('keeps a finished row until its shard is no longer listed', async () => {
    const { sync, table, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    await sync.createChildren('shardId-000000000000', lister.split('shardId-000000000000'), signal);
    const row = table.rows.get('shardId-000000000000') ?? aLease();
    table.rows.set(row.leaseKey, { ...row, checkpoint: SHARD_END });
    await sync.audit(signal);
    expect(table.rows.has(row.leaseKey)).toBe(true);
    lister.trim(row.leaseKey);
    await sync.audit(signal);
    expect(table.rows.has(row.leaseKey)).toBe(false);
  });

  it('keeps a finished row that lies before its position, because that was changed, as long as its shard is listed', async () => {
    const lister = new FakeShardLister(1);
    lister.split('shardId-000000000000');
    const open = lister.shards.filter(({ endingSequenceNumber }) => endingSequenceNumber === undefined);
    const list = async ({ kind }: ApplicationPosition) => (kind === 'trim-horizon' ? [...lister.shards] : open);
    Object.assign(lister, { list });
    const { sync, table } = aShardSync({ lister });
    for (const { shardId } of open) table.rows.set(shardId, aLease({ leaseKey: shardId }));
    const finished = aLease({ leaseKey: 'shardId-000000000000', checkpoint: SHARD_END });
    table.rows.set(finished.leaseKey, finished);
    await sync.audit(signal);
    expect(table.rows.get(finished.leaseKey)).toBe(finished);
    lister.trim(finished.leaseKey);
    await sync.audit(signal);
    expect(table.rows.has(finished.leaseKey)).toBe(false);
  });

  it('keeps the row of a shard that was created and finished while the audit was between its listing and the rows', async () => {
    const { sync, table, lister, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    const readRows = table.list.bind(table);
    let young = '';
    table.list = async () => {
      const [child] = lister.split('shardId-000000000000');
      young = child?.shardId ?? '';
      table.rows.set(young, aLease({ leaseKey: young, checkpoint: SHARD_END }));
      table.list = readRows;
      return readRows();
    };
    await sync.audit(signal);
    expect(table.rows.has(young)).toBe(true);
  });

  it('refuses a stream that was made again', async () => {
    const { sync, stream, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    stream.identity = { ...identity, streamCreatedAtMs: 2 };
    await expect(sync.audit(signal)).rejects.toThrow(StreamRecreatedError);
  });

  it('goes on after an audit that failed, and stops for a stream that was made again', async () => {
    const { sync, table, lister, stream, clock, firstStart } = aShardSync();
    await sync.start(firstStart, signal);
    const list = lister.list.bind(lister);
    lister.list = () => Promise.reject(new Error('throttled'));
    const running = sync.run(signal);
    const outcome = running.catch((error: unknown) => error);
    await clock.advance(200_000);
    lister.list = list;
    table.rows.delete('shardId-000000000000');
    await clock.advance(80_000);
    expect(table.rows.has('shardId-000000000000')).toBe(true);
    stream.identity = { ...identity, streamArn: 'arn:other' };
    await clock.advance(80_000);
    await expect(outcome).resolves.toBeInstanceOf(StreamRecreatedError);
  });
});
