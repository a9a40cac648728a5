import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { deaggregate } from '@millrace/record-deaggregator';
import { aggregate, envelope, type RecordToAggregate } from '@millrace/record-deaggregator/testing';
import * as fc from 'fast-check';
import * as protobuf from 'protobufjs';
import { streamRecord } from './stream-record';

/** protobufjs, an implementation that shares nothing with ours, over the schema that Amazon publishes. */
const AggregatedRecord = protobuf
  .parse(
    `syntax = "proto2";
     message AggregatedRecord {
       repeated string partition_key_table = 1;
       repeated string explicit_hash_key_table = 2;
       repeated Record records = 3;
     }
     message Tag { required string key = 1; optional string value = 2; }
     message Record {
       required uint64 partition_key_index = 1;
       optional uint64 explicit_hash_key_index = 2;
       required bytes data = 3;
       repeated Tag tags = 4;
     }`,
    { keepCase: true },
  )
  .root.lookupType('AggregatedRecord');

interface DecodedMessage {
  partition_key_table: string[];
  explicit_hash_key_table: string[];
  records: { partition_key_index: number; explicit_hash_key_index?: number; data: Uint8Array }[];
}

const string = fc.string({ unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 200 });
const userRecord: fc.Arbitrary<RecordToAggregate> = fc.record({
  partitionKey: string,
  explicitHashKey: fc.option(fc.bigInt(0n, 2n ** 128n - 1n).map(String), { nil: undefined }),
  data: bytes,
});

/** An unknown field, number 5 to 2^29-1, of every wire type that may be skipped. */
const stranger = fc
  .tuple(fc.integer({ min: 5, max: 2 ** 29 - 1 }), fc.constantFrom(0, 1, 2, 5), fc.bigInt(0n, 2n ** 64n - 1n), bytes)
  .map(([field, wireType, number, blob]) => {
    const writer = protobuf.Writer.create().uint32(field * 8 + wireType);
    const low = Number(number & 0xffff_ffffn);
    const high = Number(number >> 32n);
    if (wireType === 0) writer.uint64(new protobuf.util.LongBits(low, high).toLong(true));
    else if (wireType === 1) writer.fixed32(low).fixed32(high);
    else if (wireType === 2) writer.bytes(blob);
    else writer.fixed32(low);
    return writer.finish();
  });

const tag = fc
  .tuple(string, string)
  .map(([key, value]) => protobuf.Writer.create().uint32(10).string(key).uint32(18).string(value).finish());

function field(number: number, content: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32(number * 8 + 2)
    .bytes(content)
    .finish();
}

function integer(number: number, value: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32(number * 8)
    .uint64(value)
    .finish();
}

/** Puts `strangers` at places of their own among `fields`, and shuffles where order means nothing. */
function scatter(fields: Uint8Array[], strangers: Uint8Array[], places: number[]): Uint8Array {
  const all = [...fields];
  strangers.forEach((one, index) => all.splice((places[index] ?? 0) % (all.length + 1), 0, one));
  return new Uint8Array(Buffer.concat(all));
}

const message = fc
  .record({
    partitionKeys: fc.array(string, { minLength: 1, maxLength: 200 }),
    explicitHashKeys: fc.array(string, { maxLength: 5 }),
    records: fc.array(
      fc.record({
        key: fc.nat(),
        hashKey: fc.option(fc.nat()),
        data: bytes,
        tags: fc.array(tag, { maxLength: 2 }),
        strangers: fc.array(stranger, { maxLength: 2 }),
        order: fc.constantFrom([0, 1, 2], [2, 1, 0], [1, 0, 2]),
        places: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
      }),
      { maxLength: 20 },
    ),
    strangers: fc.array(stranger, { maxLength: 3 }),
    places: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
    recordsFirst: fc.boolean(),
  })
  .map(({ partitionKeys, explicitHashKeys, records, strangers, places, recordsFirst }) => {
    const tables = [
      ...partitionKeys.map((key) => field(1, Buffer.from(key))),
      ...explicitHashKeys.map((key) => field(2, Buffer.from(key))),
    ];
    const entries = records.map((record) => {
      const parts = [
        integer(1, record.key % partitionKeys.length),
        record.hashKey === null || explicitHashKeys.length === 0
          ? new Uint8Array()
          : integer(2, record.hashKey % explicitHashKeys.length),
        field(3, record.data),
      ];
      const ordered = record.order.map((at) => parts[at]!);
      const extra = [...record.tags.map((one) => field(4, one)), ...record.strangers];
      return field(3, scatter(ordered, extra, record.places));
    });
    return scatter(recordsFirst ? [...entries, ...tables] : [...tables, ...entries], strangers, places);
  });

