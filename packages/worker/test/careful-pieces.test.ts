import { describe, expect, it } from '@jest/globals';
import type { AttemptedRange, UserRecord } from '@millrace/core';
import { firstSize, pieceSize, rangeOf, rangesInRow } from '../src/careful-pieces';
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

  it('takes the place of the suspect that it lies in, and leaves in the row four of those before it and behind it', () => {
    const some = (...numbers: number[]): AttemptedRange[] => numbers.map((at) => range(at, at));
    const [last] = some(31);
    const both = { letGo: some(1, 2), suspects: [range(3, 9), range(12, 12, 2)] };
    expect(rangesInRow(both, range(4, 5))).toEqual([...some(1, 2), range(4, 5), range(12, 12, 2)]);
    const many = { letGo: some(1, 2, 3, 4, 5), suspects: some(20, 30, 40, 50, 60) };
    expect(rangesInRow(many, range(7, 8))).toEqual([...some(2, 3, 4, 5), range(7, 8), ...some(20, 30, 40, 50)]);
    expect(rangesInRow(many, last)).toEqual([...some(2, 3, 4, 5, 31, 40, 50, 60)]);
  });

  it('leaves all of them in the row when it is done with, or was not begun', () => {
    const many = { letGo: [range(1, 1)], suspects: [20, 30, 40, 50, 60].map((at) => range(at, at)) };
    expect(rangesInRow(many)).toEqual([...many.letGo, ...many.suspects]);
  });
});
