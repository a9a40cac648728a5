import {
  AT_TIMESTAMP,
  checkpointAt,
  LATEST,
  type Lease,
  type LeaseSeed,
  SHARD_END,
  TRIM_HORIZON,
} from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Acquisition, LeaseStore, WriteResult } from '../src';

export interface LeaseStoreHarness {
  readonly store: LeaseStore;
  /** Writes a whole row, as another worker left it. */
  put(lease: Lease): Promise<void>;
  /** Makes a row that cannot be understood. */
  putCorrupt(leaseKey: string): Promise<void>;
}

const leaseKey = 'shardId-000000000000';
const identity = { streamName: 'flights', streamArn: 'arn:flights', streamCreatedAtMs: 1_600_000_000_000 };

export const aSeed: LeaseSeed = {
  leaseKey,
  leaseCounter: 0,
  checkpoint: TRIM_HORIZON,
  parentShardIds: [],
  hashKeyRange: { start: '0', end: '9' },
  healed: false,
  root: false,
  initialTimestampMs: undefined,
  streamArn: identity.streamArn,
  streamCreatedAtMs: identity.streamCreatedAtMs,
};

const byMe: Acquisition = {
  owner: 'me',
  writeId: 'me/1',
  failoverTimeMs: 10_000,
  initialTimestampMs: 1_700_000_000_000,
  identity,
};

