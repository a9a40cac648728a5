import { describe, expect, it } from '@jest/globals';
import { deaggregate } from '@millrace/record-deaggregator';
import { aggregate, envelope } from '@millrace/record-deaggregator/testing';
import { fromHex, streamRecord, text } from './stream-record';

const nothingOdd = {
  aggregates: 0,
  badChecksum: 0,
  malformed: 0,
  emptyAggregates: 0,
  outOfRangeDropped: 0,
  unknownHashKey: 0,
};

/** An aggregate whose message is these bytes, checksum right. */
function sealed(hex: string): Uint8Array {
  return envelope(fromHex(hex));
}

describe('deaggregate', () => {
  it('delivers a record that is no aggregate as it is, without copying', () => {
    const record = streamRecord(text('plain'), { sequenceNumber: '7', partitionKey: 'mine' });
    const { records, counts } = deaggregate([record]);
    expect(records).toEqual([
      {
        data: text('plain'),
        partitionKey: 'mine',
        explicitHashKey: undefined,
        sequenceNumber: '7',
        subSequenceNumber: 0,
        approximateArrivalTimestamp: record.approximateArrivalTimestamp,
        aggregated: false,
      },
    ]);
    expect(records[0]?.data).toBe(record.data);
    expect(counts).toEqual(nothingOdd);
  });

  it('keeps the order of the stream among plain records and aggregates', () => {
    const packed = aggregate([
      { partitionKey: 'x', data: text('2.0') },
      { partitionKey: 'x', data: text('2.1') },
    ]);
    const { records } = deaggregate([
      streamRecord(text('1'), { sequenceNumber: '1' }),
      streamRecord(packed, { sequenceNumber: '2' }),
      streamRecord(text('3'), { sequenceNumber: '3' }),
    ]);
    expect(records.map(({ sequenceNumber, subSequenceNumber }) => [sequenceNumber, subSequenceNumber])).toEqual([
      ['1', 0],
      ['2', 0],
      ['2', 1],
      ['3', 0],
    ]);
  });

  it('gives views of the buffer, also when the record is itself a view', () => {
    const packed = aggregate([{ partitionKey: 'x', data: text('hello') }]);
    const pool = new Uint8Array(packed.length + 20);
    pool.set(packed, 13);
    const { records } = deaggregate([streamRecord(pool.subarray(13, 13 + packed.length))]);
    expect(records[0]?.data).toEqual(text('hello'));
    expect(records[0]?.data.buffer).toBe(pool.buffer);
  });

  it('reads what Buffer gives as well as Uint8Array, and gives plain Uint8Arrays', () => {
    const { records } = deaggregate([streamRecord(Buffer.from(aggregate([{ partitionKey: 'x', data: text('b') }])))]);
    expect(Object.getPrototypeOf(records[0]?.data)).toBe(Uint8Array.prototype);
  });

  it('does not open an aggregate in the data of a user record', () => {
    const inner = aggregate([{ partitionKey: 'inner', data: text('x') }]);
    const { records } = deaggregate([streamRecord(aggregate([{ partitionKey: 'outer', data: inner }]))]);
    expect(records).toMatchObject([{ partitionKey: 'outer', data: inner }]);
  });

  it('keeps partition keys of any script, and a byte order mark', () => {
    const keys = ['é', '键', '🌊', '\ufeffmarked', '__proto__', 'hasOwnProperty', ''];
    const { records } = deaggregate([
      streamRecord(aggregate(keys.map((partitionKey) => ({ partitionKey, data: text('x') })))),
    ]);
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(keys);
  });
});

