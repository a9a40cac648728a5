import { describe, expect, it } from '@jest/globals';
import type { AttemptedRange, UserRecord } from '@millrace/core';
import { firstSize, pieceSize, rangeOf, withPiece } from '../src/careful-pieces';
import { aRecord } from './support/a-consumer';

const records = (from: number, to: number): UserRecord[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ ...aRecord(from + at), subSequenceNumber: 0 }) as UserRecord);
const range = (from: number, to: number, attempts = 1): AttemptedRange => ({
  first: { sequenceNumber: String(from), subSequenceNumber: 0 },
  last: { sequenceNumber: String(to), subSequenceNumber: 0 },
  ...{ recordCount: to - from + 1, attempts },
});

describe('a piece', () => {
  it.each([
    ['a part of the suspect that it begins in', records(1, 100), [range(1, 100)], 7],
    ['one record of a small suspect', records(5, 9), [range(5, 9)], 1],
    ['no more than what is left of the suspect', records(98, 120), [range(1, 100)], 3],
    ['what lies before the next suspect', records(1, 100), [range(9, 100)], 8],
    ['the usual number where nothing is suspicious near', records(1, 100), [range(90, 100)], 20],
    ['the usual number behind the last suspect', records(101, 200), [range(1, 100)], 20],
    ['all that there is', records(101, 110), [], 10],
    ['one record where the row says that a suspect has none', records(1, 5), [{ ...range(1, 5), recordCount: 0 }], 1],
  ])('is %s', (_, left, suspects, size) => {
    expect(pieceSize(left, suspects, 20)).toBe(size);
  });

  it('is a part of the batch at first, where nobody knows anything', () => {
    expect([1, 16, 17, 10_000].map((count) => firstSize(records(1, count)))).toEqual([1, 1, 2, 625]);
  });

  it('was attempted as often as exactly the same records were', () => {
    const [one] = records(3, 3);
    if (one === undefined) throw new Error('no record');
    expect(rangeOf([one], [range(3, 3, 2), range(5, 9)])).toEqual(range(3, 3, 2));
    expect(rangeOf([one], [range(3, 4, 2)])).toEqual(range(3, 3, 0));
    expect(rangeOf([one], [range(2, 3, 2)])).toEqual(range(3, 3, 0));
  });

  it('takes the place of the suspect that it lies in, and leaves those behind it in the row, four in all', () => {
    expect(withPiece(range(3, 4), [range(1, 9), range(12, 12, 2)])).toEqual([range(3, 4), range(12, 12, 2)]);
    const many = [20, 30, 40, 50, 60].map((at) => range(at, at));
    expect(withPiece(range(3, 4), many)).toEqual([range(3, 4), ...many.slice(0, 3)]);
  });
});
