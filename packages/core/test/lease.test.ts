import { describe, expect, it } from '@jest/globals';
import { effectiveOwner } from '../src';
import { aLease } from '../src/testing';

describe('effectiveOwner', () => {
  it.each([
    ['nobody', {}, undefined],
    ['the owner', { leaseOwner: 'a' }, 'a'],
    ['the old owner while a hand-over is pending', { leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' }, 'a'],
    [
      'the owner when a KCL 2 thief left our hand-over behind',
      { leaseOwner: 'c', checkpointOwner: 'a', receiver: 'b' },
      'c',
    ],
    ['the owner when the hand-over is none of ours', { leaseOwner: 'b', checkpointOwner: 'a' }, 'b'],
  ])('is %s', (_, changes, expected) => {
    expect(effectiveOwner(aLease(changes))).toBe(expected);
  });
});
