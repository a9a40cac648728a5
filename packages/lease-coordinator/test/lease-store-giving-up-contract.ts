import { type Lease, SHARD_END } from '@millrace/core';
import { describe, expect, it } from '@jest/globals';
import { asA, askedByB, byMe, heldByA, leaseKey, type LeaseStoreSubject, stolenByKcl } from './lease-store-subject';

/** The writes that end a hold, or a hand-over. */
export function describeGivingUp(subject: LeaseStoreSubject): void {
  describe('completeHandover', () => {
    it('gives the lease to the receiver, marked as handed over', async () => {
      await subject.put(askedByB);
      await subject.applies(subject.store.completeHandover(asA, 'a/8'), {
        ...heldByA,
        leaseOwner: 'b',
        leaseCounter: 8,
        writeId: 'a/8',
        handedOver: true,
        ownerSwitchesSinceCheckpoint: 1,
      });
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(askedByB);
      await subject.refuses(subject.store.completeHandover({ ...asA, counter: 6 }, 'a/8'), askedByB);
    });

    it('is refused to another', async () => {
      await subject.put(askedByB);
      await subject.refuses(subject.store.completeHandover({ ...asA, owner: 'b' }, 'b/8'), askedByB);
    });

    it('is refused when nobody has asked', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.completeHandover(asA, 'a/8'), heldByA);
    });

    it('is refused when what looks like a hand-over is residue', async () => {
      await subject.put(stolenByKcl);
      await subject.refuses(subject.store.completeHandover({ ...asA, counter: 8 }, 'a/8'), stolenByKcl);
    });
  });

  describe('cancelHandover', () => {
    it('leaves the lease with its owner, as if nobody had asked', async () => {
      await subject.put(askedByB);
      await subject.applies(subject.store.cancelHandover(asA, 'a/8'), { ...heldByA, leaseCounter: 8, writeId: 'a/8' });
    });

    it('lets another ask', async () => {
      await subject.put(askedByB);
      await subject.store.cancelHandover(asA, 'a/8');
      const again = subject.store.requestHandover(heldByA, { receiver: 'c', writeId: 'c/1' });
      expect(await again).toMatchObject({ kind: 'applied', lease: { leaseOwner: 'c', checkpointOwner: 'a' } });
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(askedByB);
      await subject.refuses(subject.store.cancelHandover({ ...asA, counter: 6 }, 'a/8'), askedByB);
    });

    it('is refused to another, the receiver too', async () => {
      await subject.put(askedByB);
      await subject.refuses(subject.store.cancelHandover({ ...asA, owner: 'b' }, 'b/8'), askedByB);
      await subject.refuses(subject.store.cancelHandover({ ...asA, owner: 'c' }, 'c/8'), askedByB);
    });

    it('is refused when nobody has asked', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.cancelHandover(asA, 'a/8'), heldByA);
    });

    it('is refused when what looks like a hand-over is residue: the lease is a thief’s', async () => {
      await subject.put(stolenByKcl);
      await subject.refuses(subject.store.cancelHandover({ ...asA, counter: 8 }, 'a/8'), stolenByKcl);
    });

    it('is refused when the row is gone', async () => {
      await subject.refusesWithoutRow(subject.store.cancelHandover(asA, 'a/8'));
    });
  });

  describe.each([
    ['to nobody', undefined, {}],
    ['to a successor', 'c', { handedOver: true, ownerSwitchesSinceCheckpoint: 1 }],
  ])('release %s', (_, successor, marks) => {
    const released: Lease = { ...heldByA, leaseOwner: successor, leaseCounter: 8, writeId: 'a/8', ...marks };

    it('leaves the lease there', async () => {
      await subject.put(heldByA);
      await subject.applies(subject.store.release(asA, 'a/8', successor), released);
    });

    it('clears the residue of a hand-over, and an older mark of one', async () => {
      await subject.put({ ...heldByA, checkpointOwner: 'x', receiver: 'y', handedOver: true });
      await subject.applies(subject.store.release(asA, 'a/8', successor), released);
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.release({ ...asA, counter: 6 }, 'a/8', successor), heldByA);
    });

    it('is refused when another has the lease, or has asked for it', async () => {
      await subject.put({ ...heldByA, leaseOwner: 'b' });
      await subject.refuses(subject.store.release(asA, 'a/8', successor), { ...heldByA, leaseOwner: 'b' });
      await subject.put(askedByB);
      await subject.refuses(subject.store.release(asA, 'a/8', successor), askedByB);
    });

    it('is refused when nobody has the lease, or the row is gone', async () => {
      await subject.refusesWithoutRow(subject.store.release(asA, 'a/8', successor));
      const free = { ...heldByA, leaseOwner: undefined };
      await subject.put(free);
      await subject.refuses(subject.store.release(asA, 'a/8', successor), free);
    });
  });

  describe('release to a successor', () => {
    it('lets it, and nobody else, adopt the lease at once', async () => {
      await subject.put(heldByA);
      await subject.store.release(asA, 'a/8', 'me');
      const row = { ...heldByA, leaseCounter: 8 };
      expect(await subject.store.adopt(row, { ...byMe, owner: 'b' })).toMatchObject({ kind: 'refused' });
      expect(await subject.store.adopt(row, byMe)).toMatchObject({
        kind: 'applied',
        lease: { leaseOwner: 'me', leaseCounter: 9, handedOver: false },
      });
    });
  });

  describe('evict', () => {
    const evicted: Lease = { ...heldByA, leaseOwner: undefined, leaseCounter: 8, writeId: 'w/1', evicted: true };

    it('leaves a lease that was asked for to nobody, marked', async () => {
      await subject.put({ ...askedByB, handedOver: true });
      await subject.applies(subject.store.evict(askedByB, 'w/1'), evicted);
    });

    it('leaves the owner no write, and the receiver none either', async () => {
      await subject.put(askedByB);
      await subject.store.evict(askedByB, 'w/1');
      for (const counter of [7, 8]) {
        const held = { ...asA, counter };
        await subject.refuses(subject.store.renew(held, 'a/9'), evicted);
        await subject.refuses(subject.store.completeHandover(held, 'a/9'), evicted);
        await subject.refuses(subject.store.release(held, 'a/9', 'b'), evicted);
        await subject.refuses(
          subject.store.adopt({ ...askedByB, leaseCounter: counter }, { ...byMe, owner: 'b' }),
          evicted,
        );
      }
      await subject.refuses(subject.store.requestHandover(heldByA, { receiver: 'b', writeId: 'b/1' }), evicted);
    });

    it('is refused when the counter has moved: the owner has written since', async () => {
      await subject.put(askedByB);
      await subject.refuses(subject.store.evict({ ...askedByB, leaseCounter: 6 }, 'w/1'), askedByB);
    });

    it('is refused when the row is gone', async () => {
      await subject.refusesWithoutRow(subject.store.evict(askedByB, 'w/1'));
    });
  });

  describe('delete', () => {
    const finished: Lease = { ...heldByA, checkpoint: SHARD_END };

    it('removes the row of a finished shard', async () => {
      await subject.put(finished);
      expect(await subject.store.delete(finished)).toEqual({ kind: 'applied', lease: finished });
      expect(await subject.store.get(leaseKey)).toBeUndefined();
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(finished);
      await subject.refuses(subject.store.delete({ ...finished, leaseCounter: 6 }), finished);
    });

    it('is refused when the shard is not finished', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.delete(heldByA), heldByA);
    });

    it('is refused when the row is gone', async () => {
      expect(await subject.store.delete(finished)).toEqual({ kind: 'refused', lease: undefined });
    });
  });
}
