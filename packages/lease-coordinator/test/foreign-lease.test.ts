import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { findForeignLease } from '../src';
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
