import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { HashKeyRange, UserRecord } from '@millrace/core';
import { deaggregate, type OutOfRange } from '@millrace/record-deaggregator';
import { aggregate, type RecordToAggregate } from '@millrace/record-deaggregator/testing';
import * as fc from 'fast-check';
import { boundsOf, hashKeyOf, isWithin, parseHashKey } from '../src/hash-key';
import { streamRecord, text } from './stream-record';

const MAX = 2n ** 128n - 1n;
const half = 2n ** 127n;
const whole: HashKeyRange = { start: '0', end: String(MAX) };
const lower: HashKeyRange = { start: '0', end: String(half - 1n) };

/** By md5sum: k1 b637…, k2 6162…, k3 f7ab…, k4 c90b…: only k2 is in the lower half. */
const inUpper = { partitionKey: 'k1', data: text('up') };
const inLower = { partitionKey: 'k2', data: text('low') };
const sentToLower = { partitionKey: 'k1', explicitHashKey: '5', data: text('sent low') };

function read(
  records: readonly RecordToAggregate[],
  hashKeyRange: HashKeyRange | undefined,
  { outOfRange, partitionKey = 'a' }: { outOfRange?: OutOfRange; partitionKey?: string } = {},
): { kept: string[]; dropped: number; unknown: number } {
  const { records: userRecords, counts } = deaggregate([streamRecord(aggregate(records), { partitionKey })], {
    hashKeyRange,
    outOfRange,
  });
  return {
    kept: userRecords.map(
      ({ subSequenceNumber, data }) => `${String(subSequenceNumber)} ${Buffer.from(data).toString()}`,
    ),
    dropped: counts.outOfRangeDropped,
    unknown: counts.unknownHashKey,
  };
}

describe('user records outside the shard', () => {
  it('are told by what the range says now, also if the same object was another range before', () => {
    const range = { ...lower };
    expect(read([inUpper, inLower], range).dropped).toBe(1);
    range.end = String(MAX);
    expect(read([inUpper, inLower], range).dropped).toBe(0);
  });

  it('are dropped from an aggregate of the KPL, and the others keep their place in it', () => {
    expect(read([inUpper, inLower, inUpper, sentToLower], lower)).toEqual({
      kept: ['1 low', '3 sent low'],
      dropped: 2,
      unknown: 0,
    });
  });

  it('are kept when the aggregate is not of the KPL, which alone would send them again', () => {
    expect(read([inUpper, inLower], lower, { partitionKey: 'k1' })).toEqual({
      kept: ['0 up', '1 low'],
      dropped: 0,
      unknown: 0,
    });
  });

  it.each<[OutOfRange, string, string[], number]>([
    ['auto', 'a', ['1 low'], 1],
    ['auto', 'other', ['0 up', '1 low'], 0],
    ['drop-record', 'a', ['1 low'], 1],
    ['drop-record', 'other', ['1 low'], 1],
    ['keep', 'a', ['0 up', '1 low'], 0],
    ['keep', 'other', ['0 up', '1 low'], 0],
    ['kcl', 'a', [], 2],
    ['kcl', 'other', [], 2],
  ])('with %s and the outer partition key "%s"', (outOfRange, partitionKey, kept, dropped) => {
    expect(read([inUpper, inLower], lower, { outOfRange, partitionKey })).toEqual({ kept, dropped, unknown: 0 });
  });

  it('are not looked for without a range', () => {
    expect(read([inUpper, inLower], undefined).kept).toEqual(['0 up', '1 low']);
  });

  it('do not exist in a shard of every hash key', () => {
    expect(boundsOf(whole)).toBeUndefined();
    expect(read([inUpper, { ...inLower, explicitHashKey: 'no number' }], whole)).toEqual({
      kept: ['0 up', '1 low'],
      dropped: 0,
      unknown: 0,
    });
  });

  it('does not drop plain records: Kinesis put them where they belong', () => {
    const { records } = deaggregate([streamRecord(text('x'), { partitionKey: 'k1' })], { hashKeyRange: lower });
    expect(records).toHaveLength(1);
  });

  it.each(['', 'twelve', '-1', '1.5', '0x10', ' 1', String(MAX + 1n), '9'.repeat(100_000)])(
    'is not said of an explicit hash key that is none (%#): kept and counted',
    (explicitHashKey) => {
      for (const outOfRange of ['auto', 'drop-record', 'kcl'] as const) {
        const odd = { partitionKey: 'k1', explicitHashKey, data: text('odd') };
        expect(read([odd, inLower], lower, { outOfRange })).toEqual({
          kept: ['0 odd', '1 low'],
          dropped: 0,
          unknown: 1,
        });
      }
    },
  );

  it('refuses a range that is none', () => {
    expect(() => read([inLower], { start: '5', end: '4' })).toThrow(RangeError);
    expect(() => read([inLower], { start: 'x', end: '4' })).toThrow(RangeError);
  });
});

