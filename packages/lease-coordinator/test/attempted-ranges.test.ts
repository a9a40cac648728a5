import { describe, expect, it } from '@jest/globals';
import type { AttemptedRange } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { formatAttempted, isCrashLoop, openAttempts, parseAttempted, passesAll } from '../src/attempted-ranges';
import { at } from './held-lease-harness';

const range = (first: number, last: number, attempts = 1): AttemptedRange => ({
  first: { sequenceNumber: String(first), subSequenceNumber: 0 },
  last: { sequenceNumber: String(last), subSequenceNumber: 2 },
  recordCount: last - first + 3,
  attempts,
});

describe('what was attempted', () => {
  it('is written in words of digits, and read back', () => {
    const ranges = [range(5, 9), range(12, 12, 3)];
    expect(formatAttempted(ranges)).toBe('5/0 9/2 7 1, 12/0 12/2 3 3');
    expect(parseAttempted(formatAttempted(ranges))).toEqual(ranges);
  });

  it('is nothing where it cannot be read', () => {
    expect(parseAttempted(undefined)).toEqual([]);
    for (const text of ['', 'x', '5/0 9/2 7', '5/0 9/2 7 -1', '5/0 9/2 7 1e3', `5/0 9/2 7 ${'9'.repeat(30)}`]) {
      expect(parseAttempted(text)).toEqual([]);
    }
    expect(parseAttempted('odd, 5/0 9/2 7 1')).toEqual([range(5, 9)]);
  });

  it('is over where a checkpoint has passed all of it', () => {
    const ranges = [range(5, 9), range(12, 14)];
    expect(openAttempts(ranges, at(8))).toEqual(ranges);
    // Up to its last record but for what is left of the aggregate.
    expect(openAttempts(ranges, at(9))).toEqual(ranges);
    expect(openAttempts(ranges, at(10))).toEqual([range(12, 14)]);
    expect(passesAll(ranges, at(13))).toBe(false);
    expect(passesAll(ranges, { kind: 'shard-end' })).toBe(true);
    expect(passesAll([], at(13))).toBe(false);
  });
});

describe('a crash loop', () => {
  it.each([
    [true, 2, true],
    [true, 1, false],
    [false, 5, false],
  ])('taken away: %s, changes of owner: %d, so: %s', (wasTakenAway, ownerSwitchesSinceCheckpoint, isOne) => {
    const lease = aLease({ ownerSwitchesSinceCheckpoint });
    expect(isCrashLoop({ lease, wasTakenAway })).toBe(isOne);
  });
});
