import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { recordsPage } from '../src/records-page';

interface SdkPage {
  readonly Records?: readonly {
    readonly SequenceNumber?: string;
    readonly ApproximateArrivalTimestamp?: Date;
    readonly Data?: Uint8Array;
    readonly PartitionKey?: string;
    readonly EncryptionType?: string;
  }[];
  readonly NextShardIterator?: string;
}

function page(text: string): SdkPage {
  return recordsPage(Buffer.from(text));
}

const aRecord = {
  ApproximateArrivalTimestamp: 1_795_000_000.123,
  Data: Buffer.from('flight').toString('base64'),
  PartitionKey: 'key',
  SequenceNumber: '49659033827149025660855969253836157109590000000000000001',
};
const output = {
  SequenceNumber: aRecord.SequenceNumber,
  ApproximateArrivalTimestamp: new Date(1_795_000_000_123),
  Data: new Uint8Array(Buffer.from('flight')),
  PartitionKey: 'key',
  EncryptionType: undefined,
};
const rest = { MillisBehindLatest: 60_000, NextShardIterator: 'AAAA' };

/** How often `JSON.parse` was given a record in it. */
function recordsParsed(text: string): number {
  const parse = jest.spyOn(JSON, 'parse');
  page(text);
  const texts = parse.mock.calls.map(([given]) => given);
  parse.mockRestore();
  return texts.filter((given) => given.includes('Data')).length;
}

