import { LATEST } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { aSeed, heldByA, leaseKey, type LeaseStoreSubject, ofTheStream } from './lease-store-subject';
import { aWorker } from './worker-rows';

/** Creating rows and reading them. */
export function describeReading(subject: LeaseStoreSubject): void {
  describe('create', () => {
    it('adds a row that nobody owns', async () => {
      const seed = {
        ...aSeed,
        parentShardIds: ['shardId-7', 'shardId-8'],
        leaseCounter: 3,
        checkpoint: LATEST,
        initialTimestampMs: 5,
        healed: true,
        failoverTimeMs: 7_000,
        root: true,
      };
      const expected = aLease({ ...seed, writeId: 'w/1' });
      expect(await subject.store.create(seed, 'w/1')).toEqual({ kind: 'created', lease: expected });
      expect(await subject.store.get(leaseKey)).toEqual(expected);
    });

    it('adds a row in the name of its creator', async () => {
      const first = { owner: 'w', failoverTimeMs: 7_000, acquiredAtMs: 99 };
      const expected = aLease({
        ...{ ...aSeed, leaseOwner: 'w', failoverTimeMs: 7_000, acquiredAtMs: 99, writeId: 'w/1' },
      });
      expect(await subject.store.create({ ...aSeed, first }, 'w/1')).toEqual({ kind: 'created', lease: expected });
      expect(await subject.store.get(leaseKey)).toEqual(expected);
    });

    it('leaves a row that is there as it is', async () => {
      await subject.put(heldByA);
      const first = { owner: 'w', failoverTimeMs: 7_000, acquiredAtMs: 99 };
      expect(await subject.store.create({ ...aSeed, first }, 'w/1')).toEqual({ kind: 'exists', lease: heldByA });
      expect(await subject.store.get(leaseKey)).toEqual(heldByA);
    });

    it('says that it created a row which an earlier attempt of the same write created', async () => {
      await subject.store.create(aSeed, 'w/1');
      expect(await subject.store.create(aSeed, 'w/1')).toMatchObject({ kind: 'created' });
      expect(await subject.store.create(aSeed, 'w/2')).toMatchObject({ kind: 'exists', lease: { writeId: 'w/1' } });
    });

    it('lets one of many win', async () => {
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, index) => subject.store.create(aSeed, `w${String(index)}/1`)),
      );
      expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    });
  });

  describe('list and get', () => {
    it('finds every lease', async () => {
      for (const key of ['a', 'b', 'c']) await subject.put(aLease({ leaseKey: key, ...ofTheStream }));
      const { leases, corrupt, workers } = await subject.store.list({ consistent: true });
      expect(leases.map((lease) => lease.leaseKey).sort()).toEqual(['a', 'b', 'c']);
      expect(corrupt).toEqual([]);
      expect(workers).toEqual([]);
    });

    it('finds nothing for a row that is not there', async () => {
      expect(await subject.store.get('nothing')).toBeUndefined();
    });

    it('sets apart what it cannot understand', async () => {
      await subject.put(heldByA);
      await subject.harness.putCorrupt('broken');
      const { leases, corrupt } = await subject.store.list({ consistent: false });
      expect(leases).toEqual([heldByA]);
      expect(corrupt.map((error) => error.leaseKey)).toEqual(['broken']);
      await expect(subject.store.get('broken')).rejects.toMatchObject({ code: 'LEASE_CORRUPT' });
    });

    it('finds the workers of the registry, and takes none of them for a lease', async () => {
      await subject.put(heldByA);
      await subject.harness.putWorker(aWorker('w', { maxLeases: 3, planVersion: 2 }));
      const { leases, corrupt, workers } = await subject.store.list({ consistent: true });
      expect(leases).toEqual([heldByA]);
      expect(corrupt).toEqual([]);
      expect(workers).toMatchObject([{ workerId: 'w', maxLeases: 3, planVersion: 2, heartbeat: 1 }]);
    });

    it('tells of all that it finds page by page', async () => {
      for (const key of ['a', 'b', 'c']) await subject.put(aLease({ leaseKey: key, ...ofTheStream }));
      await subject.harness.putWorker(aWorker('w'));
      const told: string[] = [];
      const { leases } = await subject.store.list({
        consistent: true,
        onPage: (page, workers) => {
          told.push(...page.map((lease) => lease.leaseKey), ...workers.map(({ workerId }) => workerId));
        },
      });
      expect(leases).toHaveLength(3);
      expect(told.sort()).toEqual(['a', 'b', 'c', 'w']);
    });
  });

  describe('getMany', () => {
    it('finds just the rows that were asked for, and leaves out what is not there, is no lease or is not understood', async () => {
      for (const key of ['a', 'b', 'c']) await subject.put(aLease({ leaseKey: key, ...ofTheStream }));
      await subject.harness.putCorrupt('broken');
      await subject.harness.putWorker(aWorker('w'));
      const leases = await subject.store.getMany(['a', 'c', 'nothing', 'broken', 'w']);
      expect(leases.map((lease) => lease.leaseKey).sort()).toEqual(['a', 'c']);
    });

    it('finds nothing for nothing', async () => {
      expect(await subject.store.getMany([])).toEqual([]);
    });

    it('finds more rows than one call may ask for', async () => {
      const keys = Array.from({ length: 230 }, (_, index) => `shard-${String(index)}`);
      await Promise.all(keys.map((key) => subject.put(aLease({ leaseKey: key }))));
      const leases = await subject.store.getMany(keys);
      expect(leases.map((lease) => lease.leaseKey).sort()).toEqual([...keys].sort());
    });
  });
}
