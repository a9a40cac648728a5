import { describe, expect, it } from '@jest/globals';
import { AT_TIMESTAMP, checkpointAt, isInitial, LATEST, SHARD_END, TRIM_HORIZON, type Lease } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import fc from 'fast-check';
import { planFinishedLeases, planMissingLeases, selectReadable, type StreamShards } from '../src';
import { selectUnknown } from '../src/lease-sync-plan';
import { FakeShardLister } from '../src/testing';

const begun = checkpointAt({ sequenceNumber: '1', subSequenceNumber: 0 });
const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;
const ids = (leases: readonly Lease[]): readonly string[] => leases.map(({ leaseKey }) => leaseKey);

/** Everything that is listed is in scope, unless `from` is given: then only the shards from that number on. */
function all({ shards }: FakeShardLister, from = 0): StreamShards {
  const inScope = shards.map(({ shardId }) => shardId).filter((shardId) => shardId >= id(from));
  return { listed: [...shards], inScope: new Set(inScope), trimmed: new Set() };
}

function lease(index: number, changes: Partial<Lease> = {}): Lease {
  return aLease({ leaseKey: id(index), ...changes });
}

/** 0 split into 1 and 2; 1 and 2 merged into 3. */
function splitAndMerged(): FakeShardLister {
  const stream = new FakeShardLister(1);
  stream.split(id(0));
  stream.merge(id(1), id(2));
  return stream;
}

describe('planMissingLeases', () => {
  it('starts an empty table with the oldest listed shards, and no child', () => {
    const plan = planMissingLeases(all(splitAndMerged()), []);
    expect(plan).toMatchObject([{ shard: { shardId: id(0) }, start: 'initial-position' }]);
  });

  it('takes a shard whose parents are no longer listed for a root', () => {
    const stream = splitAndMerged();
    stream.trim(id(0));
    expect(planMissingLeases(all(stream), []).map(({ shard, start }) => [shard.shardId, start])).toEqual([
      [id(1), 'initial-position'],
      [id(2), 'initial-position'],
    ]);
  });

  it('leaves a child to whoever finishes its parent', () => {
    expect(planMissingLeases(all(splitAndMerged()), [lease(0, { checkpoint: begun })])).toEqual([]);
  });

  it('creates the missing child of a finished parent at its beginning', () => {
    const plan = planMissingLeases(all(splitAndMerged()), [lease(0, { checkpoint: SHARD_END }), lease(2)]);
    expect(plan).toMatchObject([{ shard: { shardId: id(1) }, start: 'trim-horizon' }]);
  });

  it('does not bring back a row whose child has been begun: the shard has been read', () => {
    const leases = [lease(1, { parentShardIds: [id(0)], checkpoint: begun }), lease(2, { parentShardIds: [id(0)] })];
    expect(planMissingLeases(all(splitAndMerged()), leases)).toEqual([]);
  });

  it('puts back no parent of a shard that a worker has had, but that of a root, which was created without asking for it', () => {
    const stream = splitAndMerged();
    const child = lease(1, { parentShardIds: [id(0)], acquiredAtMs: 1 });
    const created = (leases: readonly Lease[]): readonly string[] =>
      planMissingLeases(all(stream), leases).map(({ shard }) => shard.shardId);
    expect(created([child])).not.toContain(id(0));
    expect(created([{ ...child, root: true }])).toContain(id(0));
    expect(created([{ ...child, acquiredAtMs: undefined }])).toContain(id(0));
  });

  it('creates the missing sibling of a begun child, whose parent is thereby known to be finished', () => {
    const leases = [lease(1, { parentShardIds: [id(0)], checkpoint: begun })];
    expect(planMissingLeases(all(splitAndMerged()), leases)).toMatchObject([
      { shard: { shardId: id(2) }, start: 'trim-horizon' },
    ]);
  });

  it('puts back a parent whose children have not been begun', () => {
    const leases = [lease(1, { parentShardIds: [id(0)] }), lease(2, { parentShardIds: [id(0)] })];
    expect(planMissingLeases(all(splitAndMerged()), leases)).toMatchObject([
      { shard: { shardId: id(0) }, start: 'initial-position' },
    ]);
  });

  it('looks through shards without rows for begun descendants', () => {
    const leases = [lease(3, { parentShardIds: [id(1), id(2)], checkpoint: begun })];
    expect(planMissingLeases(all(splitAndMerged()), leases)).toEqual([]);
  });
});