describe('a record that only looks like an aggregate', () => {
  const sound = aggregate([{ partitionKey: 'k', data: text('v') }]);
  const flipped = Uint8Array.from(sound);
  flipped[sound.length - 1]! ^= 1;
  const bodyChanged = Uint8Array.from(sound);
  bodyChanged[9]! ^= 1;

  it.each([
    ['no bytes at all', new Uint8Array(), 'plain'],
    ['the magic cut short', fromHex('f3899a'), 'plain'],
    ['the magic alone', fromHex('f3899ac2'), 'plain'],
    ['magic and checksum of nothing, 20 bytes', envelope(new Uint8Array()), 'plain'],
    ['a payload that begins with the magic', fromHex(`f3899ac2${'41'.repeat(40)}`), 'badChecksum'],
    ['another checksum', flipped, 'badChecksum'],
    ['a byte changed in between', bodyChanged, 'badChecksum'],
    ['the last byte missing', sound.subarray(0, -1), 'badChecksum'],
    ['a message that is no protocol buffer', sealed('ffffffff'), 'malformed'],
    ['a length that reaches past the end', sealed('0a7f6b31'), 'malformed'],
    [
      'a length that reaches out of a record into the next',
      sealed('0a016b 1a04 0800 1a0a 1a05 0800 1a0141'),
      'malformed',
    ],
    ['a length of 2^64-1', sealed('0affffffffffffffffff01'), 'malformed'],
    ['an integer of eleven bytes', sealed('0a016b 1a0f 08ffffffffffffffffffff01 1a0141'), 'malformed'],
    ['a field cut short', sealed('0a016b 1a'), 'malformed'],
    ['field number 0', sealed('0a016b 0001'), 'malformed'],
    ['a tag above 32 bits', sealed('0a016b 8880808080 01 01'), 'malformed'],
    ['a group', sealed('0a016b 2b 2c'), 'malformed'],
    ['wire type 6', sealed('0a016b 2e 01'), 'malformed'],
    ['a partition key index past the table', sealed('0a016b 1a05 0800 1a0141 1a05 0801 1a0142'), 'malformed'],
    ['an explicit hash key index past the table', sealed('0a016b 1a07 0800 1000 1a0141'), 'malformed'],
    ['an index above 2^53', sealed('0a016b 1a0c 088080808080808010 1a0141'), 'malformed'],
    ['no partition key index', sealed('0a016b 1a03 1a0141'), 'malformed'],
    ['no data', sealed('0a016b 1a02 0800'), 'malformed'],
    ['a partition key index of another wire type', sealed('0a016b 1a08 0d00000000 1a0141'), 'malformed'],
  ])('is delivered whole: %s', (_, data, count) => {
    const neighbour = aggregate([{ partitionKey: 'n', data: text('n') }]);
    const { records, counts } = deaggregate([
      streamRecord(neighbour, { sequenceNumber: '1' }),
      streamRecord(data, { sequenceNumber: '2', partitionKey: 'its own' }),
      streamRecord(neighbour, { sequenceNumber: '3' }),
    ]);
    expect(records.map(({ sequenceNumber }) => sequenceNumber)).toEqual(['1', '2', '3']);
    expect(records[1]).toMatchObject({ partitionKey: 'its own', subSequenceNumber: 0, aggregated: false });
    expect(records[1]?.data).toBe(data);
    expect(counts).toEqual({ ...nothingOdd, aggregates: 2, ...(count === 'plain' ? {} : { [count]: 1 }) });
  });

  it.each([
    [
      'fixed64, fixed32, varint of ten bytes and bytes that are unknown',
      '0a016b 29 0102030405060708 2d 01020304 28 ffffffffffffffffff01 32 00',
    ],
    ['a known field of another wire type', '0a016b 0801 1001 1d 00000000'],
    ['an index repeated, of which the last counts', '0a016b'],
  ])('is not one with %s', (_, strangers) => {
    const { records, counts } = deaggregate([streamRecord(sealed(`${strangers} 1a07 0805 0800 1a0141`))]);
    expect(records).toMatchObject([{ partitionKey: 'k', data: text('A'), aggregated: true }]);
    expect(counts).toEqual({ ...nothingOdd, aggregates: 1 });
  });
});
