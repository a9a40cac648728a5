import { AT_TIMESTAMP, checkpointAt, LATEST, type Lease, SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import type { WriteResult } from '../src';
import { askedByB, byMe, heldByA, identity, type LeaseStoreSubject } from './lease-store-subject';

/** The writes to a lease that somebody else holds, or nobody. */
export function describeAcquiring(subject: LeaseStoreSubject): void {
  describe('take', () => {
    const taken = {
      leaseOwner: 'me',
      writeId: 'me/1',
      failoverTimeMs: 10_000,
      acquiredAtMs: 1_700_000_000_123,
      streamArn: identity.streamArn,
      streamCreatedAtMs: identity.streamCreatedAtMs,
    };

    it('acquires an unowned lease, and names the stream in a row that does not', async () => {
      const free = aLease({ leaseCounter: 4 });
      await subject.put(free);
      await subject.applies(subject.store.take(free, byMe), { ...free, ...taken, leaseCounter: 5 });
    });

    it('acquires an expired lease from its owner, and counts the switch', async () => {
      await subject.put(heldByA);
      await subject.applies(subject.store.take(heldByA, byMe), {
        ...heldByA,
        ...taken,
        leaseCounter: 8,
        ownerSwitchesSinceCheckpoint: 1,
      });
    });

    it('does not count taking a lease back as a switch of owners', async () => {
      const mine = { ...heldByA, leaseOwner: 'me' };
      await subject.put(mine);
      await subject.applies(subject.store.take(mine, byMe), { ...mine, ...taken, leaseCounter: 8 });
    });

    it('counts a switch when it takes back a lease that was asked of it', async () => {
      const asked = { ...askedByB, checkpointOwner: 'me' };
      await subject.put(asked);
      expect(await subject.store.take(asked, byMe)).toMatchObject({ lease: { ownerSwitchesSinceCheckpoint: 1 } });
    });

    it('counts the switch when it takes a lease that it has asked for, and whose owner is gone', async () => {
      const asked = { ...askedByB, leaseOwner: 'me', receiver: 'me' };
      await subject.put(asked);
      expect(await subject.store.take(asked, byMe)).toMatchObject({ lease: { ownerSwitchesSinceCheckpoint: 1 } });
    });

    it('clears what a hand-over, a healing or an eviction left', async () => {
      const row = { ...askedByB, handedOver: true, healed: true, evicted: true };
      await subject.put(row);
      await subject.applies(subject.store.take(row, byMe), {
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
      await subject.put(free);
      expect(await subject.store.take(free, byMe)).toMatchObject({ lease: { initialTimestampMs: 1_700_000_000_000 } });
    });

    it('does not change what LATEST means, nor the stream that a row names', async () => {
      const free = aLease({
        checkpoint: LATEST,
        initialTimestampMs: 5,
        streamArn: 'arn:other',
        streamCreatedAtMs: 6,
      });
      await subject.put(free);
      expect(await subject.store.take(free, byMe)).toMatchObject({
        lease: { initialTimestampMs: 5, streamArn: 'arn:other', streamCreatedAtMs: 6 },
      });
    });

    it('does not add a moment to a row at a record', async () => {
      const free = aLease({ checkpoint: checkpointAt({ sequenceNumber: '5', subSequenceNumber: 0 }) });
      await subject.put(free);
      expect(await subject.store.take(free, byMe)).toMatchObject({ lease: { initialTimestampMs: undefined } });
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.take({ ...heldByA, leaseCounter: 6 }, byMe), heldByA);
    });

    it('is not refused because of a request, which leaves the counter', async () => {
      await subject.put(askedByB);
      expect(await subject.store.take(heldByA, byMe)).toMatchObject({ kind: 'applied' });
    });

    it('is refused when the row is gone, and does not bring it back', async () => {
      await subject.refusesWithoutRow(subject.store.take(heldByA, byMe));
    });
  });

  describe('adopt', () => {
    const handedToMe: Lease = { ...heldByA, leaseOwner: 'me', handedOver: true };

    it('acquires a lease that names me', async () => {
      await subject.put(handedToMe);
      await subject.applies(subject.store.adopt(handedToMe, byMe), {
        ...handedToMe,
        leaseCounter: 8,
        handedOver: false,
        writeId: 'me/1',
        failoverTimeMs: 10_000,
        acquiredAtMs: 1_700_000_000_123,
      });
    });

    it('ignores and clears the residue of an older hand-over', async () => {
      const row: Lease = { ...handedToMe, checkpointOwner: 'a', receiver: 'b' };
      await subject.put(row);
      expect(await subject.store.adopt(row, byMe)).toMatchObject({
        kind: 'applied',
        lease: { checkpointOwner: undefined, receiver: undefined },
      });
    });

    it('is refused when the counter has moved', async () => {
      await subject.put(handedToMe);
      await subject.refuses(subject.store.adopt({ ...handedToMe, leaseCounter: 6 }, byMe), handedToMe);
    });

    it('does not mind a receiver without a checkpointOwner, which a KCL 3 worker has cleared', async () => {
      const row: Lease = { ...handedToMe, receiver: 'me' };
      await subject.put(row);
      expect(await subject.store.adopt(row, byMe)).toMatchObject({ kind: 'applied' });
    });

    it('is refused when the row names another', async () => {
      await subject.put(heldByA);
      await subject.refuses(subject.store.adopt(heldByA, byMe), heldByA);
    });

    it('is refused while the hand-over to me is pending', async () => {
      const pending: Lease = { ...askedByB, leaseOwner: 'me', receiver: 'me' };
      await subject.put(pending);
      await subject.refuses(subject.store.adopt(pending, byMe), pending);
    });
  });

  describe('requestHandover', () => {
    const request = (observed: Lease): Promise<WriteResult> =>
      subject.store.requestHandover(observed, { receiver: 'b', writeId: 'b/1' });

    it('names the receiver, and leaves the counter and the holder’s write id', async () => {
      await subject.put(heldByA);
      await subject.applies(request(heldByA), askedByB);
    });

    it('does not mind that the counter has moved', async () => {
      await subject.put(heldByA);
      expect(await request({ ...heldByA, leaseCounter: 2 })).toMatchObject({ kind: 'applied' });
    });

    it('is refused when the owner is not the one observed', async () => {
      await subject.put(heldByA);
      await subject.refuses(request({ ...heldByA, leaseOwner: 'c' }), heldByA);
    });

    it('is refused when nobody owns the lease', async () => {
      const free = { ...heldByA, leaseOwner: undefined };
      await subject.put(free);
      await subject.refuses(request(free), free);
      await subject.refuses(request(heldByA), free);
    });

    it('is refused when another has asked already', async () => {
      const asked = { ...askedByB, leaseOwner: 'c', receiver: 'c' };
      await subject.put(asked);
      await subject.refuses(request(asked), asked);
    });

    it('is refused when there is any checkpointOwner', async () => {
      const row = { ...heldByA, checkpointOwner: 'x' };
      await subject.put(row);
      await subject.refuses(request(row), row);
    });

    it('is refused at the end of the shard', async () => {
      const finished = { ...heldByA, checkpoint: SHARD_END };
      await subject.put(finished);
      await subject.refuses(request(heldByA), finished);
    });
  });
}