describe('planMissingLeases, when the application starts after some shards were closed', () => {
  it('creates the first shards in scope, and nothing before them', () => {
    expect(planMissingLeases(all(splitAndMerged(), 1), []).map(({ shard, start }) => [shard.shardId, start])).toEqual([
      [id(1), 'initial-position'],
      [id(2), 'initial-position'],
    ]);
  });

  it('leaves the children of a shard that is still being read alone, however late the position', () => {
    const leases = [lease(0, { checkpoint: begun })];
    expect(planMissingLeases(all(splitAndMerged(), 1), leases)).toEqual([]);
    expect(planMissingLeases(all(splitAndMerged(), 3), leases)).toEqual([]);
  });

  it('creates the children of a finished shard at their beginning, though they are before the position', () => {
    const plan = planMissingLeases(all(splitAndMerged(), 3), [lease(0, { checkpoint: SHARD_END })]);
    expect(plan).toMatchObject([
      { shard: { shardId: id(1) }, start: 'trim-horizon' },
      { shard: { shardId: id(2) }, start: 'trim-horizon' },
    ]);
  });

  it('lets a row wait for a parent that will be created, and not for one before the position', () => {
    const child = lease(3, { parentShardIds: [id(1), id(2)] });
    const stream = splitAndMerged();
    expect(selectReadable(all(stream, 3), [child])).toEqual([child]);
    expect(selectReadable(all(stream, 3), [child, lease(0, { checkpoint: SHARD_END })])).toEqual([]);
  });
});

describe('selectReadable', () => {
  const stream = splitAndMerged();

  it.each([
    ['waits for the one parent', lease(1, { parentShardIds: [id(0)] }), [lease(0, { checkpoint: begun })], false],
    ['follows a finished parent', lease(1, { parentShardIds: [id(0)] }), [lease(0, { checkpoint: SHARD_END })], true],
    [
      'waits for both parents of a merge',
      lease(3, { parentShardIds: [id(1), id(2)] }),
      [lease(1, { checkpoint: SHARD_END }), lease(2, { checkpoint: begun })],
      false,
    ],
    [
      'follows both parents of a merge',
      lease(3, { parentShardIds: [id(1), id(2)] }),
      [lease(1, { checkpoint: SHARD_END }), lease(2, { checkpoint: SHARD_END })],
      true,
    ],
    ['waits for a listed parent without a row', lease(1, { parentShardIds: [id(0)] }), [], false],
    ['does not wait for a parent that is not listed', lease(1, { parentShardIds: ['shardId-old'] }), [], true],
    ['does not wait when it is a root', lease(1, { parentShardIds: [id(0)], root: true }), [], true],
    [
      'does not wait for a parent that a begun sibling proves finished',
      lease(1, { parentShardIds: [id(0)] }),
      [lease(2, { parentShardIds: [id(0)], checkpoint: begun })],
      true,
    ],
    [
      'does not wait for a parent without a row when a worker has had its lease: that parent was finished then',
      lease(1, { parentShardIds: [id(0)], acquiredAtMs: 1 }),
      [],
      true,
    ],
    [
      'waits again for a parent whose row was set back by hand',
      lease(1, { parentShardIds: [id(0)], acquiredAtMs: 1 }),
      [lease(0, { checkpoint: begun })],
      false,
    ],
    ['never stops what has begun', lease(1, { parentShardIds: [id(0)], checkpoint: begun }), [lease(0)], true],
    ['is over once finished', lease(1, { checkpoint: SHARD_END }), [], false],
    ['waits at LATEST too', lease(1, { parentShardIds: [id(0)], checkpoint: LATEST }), [lease(0)], false],
    ['waits at AT_TIMESTAMP too', lease(1, { parentShardIds: [id(0)], checkpoint: AT_TIMESTAMP }), [lease(0)], false],
  ])('%s', (_, subject, others, readable) => {
    expect(selectReadable(all(stream), [subject, ...others]).includes(subject)).toBe(readable);
  });

  it('does not depend on how old the listing is, for a lease that a worker has had', () => {
    const quiet = lease(3, { parentShardIds: [id(1), id(2)], acquiredAtMs: 1 });
    const after = { listed: stream.shards.slice(3), inScope: new Set([id(3)]), trimmed: new Set<string>() };
    const before = { ...after, listed: [] };
    for (const listing of [all(stream), before, after]) expect(selectReadable(listing, [quiet])).toEqual([quiet]);
    expect(selectUnknown(before, [quiet])).toEqual([]);
  });
});

describe('planFinishedLeases', () => {
  it('deletes only finished rows whose shards are no longer listed', () => {
    const stream = splitAndMerged();
    const leases = [
      lease(0, { checkpoint: SHARD_END }),
      lease(1, { checkpoint: SHARD_END }),
      lease(2, { checkpoint: begun }),
    ];
    expect(planFinishedLeases(all(stream), leases)).toEqual([]);
    stream.trim(id(0));
    stream.trim(id(2));
    expect(ids(planFinishedLeases(all(stream), leases))).toEqual([id(0)]);
  });
});

