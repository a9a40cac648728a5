import { describe, expect, it } from '@jest/globals';
import { deaggregate } from '@millrace/record-deaggregator';
import { aggregate } from '@millrace/record-deaggregator/testing';
import { fromHex, streamRecord, text } from './stream-record';

/**
 * Written by hand from the published format (aggregation-format.md of the KPL), with checksums by md5sum: they do not
 * depend on any code of this package, its oracle, or its test encoder.
 */
const MAGIC = 'f3899ac2';

const oneRecord = `${MAGIC} 0a026b31 1a06 0800 1a026869 daed7272b23ff3cf50acbb2c18751af1`;

/** ("k1", explicit hash key "7", "A"), ("k2", none, ""), ("k1", none, "BC"). */
const threeRecords =
  `${MAGIC} 0a026b31 0a026b32 120137 1a07 0800 1000 1a0141 1a04 0801 1a00 1a06 0800 1a024243 ` +
  'bedb3b5fb1c969ac4ca9d1feb927ee6c';

/** The record before its table, its fields reversed, a tag, field 19 in the record, field 5 in the message. */
const shuffledWithStrangers =
  `${MAGIC} 1a10 1a0141 0800 2206 0a0174 120176 980105 0a026b31 2a03 010203 ` + '47e192bda65b5ac51a8e6289b87d91f8';

/** Keys that look like integers: object keys would come out as 2, 10, x. */
const integerLikeKeys =
  `${MAGIC} 0a023130 0a0132 0a0178 1a05 0800 1a0130 1a05 0801 1a0131 1a05 0802 1a0132 ` +
  '52fdb5cf02ae22a00079832533be179f';

const tableWithoutRecords = `${MAGIC} 0a026b31 96df1553b49aec17935d08c85cba6de1`;

describe('the bytes of the KPL', () => {
  it('are read: one record', () => {
    const { records, counts } = deaggregate([streamRecord(fromHex(oneRecord), { sequenceNumber: '42' })]);
    expect(records).toEqual([
      {
        data: text('hi'),
        partitionKey: 'k1',
        explicitHashKey: undefined,
        sequenceNumber: '42',
        subSequenceNumber: 0,
        approximateArrivalTimestamp: new Date(1_700_000_000_000),
        aggregated: true,
      },
    ]);
    expect(counts.aggregates).toBe(1);
  });

  it('are read: shared keys, an explicit hash key only where one was given, empty data', () => {
    const { records } = deaggregate([streamRecord(fromHex(threeRecords))]);
    expect(
      records.map(({ partitionKey, explicitHashKey, data, subSequenceNumber }) => [
        subSequenceNumber,
        partitionKey,
        explicitHashKey,
        Buffer.from(data).toString(),
      ]),
    ).toEqual([
      [0, 'k1', '7', 'A'],
      [1, 'k2', undefined, ''],
      [2, 'k1', undefined, 'BC'],
    ]);
  });

  it('are read: fields in any order, tags and unknown fields passed over', () => {
    const { records, counts } = deaggregate([streamRecord(fromHex(shuffledWithStrangers))]);
    expect(records).toMatchObject([{ partitionKey: 'k1', data: text('A'), aggregated: true }]);
    expect(counts.malformed).toBe(0);
  });

  it('are read: keys that look like integers stay with their records', () => {
    const { records } = deaggregate([streamRecord(fromHex(integerLikeKeys))]);
    expect(records.map(({ partitionKey, data }) => `${partitionKey}=${Buffer.from(data).toString()}`)).toEqual([
      '10=0',
      '2=1',
      'x=2',
    ]);
  });

  it('are read: an aggregate of nothing delivers nothing and is counted', () => {
    const { records, counts } = deaggregate([streamRecord(fromHex(tableWithoutRecords))]);
    expect(records).toEqual([]);
    expect(counts).toMatchObject({ aggregates: 1, emptyAggregates: 1, malformed: 0 });
  });

  it('are written by the test encoder', () => {
    expect(aggregate([{ partitionKey: 'k1', data: text('hi') }])).toEqual(fromHex(oneRecord));
    expect(
      aggregate([
        { partitionKey: 'k1', explicitHashKey: '7', data: text('A') },
        { partitionKey: 'k2', data: text('') },
        { partitionKey: 'k1', data: text('BC') },
      ]),
    ).toEqual(fromHex(threeRecords));
    expect(
      aggregate([
        { partitionKey: '10', data: text('0') },
        { partitionKey: '2', data: text('1') },
        { partitionKey: 'x', data: text('2') },
      ]),
    ).toEqual(fromHex(integerLikeKeys));
  });
});
