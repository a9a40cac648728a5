import { describe, expect, it } from '@jest/globals';
import { errorName, type StartPosition } from '@millrace/core';
import type { KinesisReader, RecordsPage } from '@millrace/record-fetcher';

/** One shard of a stream, and what a test needs to do to it. */
export interface ReaderContractSubject {
  readonly reader: KinesisReader;
  readonly shardId: string;
  /** Puts `count` records, one after another, whose data are the bytes 0, 1, 2, …; resolves when they can be read. */
  put(count: number): Promise<void>;
  /** Splits the shard; resolves with the ids of its children when it is closed. */
  split(): Promise<readonly string[]>;
  /** Lets time pass, so that the five calls a second are not exceeded and records arrive at different moments. */
  wait(delayMs: number): Promise<void>;
  /** Makes the iterators given so far too old; left out where that takes five real minutes. */
  expireIterators?(): Promise<void>;
}

/** What every {@link KinesisReader} does. Runs on the twin, on the SDK adapter, and on a real endpoint. */
export function kinesisReaderContract(name: string, subject: () => Promise<ReaderContractSubject>): void {
  describe(`${name}, as a KinesisReader,`, () => {
    it('reads from the trim horizon, in sequence, and is then caught up', async () => {
      const shard = await subject();
      await shard.put(5);
      const { records, last } = await readOn(shard, { kind: 'trim-horizon' });
      expect(records.map(({ data }) => [...data])).toEqual([[0], [1], [2], [3], [4]]);
      expect(records.every(({ data }) => data instanceof Uint8Array)).toBe(true);
      expect(records.every((record) => record.approximateArrivalTimestamp instanceof Date)).toBe(true);
      expect(last).toMatchObject({ millisBehindLatest: 0, childShards: [] });
      expect(last.nextIterator).toEqual(expect.any(String));
    });

    it('reads at a sequence number', async () => {
      const shard = await subject();
      await shard.put(4);
      const { records } = await readOn(shard, { kind: 'trim-horizon' });
      const { sequenceNumber } = records[1]!;
      const at = await readOn(shard, { kind: 'at-sequence-number', sequenceNumber });
      expect(at.records).toEqual(records.slice(1));
    });

    it('reads at a moment', async () => {
      const shard = await subject();
      await shard.put(2);
      await shard.wait(1_500);
      await shard.put(2);
      const { records } = await readOn(shard, { kind: 'trim-horizon' });
      const timestampMs = records[2]!.approximateArrivalTimestamp.getTime();
      const { records: later } = await readOn(shard, { kind: 'at-timestamp', timestampMs });
      expect(later).toEqual(records.slice(2));
    });

    it('returns no more than asked for, and goes on behind it', async () => {
      const shard = await subject();
      await shard.put(5);
      const pages = await readOn(shard, { kind: 'trim-horizon' }, 2);
      expect(pages.sizes.filter((size) => size > 0)).toEqual([2, 2, 1]);
      expect(pages.records.map(({ data }) => data[0])).toEqual([0, 1, 2, 3, 4]);
      expect(new Set(pages.records.map(({ sequenceNumber }) => sequenceNumber)).size).toBe(5);
    });

    it('answers the same when it is asked again with the same iterator', async () => {
      const shard = await subject();
      await shard.put(3);
      const iterator = await shard.reader.getShardIterator({
        shardId: shard.shardId,
        position: { kind: 'trim-horizon' },
      });
      const first = await shard.reader.getRecords({ shardId: shard.shardId, iterator, limit: 2 });
      await shard.wait(300);
      const again = await shard.reader.getRecords({ shardId: shard.shardId, iterator, limit: 2 });
      expect(again.records).toEqual(first.records);
      expect(first.records.length).toBeGreaterThan(0);
    });

    it('ends a closed shard without an iterator and with its children, after its last record', async () => {
      const shard = await subject();
      await shard.put(2);
      const children = await shard.split();
      const { records, last } = await readOn(shard, { kind: 'trim-horizon' });
      expect(records).toHaveLength(2);
      expect(last.nextIterator).toBeUndefined();
      expect(last.childShards.map(({ shardId }) => shardId).sort()).toEqual([...children].sort());
      expect(last.childShards.every(({ parentShardIds }) => parentShardIds.includes(shard.shardId))).toBe(true);
    });

    it('does not find a shard that does not exist', async () => {
      const shard = await subject();
      const request = { shardId: 'shardId-000000000999', position: { kind: 'trim-horizon' } } as const;
      expect(await nameOfFault(shard.reader.getShardIterator(request))).toBe('ResourceNotFoundException');
    });

    it('refuses a position that is none', async () => {
      const shard = await subject();
      await shard.put(1);
      const position = { kind: 'at-sequence-number', sequenceNumber: 'none' } as const;
      expect(['InvalidArgumentException', 'ValidationException']).toContain(
        await nameOfFault(shard.reader.getShardIterator({ shardId: shard.shardId, position })),
      );
    });

    it('says that an iterator has expired', async () => {
      const shard = await subject();
      if (shard.expireIterators === undefined) return;
      const iterator = await shard.reader.getShardIterator({
        shardId: shard.shardId,
        position: { kind: 'trim-horizon' },
      });
      await shard.expireIterators();
      const call = shard.reader.getRecords({ shardId: shard.shardId, iterator, limit: 1 });
      expect(await nameOfFault(call)).toBe('ExpiredIteratorException');
    });

    it('makes no call once the signal has aborted', async () => {
      const shard = await subject();
      const reason = new Error('stopped');
      const request = { shardId: shard.shardId, position: { kind: 'trim-horizon' } } as const;
      await expect(shard.reader.getShardIterator(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}

/** Reads until caught up or at the end of the shard. */
async function readOn(
  { reader, shardId, wait }: ReaderContractSubject,
  position: StartPosition,
  limit = 100,
): Promise<{ records: RecordsPage['records'][number][]; sizes: number[]; last: RecordsPage }> {
  const records: RecordsPage['records'][number][] = [];
  const sizes: number[] = [];
  let iterator = await reader.getShardIterator({ shardId, position });
  for (;;) {
    await wait(250);
    const page = await reader.getRecords({ shardId, iterator, limit });
    records.push(...page.records);
    sizes.push(page.records.length);
    const isCaughtUp = page.records.length === 0 && page.millisBehindLatest === 0;
    if (page.nextIterator === undefined || isCaughtUp) return { records, sizes, last: page };
    iterator = page.nextIterator;
  }
}

async function nameOfFault(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no fault',
    (error: unknown) => errorName(error),
  );
}
