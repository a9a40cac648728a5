import { type AttemptedRange, checkpointAt, type Lease } from '@millrace/core';
import { describe, expect, it } from '@jest/globals';
import type { WriteResult } from '../src';
import { asA, askedByB, heldByA, type LeaseStoreSubject, stolenByKcl } from './lease-store-subject';

const range: AttemptedRange = {
  first: { sequenceNumber: '50', subSequenceNumber: 0 },
  last: { sequenceNumber: '61', subSequenceNumber: 3 },
  recordCount: 40,
  attempts: 2,
};

/** The holder's signs of life. */
export function describeHolding(subject: LeaseStoreSubject): void {
  const holderWrites = {
    renew: (held: typeof asA) => subject.store.renew(held, 'w/2'),
    checkpoint: (held: typeof asA) =>
      subject.store.checkpoint(held, checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 }), 'w/2', {
        passesAttempted: false,
      }),
    attempt: (held: typeof asA) => subject.store.attempt(held, [range], 'w/2'),
    'attempt nothing': (held: typeof asA) => subject.store.attempt(held, [], 'w/2'),
  };

  const effects: Record<keyof typeof holderWrites, Partial<Lease>> = {
    renew: {},
    checkpoint: {
      checkpoint: checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 }),
      ownerSwitchesSinceCheckpoint: 0,
    },
    attempt: { attempted: [range] },
    'attempt nothing': { attempted: [] },
  };

  describe.each(['renew', 'checkpoint', 'attempt', 'attempt nothing'] as const)('%s', (operation) => {
    const write = (held = asA): Promise<WriteResult> => holderWrites[operation](held);
    const effect = effects[operation];

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

  describe('what was attempted', () => {
    it('stays when a checkpoint does not pass it, when the lease is renewed, and when it changes hands', async () => {
      const row = { ...heldByA, attempted: [range, { ...range, attempts: 1 }] };
      await subject.put(row);
      const checkpoint = checkpointAt({ sequenceNumber: '49', subSequenceNumber: 2 });
      await subject.applies(subject.store.checkpoint(asA, checkpoint, 'w/2', { passesAttempted: false }), {
        ...row,
        ...{ checkpoint, leaseCounter: 8, writeId: 'w/2' },
      });
      const { attempted } = row;
      expect(await subject.store.renew({ ...asA, counter: 8 }, 'w/3')).toMatchObject({ lease: { attempted } });
      expect(await subject.store.release({ ...asA, counter: 9 }, 'w/4', undefined)).toMatchObject({
        lease: { attempted },
      });
    });

    it('goes with the checkpoint that passes it', async () => {
      const row = { ...heldByA, attempted: [range] };
      await subject.put(row);
      const checkpoint = checkpointAt({ sequenceNumber: '62', subSequenceNumber: 0 });
      await subject.applies(subject.store.checkpoint(asA, checkpoint, 'w/2', { passesAttempted: true }), {
        ...row,
        ...{ checkpoint, leaseCounter: 8, writeId: 'w/2', ownerSwitchesSinceCheckpoint: 0, attempted: [] },
      });
    });
  });
}