describe('an aggregate that straddles a split', () => {
  const key = fc.oneof(
    fc.constant(undefined),
    fc.bigInt(0n, MAX).map(String),
    fc.constantFrom('0', String(half - 1n), String(half), String(MAX)),
  );
  const packed = fc.array(fc.record({ partitionKey: fc.string(), explicitHashKey: key }), {
    minLength: 1,
    maxLength: 30,
  });

  it('gives every record exactly once over the two children, each with its place in the aggregate', () => {
    fc.assert(
      fc.property(packed, fc.bigInt(1n, MAX), (records, cut) => {
        const data = aggregate(records.map((record, index) => ({ ...record, data: text(String(index)) })));
        const children: HashKeyRange[] = [
          { start: '0', end: String(cut - 1n) },
          { start: String(cut), end: String(MAX) },
        ];
        const read = children.map((hashKeyRange) => deaggregate([streamRecord(data)], { hashKeyRange }));
        const delivered: UserRecord[] = read.flatMap((child) => [...child.records]);
        expect(delivered.map(({ data }) => Number(Buffer.from(data).toString())).sort((a, b) => a - b)).toEqual(
          records.map((_, index) => index),
        );
        for (const { data, subSequenceNumber } of delivered) {
          expect(Buffer.from(data).toString()).toBe(String(subSequenceNumber));
        }
        expect(read.reduce((sum, { counts }) => sum + counts.outOfRangeDropped, 0)).toBe(records.length);
      }),
    );
  });
});

describe('a hash key', () => {
  it('is MD5 of the UTF-8 bytes of the partition key', () => {
    expect(hashKeyOf('k1')).toBe('b637b17af08aced8850c18cccde915da');
    expect(hashKeyOf('é')).toBe(
      createHash('md5')
        .update(Buffer.from([0xc3, 0xa9]))
        .digest('hex'),
    );
  });

  it('compares as the number that it is', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX), fc.bigInt(0n, MAX), fc.bigInt(0n, MAX), (key, a, b) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        const bounds = boundsOf({ start: String(first), end: String(last) });
        const parsed = parseHashKey(String(key));
        expect(parsed).toBeDefined();
        expect(bounds === undefined || isWithin(parsed!, bounds)).toBe(key >= first && key <= last);
      }),
    );
  });
});

describe('the traps that others fell into', () => {
  it.each<OutOfRange>(['auto', 'drop-record', 'kcl'])(
    'trap 17: an aggregate whose user records are all out of range. With %s it gives none, and its neighbours are untouched',
    (outOfRange) => {
      const neighbour = aggregate([inLower]);
      const { records, counts } = deaggregate(
        [
          streamRecord(neighbour, { sequenceNumber: '1' }),
          streamRecord(aggregate([inUpper, inUpper]), { sequenceNumber: '2' }),
          streamRecord(neighbour, { sequenceNumber: '3' }),
        ],
        { hashKeyRange: lower, outOfRange },
      );
      expect(records.map(({ sequenceNumber }) => sequenceNumber)).toEqual(['1', '3']);
      expect(counts).toMatchObject({ aggregates: 3, emptyAggregates: 0, malformed: 0, outOfRangeDropped: 2 });
      expect(read([inUpper, inUpper], lower, { outOfRange })).toEqual({ kept: [], dropped: 2, unknown: 0 });
    },
  );
});