describe('an answer of GetRecords', () => {
  it('becomes what the SDK gives', () => {
    const text = JSON.stringify({ ...rest, Records: [aRecord, aRecord] });
    expect(page(text)).toEqual({ ...rest, Records: [output, output] });
  });

  it.each<[name: string, text: string]>([
    ['as Kinesis writes it', JSON.stringify({ ...rest, Records: [aRecord, aRecord] })],
    ['with its records first', JSON.stringify({ Records: [aRecord], ...rest })],
    [
      'with fields in another order',
      JSON.stringify({ Records: [Object.fromEntries(Object.entries(aRecord).reverse())] }),
    ],
    ['of an encrypted stream', JSON.stringify({ Records: [{ ...aRecord, EncryptionType: 'KMS' }] })],
  ])('is read without making strings of the data, %s', (_name, text) => {
    expect(recordsParsed(text)).toBe(0);
    expect(page(text).Records?.[0]).toEqual({ ...output, EncryptionType: text.includes('KMS') ? 'KMS' : undefined });
  });

  it.each<[name: string, change: (text: string) => string, record: object]>([
    ['a space', (text) => text.replace('"Data":', '"Data": '), output],
    ['a line break between records', (text) => text.replace('[{', '[\n{'), output],
    ['an escape', (text) => text.replace('"key"', '"\\u006bey"'), output],
    [
      'a quotation mark in a key',
      (text) => text.replace('"key"', '"k\\"Data\\":\\""'),
      { ...output, PartitionKey: 'k"Data":"' },
    ],
    ['an escaped slash', (text) => text.replace('"Zmxp', '"\\u005amxp'), output],
    ['a key beyond ASCII', (text) => text.replace('"key"', '"ключ 𝄞"'), { ...output, PartitionKey: 'ключ 𝄞' }],
    ['a time with an exponent', (text) => text.replace('1795000000.123', '1.795000000123E9'), output],
    ['a time with more than milliseconds', (text) => text.replace('.123', '.1234'), output],
    ['a field that nobody knows', (text) => text.replace('{"Appr', '{"Other":{"a":[1]},"Appr'), output],
    ['a field twice', (text) => text.replace('{"Appr', '{"PartitionKey":"first","Appr'), output],
    [
      'a field that is missing',
      (text) => text.replace('"PartitionKey":"key",', ''),
      { ...output, PartitionKey: undefined },
    ],
    ['a sign in the data that is not of base64', (text) => text.replace('Zmxp', 'Zm!xp'), output],
    [
      'data that are not padded',
      (text) => text.replace('ZmxpZ2h0', 'ZmxpZ2g'),
      { ...output, Data: new Uint8Array(Buffer.from('fligh')) },
    ],
  ])('is read all the same with %s in it', (_name, change, record) => {
    const text = change(JSON.stringify({ ...rest, Records: [aRecord] }));
    expect(page(text)).toEqual({ ...rest, Records: [record] });
  });

  it('may have no records, and no next iterator', () => {
    expect(page(JSON.stringify({ ...rest, Records: [] }))).toEqual({ ...rest, Records: [] });
    expect(
      page('{"MillisBehindLatest":0,"NextShardIterator":null,"Records":[],"ChildShards":[{"ShardId":"a"}]}'),
    ).toEqual({
      ...{ MillisBehindLatest: 0, NextShardIterator: undefined },
      ...{ Records: [], ChildShards: [{ ShardId: 'a' }] },
    });
    expect(page('{}')).toEqual({ NextShardIterator: undefined, Records: undefined });
  });

  it('is not taken for one because of a list of that name in something else', () => {
    const text = '{"Other":{"Records":[]},"Records":null}';
    expect(page(text.replace('null', JSON.stringify([aRecord])))).toEqual({
      Other: { Records: [] },
      Records: [output],
    });
  });

  it('is an error wherever it is cut off', () => {
    const text = JSON.stringify({ ...rest, Records: [aRecord, aRecord], ChildShards: [] });
    for (let length = 1; length < text.length; length++) {
      expect(() => page(text.slice(0, length))).toThrow(SyntaxError);
    }
  });

  it.each([0, 1, 2, 3, 4, 5, 299, 300, 448, 449, 450, 451, 4_095, 4_096, 4_097, 100_000])(
    'has data of %d bytes',
    (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7 + 251) % 256);
      const record = { ...aRecord, Data: Buffer.from(bytes).toString('base64') };
      const text = JSON.stringify({ Records: [record, aRecord, record] });
      expect(recordsParsed(text)).toBe(0);
      expect(page(text).Records?.map(({ Data }) => Data)).toEqual([bytes, output.Data, bytes]);
    },
  );

  it('keeps no more than 16 kB in memory with each record that somebody keeps, and aligns data for numbers', () => {
    const sizes = [100, 3, 4_000, 4_096, 4_097, 50_000];
    const records = sizes.map((size) => ({ ...aRecord, Data: Buffer.alloc(size, 1).toString('base64') }));
    const all = Array.from({ length: 10 }, () => records).flat();
    for (const { Data } of page(JSON.stringify({ Records: all })).Records ?? []) {
      expect(Data?.buffer.byteLength).toBeLessThanOrEqual(Math.max(16_384, Data?.length ?? 0));
      expect((Data?.byteOffset ?? 1) % 8).toBe(0);
    }
  });

  it('is what it says, whatever there is in it', () => {
    const anyRecord = fc.record(
      {
        ApproximateArrivalTimestamp: fc.oneof(
          fc.integer({ min: 0, max: 2e12 }).map((milliseconds) => milliseconds / 1_000),
          fc.double({ min: 0, max: 2e9, noNaN: true }),
        ),
        Data: fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes).toString('base64')),
        PartitionKey: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })),
        SequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
        EncryptionType: fc.constantFrom('NONE', 'KMS'),
      },
      { requiredKeys: ['Data', 'SequenceNumber'] },
    );
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 20 }), fc.constantFrom(0, 1), (records, indent) => {
        const expected = records.map((record) => ({
          ...{ PartitionKey: undefined, EncryptionType: undefined, ...record },
          Data: new Uint8Array(Buffer.from(record.Data, 'base64')),
          ApproximateArrivalTimestamp:
            record.ApproximateArrivalTimestamp === undefined
              ? undefined
              : new Date(Math.round(record.ApproximateArrivalTimestamp * 1_000)),
        }));
        expect(page(JSON.stringify({ ...rest, Records: records }, undefined, indent))).toEqual({
          ...rest,
          Records: expected,
        });
      }),
    );
  });
});
