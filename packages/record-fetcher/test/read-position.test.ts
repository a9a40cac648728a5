import { describe, expect, it } from '@jest/globals';
import type { StreamRecord } from '@millrace/core';
import { ReadPosition } from '../src/read-position';

const SHARD = 'shardId-000000000000';
const OUT_OF_SEQUENCE = expect.objectContaining({ code: 'SHARD_UNREADABLE' }) as unknown as Error;

/** An answer with these records, and more to follow. */
function answer(...sequenceNumbers: readonly string[]): {
  records: readonly StreamRecord[];
  nextIterator: string;
} {
  const records = sequenceNumbers.map((sequenceNumber) => ({
    sequenceNumber,
    partitionKey: 'key',
    data: new Uint8Array(1),
    approximateArrivalTimestamp: new Date(0),
  }));
  return { records, nextIterator: 'next' };
}

/** The records 1 and 2 were handed over, and the iterator has been replaced. */
function renewedAtTwo(): ReadPosition {
  const position = new ReadPosition(SHARD, { kind: 'trim-horizon' });
  position.iteratorRenewed();
  position.advance(answer('1', '2'));
  position.iteratorRenewed();
  return position;
}

describe('ReadPosition', () => {
  it('wants the record at the start, and drops the same record once it was handed over', () => {
    const position = new ReadPosition(SHARD, { kind: 'at-sequence-number', sequenceNumber: '2' });
    position.iteratorRenewed();
    expect(position.advance(answer('2'))).toEqual({ records: answer('2').records, missing: undefined });
    position.iteratorRenewed();
    expect(position.advance(answer('2', '3'))).toEqual({ records: answer('3').records, missing: undefined });
  });

  it('begins new iterators at the last record handed over, also when that came alone', () => {
    const position = renewedAtTwo();
    expect(position.advance(answer('2'))).toEqual({ records: [], missing: undefined });
    expect(position.next).toEqual({ kind: 'at-sequence-number', sequenceNumber: '2' });
    expect(position.advance(answer('3')).records).toEqual(answer('3').records);
    expect(position.next).toEqual({ kind: 'at-sequence-number', sequenceNumber: '3' });
  });

  it('misses the expected record in the first answer that is not empty', () => {
    const position = renewedAtTwo();
    expect(position.advance(answer())).toEqual({ records: [], missing: undefined });
    expect(position.advance(answer('5'))).toEqual({ records: answer('5').records, missing: '2' });
    expect(position.advance(answer('6')).missing).toBeUndefined();
  });

  it('misses the expected record in an empty last answer', () => {
    expect(renewedAtTwo().advance({ records: [], nextIterator: undefined }).missing).toBe('2');
  });

  it.each([
    ['before the record expected', ['1', '2', '3']],
    ['with the known record twice', ['2', '2', '3']],
    ['out of sequence behind the known record', ['2', '4', '3']],
  ])('refuses the answer of a new iterator that comes %s, and stays where it was', (_, sequenceNumbers) => {
    const position = renewedAtTwo();
    expect(() => position.advance(answer(...sequenceNumbers))).toThrow(OUT_OF_SEQUENCE);
    expect(position.advance(answer('2', '3')).records).toEqual(answer('3').records);
  });

  it('refuses a known record from an iterator that is not new', () => {
    const position = renewedAtTwo();
    position.advance(answer('2', '3'));
    expect(() => position.advance(answer('3', '4'))).toThrow(OUT_OF_SEQUENCE);
  });
});