describe('the rules together', () => {
  type Step = {
    readonly act: 'split' | 'merge' | 'begin' | 'finish' | 'audit' | 'trim' | 'delete';
    readonly pick: number;
  };
  const steps = fc.array(
    fc.record<Step>({
      act: fc.constantFrom('split', 'merge', 'begin', 'finish', 'audit', 'trim', 'delete'),
      pick: fc.nat(1_000),
    }),
    { maxLength: 60 },
  );

  it('begin no child before its parents are finished, read no shard twice, and lose none', () => {
    fc.assert(
      fc.property(steps, (plan) => {
        const stream = new FakeShardLister(2);
        const rows = new Map<string, Lease>();
        const readTo = new Map<string, 'begun' | 'finished'>();
        const deletedByHand = new Set<string>();
        // As a worker sees the stream: by its last listing, which may be older than the rows.
        let view = all(stream);
        const audit = (): void => {
          view = all(stream);
          const listed = new Set(view.listed.map(({ shardId }) => shardId));
          view = { ...view, trimmed: new Set([...rows.keys()].filter((leaseKey) => !listed.has(leaseKey))) };
          for (const { shard } of planMissingLeases(all(stream), [...rows.values()])) {
            const { shardId: leaseKey, parentShardIds } = shard;
            // Only a hand in the table can make a shard be read again.
            if (readTo.has(leaseKey)) expect(deletedByHand).toContain(leaseKey);
            rows.set(leaseKey, aLease({ leaseKey, parentShardIds, checkpoint: TRIM_HORIZON }));
          }
          for (const { leaseKey } of planFinishedLeases(all(stream), [...rows.values()])) rows.delete(leaseKey);
        };
        audit();
        const choose = <T>(items: readonly T[], pick: number): T | undefined => items[pick % Math.max(1, items.length)];
        const act = ({ act: action, pick }: Step): void => {
          const open = stream.shards.filter(({ endingSequenceNumber }) => endingSequenceNumber === undefined);
          const readable = selectReadable(view, [...rows.values()]);
          if (action === 'audit') audit();
          if (action === 'split' && open.length < 8) stream.split(choose(open, pick)?.shardId ?? '');
          if (action === 'merge' && open.length > 1) {
            const [first, second] = [choose(open, pick), choose(open, pick + 1)];
            if (first !== undefined && second !== undefined) stream.merge(first.shardId, second.shardId);
          }
          const row = choose(readable, pick);
          if (action === 'begin' && row !== undefined) {
            if (isInitial(row.checkpoint)) {
              for (const parent of row.parentShardIds) {
                if (stream.shards.some(({ shardId }) => shardId === parent))
                  expect(readTo.get(parent)).toBe('finished');
              }
            }
            if (!readTo.has(row.leaseKey)) readTo.set(row.leaseKey, 'begun');
            rows.set(row.leaseKey, { ...row, checkpoint: begun });
          }
          const closed = readable.filter(
            ({ leaseKey, checkpoint }) => !isInitial(checkpoint) && !open.some(({ shardId }) => shardId === leaseKey),
          );
          const end = choose(closed, pick);
          if (action === 'finish' && end !== undefined) {
            for (const child of stream.shards.filter(({ parentShardIds }) => parentShardIds.includes(end.leaseKey))) {
              const { shardId: leaseKey, parentShardIds } = child;
              if (!rows.has(leaseKey)) rows.set(leaseKey, aLease({ leaseKey, parentShardIds }));
            }
            rows.set(end.leaseKey, { ...end, checkpoint: SHARD_END });
            readTo.set(end.leaseKey, 'finished');
          }
          if (action === 'trim') {
            const oldest = stream.shards[0];
            if (oldest !== undefined && readTo.get(oldest.shardId) === 'finished') stream.trim(oldest.shardId);
          }
          const victim = choose([...rows.values()], pick);
          // Whoever deletes a row voids its checkpoint: the shard may be read again, but none may get stuck.
          if (action === 'delete' && victim !== undefined && victim.checkpoint.kind !== 'shard-end') {
            rows.delete(victim.leaseKey);
            deletedByHand.add(victim.leaseKey);
          }
        };
        for (const step of plan) act(step);
        // Liveness: what remains can be read to its end.
        for (let round = 0; round < 200; round++) {
          act({ act: 'audit', pick: 0 });
          act({ act: 'begin', pick: round });
          act({ act: 'finish', pick: round });
        }
        const unread = stream.shards.filter(({ shardId }) => !readTo.has(shardId));
        expect(unread).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
