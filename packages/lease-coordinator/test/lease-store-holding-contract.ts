import { checkpointAt } from '@millrace/core';
import { describe, expect, it } from '@jest/globals';
import type { WriteResult } from '../src';
import { asA, askedByB, heldByA, type LeaseStoreSubject, stolenByKcl } from './lease-store-subject';

/** The holder's signs of life. */
export function describeHolding(subject: LeaseStoreSubject): void {
  const holderWrites = {
    renew: (held: typeof asA) => subject.store.renew(held, 'w/2'),
    checkpoint: (held: typeof asA) =>
      subject.store.checkpoint(held, checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 }), 'w/2'),
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
      await subject.put(row);
      await subject.applies(write(), { ...row, ...effect, leaseCounter: 8, writeId: 'w/2' });
    });

    it('is still the holder’s while another has asked for the lease', async () => {
      await subject.put(askedByB);
      await subject.applies(write(), { ...askedByB, ...effect, leaseCounter: 8, writeId: 'w/2' });
    });

    it('is refused when the counter is an older one', async () => {
      await subject.put(heldByA);
      await subject.refuses(write({ ...asA, counter: 6 }), heldByA);
    });

    it('is refused when the counter is a newer one', async () => {
      await subject.put(heldByA);
      await subject.refuses(write({ ...asA, counter: 8 }), heldByA);
    });

    it('is refused when the counter is right but another owns the lease', async () => {
      await subject.put({ ...heldByA, leaseOwner: 'b' });
      await subject.refuses(write(), { ...heldByA, leaseOwner: 'b' });
    });

    it('is refused when nobody owns the lease', async () => {
      await subject.put({ ...heldByA, leaseOwner: undefined });
      await subject.refuses(write(), { ...heldByA, leaseOwner: undefined });
    });

    it('is refused to the receiver of a pending hand-over', async () => {
      await subject.put(askedByB);
      await subject.refuses(write({ ...asA, owner: 'b' }), askedByB);
    });

    it('is refused to the holder of before, named in the residue of a hand-over', async () => {
      await subject.put(stolenByKcl);
      await subject.refuses(write({ ...asA, counter: 8 }), stolenByKcl);
    });

    it('is the owner’s beside the residue of a hand-over', async () => {
      await subject.put(stolenByKcl);
      expect(await write({ ...asA, counter: 8, owner: 'kcl' })).toMatchObject({ kind: 'applied' });
    });

    it('is the owner’s beside a checkpointOwner without a receiver', async () => {
      await subject.put({ ...heldByA, checkpointOwner: 'x' });
      expect(await write()).toMatchObject({ kind: 'applied' });
    });

    it('is the owner’s beside a receiver without a checkpointOwner, which a KCL 3 worker has cleared', async () => {
      await subject.put({ ...heldByA, receiver: 'a' });
      expect(await write()).toMatchObject({ kind: 'applied' });
    });

    it('is refused to a checkpointOwner that no receiver of ours has asked', async () => {
      const row = { ...heldByA, leaseOwner: 'b', checkpointOwner: 'a' };
      await subject.put(row);
      await subject.refuses(write(), row);
    });

    it('is refused when the row is gone', async () => {
      await subject.refusesWithoutRow(write());
    });
  });
}
