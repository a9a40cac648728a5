import { describe, expect, it } from '@jest/globals';
import { checkpointAt, SHARD_END, type Lease } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { FakeShardLister } from '../src/testing';
import { aShardSync, type FakeTable, signal } from './shard-sync-harness';

const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;

const begun = checkpointAt({ sequenceNumber: '100', subSequenceNumber: 0 });

const put = (table: FakeTable, index: number, changes: Partial<Lease> = {}): void =>
  void table.rows.set(id(index), aLease({ leaseKey: id(index), ...changes }));

/** Lets something happen between a listing of the shards and the reading of the rows, or, `after` it, before the next listing. */
function once(table: FakeTable, { before, after }: { before?: () => unknown; after?: () => unknown }): void {
  const readRows = table.list.bind(table);
  table.list = async () => {
    table.list = readRows;
    await before?.();
    const rows = await readRows();
    await after?.();
    return rows;
  };
}

function countListings(lister: FakeShardLister): () => number {
  const list = lister.list.bind(lister);
  let listings = 0;
  lister.list = () => {
    listings++;
    return list();
  };
  return () => listings;
}

/** The first of `shardCount` shards was split and read to its end, and nothing was read of its children. */
async function afterASplit(shardCount = 1): Promise<ReturnType<typeof aShardSync>> {
  const all = aShardSync({ lister: new FakeShardLister(shardCount), position: { kind: 'trim-horizon' } });
  const { sync, table, lister, firstStart } = all;
  await sync.start(firstStart, signal);
  await sync.createChildren(id(0), lister.split(id(0)), signal);
  put(table, 0, { root: true, checkpoint: SHARD_END });
  return all;
}

describe('what an audit puts back', () => {
  it('counts from above all that was there, though the clock of whoever put it back before was ahead', async () => {
    const { sync, table, clock, firstStart } = aShardSync({ position: { kind: 'trim-horizon' } });
    await sync.start(firstStart, signal);
    const ahead = clock.wallTime() + 3_600_000;
    put(table, 0, { root: true, leaseCounter: ahead });
    await sync.audit(signal);
    // Nobody has listed the last writes of its owner.
    table.rows.delete(id(0));
    await sync.audit(signal);
    expect(table.rows.get(id(0))?.leaseCounter).toBeGreaterThan(ahead + 100_000);
  });

  it('is not what another worker is about to create, which is asked again soon', async () => {
    const { sync, table, clock, firstStart } = aShardSync({ position: { kind: 'trim-horizon' } });
    put(table, 0, { root: true });
    firstStart.othersFill = true;
    expect(await sync.audit(signal, firstStart)).toBe(false);
    expect(table.created).toEqual([]);
    const stop = new AbortController();
    const running = sync.run(AbortSignal.any([signal, stop.signal]), firstStart);
    await clock.advance(12_001);
    expect(table.created).toEqual([]);
    firstStart.othersFill = false;
    await clock.advance(12_001);
    expect(table.created).toMatchObject([{ leaseKey: id(1), healed: true }]);
    stop.abort();
    await clock.advance(1);
    await running.catch(() => undefined);
  });

  it('is not the finished row of a shard that left the stream after its listing, and that another audit has deleted', async () => {
    const { sync, table, lister } = await afterASplit();
    const other = aShardSync({ table, lister, position: { kind: 'trim-horizon' } });
    once(table, {
      before: async () => {
        lister.trim(id(0));
        await other.sync.audit(signal);
      },
    });
    await sync.audit(signal);
    expect([...table.rows.keys()]).toEqual([id(1), id(2)]);
    expect(table.created.filter(({ healed }) => healed)).toEqual([]);
  });

  it('is what else is missing, though a finished row has just been deleted', async () => {
    const { sync, table, lister } = await afterASplit(2);
    table.rows.delete(id(1));
    once(table, {
      before: () => {
        lister.trim(id(0));
        table.rows.delete(id(0));
      },
    });
    await sync.audit(signal);
    expect(table.created.filter(({ healed }) => healed)).toMatchObject([{ leaseKey: id(1), root: true }]);
  });

  it('is not what only the newer listing misses: its rows are older', async () => {
    const { sync, table, lister, firstStart } = aShardSync({ position: { kind: 'trim-horizon' } });
    await sync.start(firstStart, signal);
    put(table, 0, { root: true, checkpoint: SHARD_END });
    table.rows.delete(id(1));
    once(table, { after: () => void lister.split(id(0)) });
    await sync.audit(signal);
    expect(table.created.filter(({ healed }) => healed)).toMatchObject([{ leaseKey: id(1) }]);
  });

  it('is a child at its beginning, also if the parent leaves the stream meanwhile', async () => {
    const { sync, table, lister } = await afterASplit();
    put(table, 1, { parentShardIds: [id(0)], checkpoint: begun });
    table.rows.delete(id(0));
    table.rows.delete(id(2));
    once(table, { before: () => lister.trim(id(0)) });
    await sync.audit(signal);
    expect(table.created.filter(({ healed }) => healed)).toMatchObject([
      { leaseKey: id(2), root: false, checkpoint: { kind: 'trim-horizon' } },
    ]);
  });

  it('costs a second listing, which serves for what is deleted as well; a healthy audit lists once', async () => {
    const { sync, table, lister } = await afterASplit();
    const listings = countListings(lister);
    await sync.audit(signal);
    expect(listings()).toBe(1);
    table.rows.delete(id(2));
    await sync.audit(signal);
    expect(listings()).toBe(1 + 2);
    lister.trim(id(0));
    table.rows.delete(id(2));
    await sync.audit(signal);
    expect([...table.rows.keys()]).toEqual([id(1), id(2)]);
    expect(listings()).toBe(1 + 2 + 2);
  });

  it('is nothing when the second listing fails', async () => {
    const { sync, table, lister } = await afterASplit();
    table.rows.delete(id(0));
    once(table, { after: () => void (lister.list = () => Promise.reject(new Error('no'))) });
    await expect(sync.audit(signal)).rejects.toThrow('no');
    expect(table.rows.has(id(0))).toBe(false);
  });
});
