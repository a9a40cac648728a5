import { SHARD_END } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { findForeignLease, isHeldByOlderKcl } from '../src';
import { identity } from './held-lease-harness';

const { streamArn, streamCreatedAtMs } = identity;

describe('findForeignLease', () => {
  it('accepts rows of this stream, and rows that name none', () => {
    expect(findForeignLease([aLease(), aLease({ streamArn, streamCreatedAtMs })], identity)).toBeUndefined();
  });

  it.each([
    ['ARN', { streamArn: 'arn:other', streamCreatedAtMs }],
    ['creation time', { streamArn, streamCreatedAtMs: 2 }],
  ])('finds a row with another %s', (_, row) => {
    const error = findForeignLease(
      [aLease({ streamArn, streamCreatedAtMs }), aLease({ leaseKey: 'x', ...row })],
      identity,
    );
    expect(error).toMatchObject({ code: 'STREAM_RECREATED', details: { leaseKey: 'x', actualArn: streamArn } });
  });
});

describe('isHeldByOlderKcl', () => {
  const ofKcl2 = aLease({ typed: false, leaseOwner: 'java', leaseCounter: 9 });

  it('is so for a row that does not say what it is and whose owner has not written it in our way', () => {
    expect(isHeldByOlderKcl(ofKcl2)).toBe(true);
    expect(isHeldByOlderKcl({ ...ofKcl2, writeId: 'me/4' })).toBe(true);
    expect(isHeldByOlderKcl({ ...ofKcl2, writeId: 'java-2/4' })).toBe(true);
  });

  it.each([
    ['says what it is', { typed: true }],
    ['is nobody’s', { leaseOwner: undefined }],
    ['is finished', { checkpoint: SHARD_END }],
    ['was taken by a worker of ours', { leaseOwner: 'me', writeId: 'me/4' }],
    ['was handed over by a worker of ours', { leaseOwner: 'b', writeId: 'me/5', handedOver: true }],
    ['a worker of ours is asked for', { leaseOwner: 'b', checkpointOwner: 'me', receiver: 'b', writeId: 'me/4' }],
  ])('is not so for one that %s', (_, changes) => {
    expect(isHeldByOlderKcl({ ...ofKcl2, ...changes })).toBe(false);
  });
});