describe('against protobufjs', () => {
  it('reads in our aggregates what was put in', () => {
    fc.assert(
      fc.property(fc.array(userRecord, { maxLength: 300 }), (userRecords) => {
        const packed = aggregate(userRecords);
        const body = packed.subarray(4, -16);
        expect(Buffer.from(packed.subarray(-16))).toEqual(createHash('md5').update(body).digest());
        const decoded = AggregatedRecord.toObject(AggregatedRecord.decode(body), {
          arrays: true,
          longs: Number,
        }) as DecodedMessage;
        expect(decoded.partition_key_table).toEqual([...new Set(userRecords.map(({ partitionKey }) => partitionKey))]);
        expect(
          decoded.records.map((record) => ({
            partitionKey: decoded.partition_key_table[record.partition_key_index],
            explicitHashKey:
              record.explicit_hash_key_index === undefined
                ? undefined
                : decoded.explicit_hash_key_table[record.explicit_hash_key_index],
            data: new Uint8Array(record.data),
          })),
        ).toEqual(userRecords.map((record) => ({ ...record, explicitHashKey: record.explicitHashKey })));
      }),
    );
  });

  it('encodes the same bytes', () => {
    fc.assert(
      fc.property(fc.array(userRecord, { maxLength: 50 }), (userRecords) => {
        const partitionKeys = [...new Set(userRecords.map(({ partitionKey }) => partitionKey))];
        const explicitHashKeys = [
          ...new Set(
            userRecords.flatMap(({ explicitHashKey }) => (explicitHashKey === undefined ? [] : explicitHashKey)),
          ),
        ];
        const encoded = AggregatedRecord.encode(
          AggregatedRecord.create({
            partition_key_table: partitionKeys,
            explicit_hash_key_table: explicitHashKeys,
            records: userRecords.map(({ partitionKey, explicitHashKey, data }) => ({
              partition_key_index: partitionKeys.indexOf(partitionKey),
              ...(explicitHashKey !== undefined && {
                explicit_hash_key_index: explicitHashKeys.indexOf(explicitHashKey),
              }),
              data,
            })),
          }),
        ).finish();
        expect(Buffer.from(aggregate(userRecords)).toString('hex')).toBe(
          Buffer.from(envelope(encoded)).toString('hex'),
        );
      }),
    );
  });

  it('reads what protobufjs writes, in any order, with tags and unknown fields', () => {
    fc.assert(
      fc.property(message, (body) => {
        const expected = AggregatedRecord.toObject(AggregatedRecord.decode(body), {
          arrays: true,
          longs: Number,
        }) as DecodedMessage;
        const { records, counts } = deaggregate([streamRecord(envelope(body))]);
        expect(counts.malformed).toBe(0);
        expect(
          records.map(({ partitionKey, explicitHashKey, data }) => ({ partitionKey, explicitHashKey, data })),
        ).toEqual(
          expected.records.map((record) => ({
            partitionKey: expected.partition_key_table[record.partition_key_index],
            explicitHashKey:
              record.explicit_hash_key_index === undefined
                ? undefined
                : expected.explicit_hash_key_table[record.explicit_hash_key_index],
            data: new Uint8Array(record.data),
          })),
        );
      }),
      { numRuns: 300 },
    );
  });
});