/** A lease that `a` holds, at counter 7. */
const heldByA = aLease({ leaseCounter: 7, leaseOwner: 'a', writeId: 'a/7', ...stream() });
const asA = { leaseKey, counter: 7, owner: 'a' };
/** `b` has asked `a` for it. */
const askedByB: Lease = { ...heldByA, leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' };
/** A KCL 2 worker has stolen it during that hand-over: residue is left. */
const stolenByKcl: Lease = { ...askedByB, leaseCounter: 8, leaseOwner: 'kcl' };

function stream(): Pick<Lease, 'streamArn' | 'streamCreatedAtMs'> {
  return { streamArn: identity.streamArn, streamCreatedAtMs: identity.streamCreatedAtMs };
}

/** What every lease store has to do, whatever keeps its rows. */
export function describeLeaseStore(name: string, factory: () => Promise<LeaseStoreHarness>): void {
  describe(name, () => {
    let harness: LeaseStoreHarness;
    let store: LeaseStore;

    beforeEach(async () => {
      harness = await factory();
      store = harness.store;
    });

    async function refuses(result: Promise<WriteResult>, row: Lease): Promise<void> {
      expect(await result).toEqual({ kind: 'refused', lease: row });
      expect(await store.get(row.leaseKey)).toEqual(row);
    }

    async function applies(result: Promise<WriteResult>, after: Lease): Promise<void> {
      expect(await result).toEqual({ kind: 'applied', lease: after });
      expect(await store.get(after.leaseKey)).toEqual(after);
    }

    describe('create', () => {
      it('adds a row that nobody owns', async () => {
        const seed = {
          ...aSeed,
          parentShardIds: ['shardId-7', 'shardId-8'],
          leaseCounter: 3,
          checkpoint: LATEST,
          initialTimestampMs: 5,
          healed: true,
          root: true,
        };
        const expected = aLease({ ...seed, writeId: 'w/1' });
        expect(await store.create(seed, 'w/1')).toEqual({ kind: 'created', lease: expected });
        expect(await store.get(leaseKey)).toEqual(expected);
      });

      it('leaves a row that is there as it is', async () => {
        await harness.put(heldByA);
        expect(await store.create(aSeed, 'w/1')).toEqual({ kind: 'exists', lease: heldByA });
        expect(await store.get(leaseKey)).toEqual(heldByA);
      });

      it('says that it created a row which an earlier attempt of the same write created', async () => {
        await store.create(aSeed, 'w/1');
        expect(await store.create(aSeed, 'w/1')).toMatchObject({ kind: 'created' });
      });

      it('lets one of many win', async () => {
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, index) => store.create(aSeed, `w${String(index)}/1`)),
        );
        expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      });
    });

    describe('list and get', () => {
      it('finds every lease', async () => {
        for (const key of ['a', 'b', 'c']) await harness.put(aLease({ leaseKey: key, ...stream() }));
        const { leases, corrupt } = await store.list({ consistent: true });
        expect(leases.map((lease) => lease.leaseKey).sort()).toEqual(['a', 'b', 'c']);
        expect(corrupt).toEqual([]);
      });

      it('finds nothing for a row that is not there', async () => {
        expect(await store.get('nothing')).toBeUndefined();
      });

      it('sets apart what it cannot understand', async () => {
        await harness.put(heldByA);
        await harness.putCorrupt('broken');
        const { leases, corrupt } = await store.list({ consistent: false });
        expect(leases).toEqual([heldByA]);
        expect(corrupt.map((error) => error.leaseKey)).toEqual(['broken']);
        await expect(store.get('broken')).rejects.toMatchObject({ code: 'LEASE_CORRUPT' });
      });
    });

    describe('take', () => {
      const taken = {
        leaseOwner: 'me',
        writeId: 'me/1',
        failoverTimeMs: 10_000,
        streamArn: identity.streamArn,
        streamCreatedAtMs: identity.streamCreatedAtMs,
      };

      it('acquires an unowned lease, and names the stream in a row that does not', async () => {
        const free = aLease({ leaseCounter: 4 });
        await harness.put(free);
        await applies(store.take(free, byMe), { ...free, ...taken, leaseCounter: 5 });
      });

      it('acquires an expired lease from its owner, and counts the switch', async () => {
        await harness.put(heldByA);
        await applies(store.take(heldByA, byMe), {
          ...heldByA,
          ...taken,
          leaseCounter: 8,
          ownerSwitchesSinceCheckpoint: 1,
        });
      });

      it('does not count taking a lease back as a switch of owners', async () => {
        const mine = { ...heldByA, leaseOwner: 'me' };
        await harness.put(mine);
        await applies(store.take(mine, byMe), { ...mine, ...taken, leaseCounter: 8 });
      });

      it('counts a switch when it takes back a lease that was asked of it', async () => {
        const asked = { ...askedByB, checkpointOwner: 'me' };
        await harness.put(asked);
        expect(await store.take(asked, byMe)).toMatchObject({ lease: { ownerSwitchesSinceCheckpoint: 1 } });
      });

      it('clears what a hand-over or a healing left', async () => {
        const row = { ...askedByB, handedOver: true, healed: true };
        await harness.put(row);
        await applies(store.take(row, byMe), {
          ...heldByA,
          ...taken,
          leaseCounter: 8,
          ownerSwitchesSinceCheckpoint: 1,
        });
      });

      it.each([
        ['LATEST', LATEST],
        ['AT_TIMESTAMP', AT_TIMESTAMP],
      ])('fixes what %s means in a row that does not say', async (_, checkpoint) => {
        const free = aLease({ checkpoint });
        await harness.put(free);
        expect(await store.take(free, byMe)).toMatchObject({ lease: { initialTimestampMs: 1_700_000_000_000 } });
      });

      it('does not change what LATEST means, nor the stream that a row names', async () => {
        const free = aLease({
          checkpoint: LATEST,
          initialTimestampMs: 5,
          streamArn: 'arn:other',
          streamCreatedAtMs: 6,
        });
        await harness.put(free);
        expect(await store.take(free, byMe)).toMatchObject({
          lease: { initialTimestampMs: 5, streamArn: 'arn:other', streamCreatedAtMs: 6 },
        });
      });

      it('does not add a moment to a row at a record', async () => {
        const free = aLease({ checkpoint: checkpointAt({ sequenceNumber: '5', subSequenceNumber: 0 }) });
        await harness.put(free);
        expect(await store.take(free, byMe)).toMatchObject({ lease: { initialTimestampMs: undefined } });
      });

      it('is refused when the counter has moved', async () => {
        await harness.put(heldByA);
        await refuses(store.take({ ...heldByA, leaseCounter: 6 }, byMe), heldByA);
      });

      it('is not refused because of a request, which leaves the counter', async () => {
        await harness.put(askedByB);
        expect(await store.take(heldByA, byMe)).toMatchObject({ kind: 'applied' });
      });

      it('is refused when the row is gone, and does not bring it back', async () => {
        expect(await store.take(heldByA, byMe)).toEqual({ kind: 'refused', lease: undefined });
        expect(await store.get(leaseKey)).toBeUndefined();
      });
    });

    describe('adopt', () => {
      const handedToMe: Lease = { ...heldByA, leaseOwner: 'me', handedOver: true };

      it('acquires a lease that names me', async () => {
        await harness.put(handedToMe);
        await applies(store.adopt(handedToMe, byMe), {
          ...handedToMe,
          leaseCounter: 8,
          handedOver: false,
          writeId: 'me/1',
          failoverTimeMs: 10_000,
        });
      });

      it('ignores and clears the residue of an older hand-over', async () => {
        const row: Lease = { ...handedToMe, checkpointOwner: 'a', receiver: 'b' };
        await harness.put(row);
        expect(await store.adopt(row, byMe)).toMatchObject({
          kind: 'applied',
          lease: { checkpointOwner: undefined, receiver: undefined },
        });
      });

      it('is refused when the counter has moved', async () => {
        await harness.put(handedToMe);
        await refuses(store.adopt({ ...handedToMe, leaseCounter: 6 }, byMe), handedToMe);
      });

      it('is refused when the row names another', async () => {
        await harness.put(heldByA);
        await refuses(store.adopt(heldByA, byMe), heldByA);
      });

      it('is refused while the hand-over to me is pending', async () => {
        const pending: Lease = { ...askedByB, leaseOwner: 'me', receiver: 'me' };
        await harness.put(pending);
        await refuses(store.adopt(pending, byMe), pending);
      });
    });

    const holderWrites = {
      renew: (held: typeof asA) => store.renew(held, 'w/2'),
      checkpoint: (held: typeof asA) =>
        store.checkpoint(held, checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 }), 'w/2'),
    };

    describe.each(['renew', 'checkpoint'] as const)('%s', (operation) => {
      const write = (held = asA): Promise<WriteResult> => holderWrites[operation](held);
      const effect =
        operation === 'renew'
          ? {}
          : {
              checkpoint: checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 }),
              ownerSwitchesSinceCheckpoint: 0,
            };

      it('is the holder’s', async () => {
        const row = { ...heldByA, ownerSwitchesSinceCheckpoint: 3 };
        await harness.put(row);
        await applies(write(), { ...row, ...effect, leaseCounter: 8, writeId: 'w/2' });
      });

      it('is still the holder’s while another has asked for the lease', async () => {
        await harness.put(askedByB);
        await applies(write(), { ...askedByB, ...effect, leaseCounter: 8, writeId: 'w/2' });
      });

      it('is refused when the counter is an older one', async () => {
        await harness.put(heldByA);
        await refuses(write({ ...asA, counter: 6 }), heldByA);
      });

      it('is refused when the counter is a newer one', async () => {
        await harness.put(heldByA);
        await refuses(write({ ...asA, counter: 8 }), heldByA);
      });

      it('is refused when the counter is right but another owns the lease', async () => {
        await harness.put({ ...heldByA, leaseOwner: 'b' });
        await refuses(write(), { ...heldByA, leaseOwner: 'b' });
      });

      it('is refused when nobody owns the lease', async () => {
        await harness.put({ ...heldByA, leaseOwner: undefined });
        await refuses(write(), { ...heldByA, leaseOwner: undefined });
      });

      it('is refused to the receiver of a pending hand-over', async () => {
        await harness.put(askedByB);
        await refuses(write({ ...asA, owner: 'b' }), askedByB);
      });

      it('is refused to the holder of before, named in the residue of a hand-over', async () => {
        await harness.put(stolenByKcl);
        await refuses(write({ ...asA, counter: 8 }), stolenByKcl);
      });

      it('is the owner’s beside the residue of a hand-over', async () => {
        await harness.put(stolenByKcl);
        expect(await write({ ...asA, counter: 8, owner: 'kcl' })).toMatchObject({ kind: 'applied' });
      });

      it('is the owner’s beside a checkpointOwner without a receiver', async () => {
        await harness.put({ ...heldByA, checkpointOwner: 'x' });
        expect(await write()).toMatchObject({ kind: 'applied' });
      });

      it('is refused to a checkpointOwner that no receiver of ours has asked', async () => {
        const row = { ...heldByA, leaseOwner: 'b', checkpointOwner: 'a' };
        await harness.put(row);
        await refuses(write(), row);
      });

      it('is refused when the row is gone', async () => {
        expect(await write()).toEqual({ kind: 'refused', lease: undefined });
        expect(await store.get(leaseKey)).toBeUndefined();
      });
    });

    describe('requestHandover', () => {
      const request = (observed: Lease): Promise<WriteResult> =>
        store.requestHandover(observed, { receiver: 'b', writeId: 'b/1' });

      it('names the receiver, and leaves the counter and the holder’s write id', async () => {
        await harness.put(heldByA);
        await applies(request(heldByA), askedByB);
      });

      it('does not mind that the counter has moved', async () => {
        await harness.put(heldByA);
        expect(await request({ ...heldByA, leaseCounter: 2 })).toMatchObject({ kind: 'applied' });
      });

      it('is refused when the owner is not the one observed', async () => {
        await harness.put(heldByA);
        await refuses(request({ ...heldByA, leaseOwner: 'c' }), heldByA);
      });

      it('is refused when nobody owns the lease', async () => {
        const free = { ...heldByA, leaseOwner: undefined };
        await harness.put(free);
        await refuses(request(free), free);
        await refuses(request(heldByA), free);
      });

      it('is refused when another has asked already', async () => {
        const asked = { ...askedByB, leaseOwner: 'c', receiver: 'c' };
        await harness.put(asked);
        await refuses(request(asked), asked);
      });

      it('is refused when there is any checkpointOwner', async () => {
        const row = { ...heldByA, checkpointOwner: 'x' };
        await harness.put(row);
        await refuses(request(row), row);
      });

      it('is refused at the end of the shard', async () => {
        const finished = { ...heldByA, checkpoint: SHARD_END };
        await harness.put(finished);
        await refuses(request(heldByA), finished);
      });
    });

    describe('completeHandover', () => {
      it('gives the lease to the receiver, marked as handed over', async () => {
        await harness.put(askedByB);
        await applies(store.completeHandover(asA, 'a/8'), {
          ...heldByA,
          leaseOwner: 'b',
          leaseCounter: 8,
          writeId: 'a/8',
          handedOver: true,
          ownerSwitchesSinceCheckpoint: 1,
        });
      });

      it('is refused when the counter has moved', async () => {
        await harness.put(askedByB);
        await refuses(store.completeHandover({ ...asA, counter: 6 }, 'a/8'), askedByB);
      });

      it('is refused to another', async () => {
        await harness.put(askedByB);
        await refuses(store.completeHandover({ ...asA, owner: 'b' }, 'b/8'), askedByB);
      });

      it('is refused when nobody has asked', async () => {
        await harness.put(heldByA);
        await refuses(store.completeHandover(asA, 'a/8'), heldByA);
      });

      it('is refused when what looks like a hand-over is residue', async () => {
        await harness.put(stolenByKcl);
        await refuses(store.completeHandover({ ...asA, counter: 8 }, 'a/8'), stolenByKcl);
      });
    });

    describe('release', () => {
      it('leaves the lease to nobody', async () => {
        await harness.put(heldByA);
        await applies(store.release(asA, 'a/8'), {
          ...heldByA,
          leaseOwner: undefined,
          leaseCounter: 8,
          writeId: 'a/8',
        });
      });

      it('is refused when the counter has moved', async () => {
        await harness.put(heldByA);
        await refuses(store.release({ ...asA, counter: 6 }, 'a/8'), heldByA);
      });

      it('is refused when another has the lease, or has asked for it', async () => {
        await harness.put(askedByB);
        await refuses(store.release(asA, 'a/8'), askedByB);
      });
    });

    describe('delete', () => {
      const finished: Lease = { ...heldByA, checkpoint: SHARD_END };

      it('removes the row of a finished shard', async () => {
        await harness.put(finished);
        expect(await store.delete(finished)).toEqual({ kind: 'applied', lease: finished });
        expect(await store.get(leaseKey)).toBeUndefined();
      });

      it('is refused when the counter has moved', async () => {
        await harness.put(finished);
        await refuses(store.delete({ ...finished, leaseCounter: 6 }), finished);
      });

      it('is refused when the shard is not finished', async () => {
        await harness.put(heldByA);
        await refuses(store.delete(heldByA), heldByA);
      });

      it('is refused when the row is gone', async () => {
        expect(await store.delete(finished)).toEqual({ kind: 'refused', lease: undefined });
      });
    });
  });
}
