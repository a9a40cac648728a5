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

/** As Java writes numbers of that size. */
function asKinesisWrites(value: object): string {
  return JSON.stringify(value).replace(/"ApproximateArrivalTimestamp":(\d)(\d{9})(?:\.(\d+))?/g, (_, ...digits) => {
    const [first, others, decimals = ''] = digits as (string | undefined)[];
    return `"ApproximateArrivalTimestamp":${first ?? ''}.${`${others ?? ''}${decimals}`.replace(/0+$/, '') || '0'}E9`;
  });
}

/** What `JSON.parse` says of it. */
function expectedOf(text: string): object {
  const { Records, NextShardIterator, ...others } = JSON.parse(text) as Omit<SdkPage, 'Records'> & {
    readonly Records?: readonly Partial<typeof aRecord>[];
  };
  return {
    ...others,
    NextShardIterator: NextShardIterator ?? undefined,
    Records: Records?.map(({ SequenceNumber, PartitionKey, ApproximateArrivalTimestamp: seconds, Data, ...more }) => ({
      ...{ SequenceNumber, PartitionKey, EncryptionType: (more as { EncryptionType?: string }).EncryptionType },
      ApproximateArrivalTimestamp: seconds === undefined ? undefined : new Date(Math.round(seconds * 1_000)),
      Data: Data === undefined ? undefined : new Uint8Array(Buffer.from(Data, 'base64')),
    })),
  };
}

/** The value, or the name of the error. */
function outcomeOf(make: () => object): object | string {
  try {
    return make();
  } catch (error) {
    return (error as Error).name;
  }
}

/** With times as numbers: one out of range equals no other. */
function timesOf(outcome: object | string): object | string {
  if (typeof outcome === 'string') return outcome;
  const { Records, ...others } = outcome as SdkPage;
  return {
    ...others,
    Records: Records?.map((record) => ({
      ...record,
      ApproximateArrivalTimestamp: record.ApproximateArrivalTimestamp?.getTime(),
    })),
  };
}

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
    ['as Kinesis writes it', asKinesisWrites({ ...rest, Records: [aRecord, aRecord] })],
    ['with times without an exponent', JSON.stringify({ ...rest, Records: [aRecord, aRecord] })],
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
    ['a time with a negative exponent', (text) => text.replace('1795000000.123', '1795000000123E-3'), output],
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
      'a sign in place of one of base64',
      (text) => text.replace('Zmxp', 'Zm!p'),
      { ...output, Data: new Uint8Array(Buffer.from('ZmpZ2h0', 'base64')) },
    ],
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

  const list = JSON.stringify([aRecord]);
  it.each([
    `{"Other":{"Records":[]},"Records":${list}}`,
    `{"Other":{"Records":${list}},"Records":[]}`,
    `{"Other":{"Records":${list}},"Records" : []}`,
    `{"x\\"Records":${list},"Records":[]}`,
    `{"Records":${list},"Records":[]}`,
    `{"Records":[],"Records":${list}}`,
    `[{"Records":${list}}]`,
  ])('is not mistaken for another list of that name: %s', (text) => {
    expect(page(text)).toEqual(expectedOf(text));
  });

  it.each<[name: string, change: (text: string) => string]>([
    ['a line break in a string', (text) => text.replace('"key"', '"k\ney"')],
    ['a zero in front of a number', (text) => text.replace('1795000000', '01795000000')],
    ['nothing behind a decimal point', (text) => text.replace('.123', '.')],
    ['nothing in front of one', (text) => text.replace('1795000000.', '.')],
    ['no exponent behind its sign', (text) => text.replace('1795000000.123', '1.795000000123E')],
    ['a comma too many', (text) => text.replace('}]', '},]')],
    ['something behind it', (text) => `${text}x`],
  ])('is an error with %s', (_name, change) => {
    expect(() => page(change(JSON.stringify({ ...rest, Records: [aRecord] })))).toThrow(SyntaxError);
  });

  it('is an error wherever it is cut off', () => {
    const text = JSON.stringify({ ...rest, Records: [aRecord, aRecord], ChildShards: [] });
    for (let length = 1; length < text.length; length++) {
      expect(() => page(text.slice(0, length))).toThrow(SyntaxError);
    }
  });

  it.each([0, 1, 2, 3, 4, 5, 298, 299, 300, 598, 599, 600, 601, 4_095, 4_096, 4_097, 100_000])(
    'has data of %d bytes',
    (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7 + 251) % 256);
      const record = { ...aRecord, Data: Buffer.from(bytes).toString('base64') };
      const text = JSON.stringify({ Records: [record, aRecord, record] });
      expect(recordsParsed(text)).toBe(0);
      expect(page(text).Records?.map(({ Data }) => Data)).toEqual([bytes, output.Data, bytes]);
    },
  );

  it.each([255, 256])('has data up to the very end of the memory that they share, with %d bytes last', (last) => {
    const sizes = [...Array.from({ length: 32 }, () => 504), last, 504];
    const all = sizes.map((size, index) => Uint8Array.from({ length: size }, () => 255 - index));
    const records = all.map((bytes) => ({ ...aRecord, Data: Buffer.from(bytes).toString('base64') }));
    const text = JSON.stringify({ Records: records });
    expect(recordsParsed(text)).toBe(0);
    expect(page(text).Records?.map(({ Data }) => Data)).toEqual(all);
  });

  it('keeps no more than 16 kB in memory with each record that somebody keeps, and aligns data for numbers', () => {
    const sizes = [100, 3, 4_000, 4_096, 4_097, 50_000];
    const records = sizes.map((size) => ({ ...aRecord, Data: Buffer.alloc(size, 1).toString('base64') }));
    const all = Array.from({ length: 10 }, () => records).flat();
    for (const { Data } of page(JSON.stringify({ Records: all })).Records ?? []) {
      expect(Data?.buffer.byteLength).toBeLessThanOrEqual(Math.max(16_384, Data?.length ?? 0));
      expect((Data?.byteOffset ?? 1) % 8).toBe(0);
    }
  });

  it('takes no more memory than its data need, and leaves that of the others when one is given to another thread', () => {
    const [only] = page(JSON.stringify({ ...rest, Records: [aRecord] })).Records ?? [];
    expect(only?.Data?.buffer.byteLength).toBeLessThan(300);
    const [first, second] = page(JSON.stringify({ Records: [aRecord, aRecord] })).Records ?? [];
    expect(second?.Data?.buffer).toBe(first?.Data?.buffer);
    const { port1 } = new MessageChannel();
    // Node.js 20 copies them, later ones refuse.
    outcomeOf(() => {
      port1.postMessage(first?.Data, [first?.Data?.buffer as ArrayBuffer]);
      return {};
    });
    port1.close();
    expect(second?.Data).toEqual(output.Data);
  });

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

  it('is what it says, whatever there is in it', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 20 }), fc.constantFrom(0, 1, 'as Kinesis'), (records, how) => {
        const whole = { ...rest, Records: records };
        const text = typeof how === 'number' ? JSON.stringify(whole, undefined, how) : asKinesisWrites(whole);
        expect(page(text)).toEqual(expectedOf(text));
      }),
    );
  });

  it('is what JSON.parse makes of it, or as wrong, whatever was done to it', () => {
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 3 }),
      insert: fc.oneof(
        fc.constantFrom(
          '',
          '"',
          '\\',
          '\n',
          '0',
          '.',
          'E',
          '9',
          'e',
          '-',
          '=',
          ' ',
          ',',
          '{',
          '}',
          '[',
          ']',
          'null',
          '\u0000',
          'é',
        ),
        fc.constantFrom('"Records":[', '"Records":[],', '"Data":"",', '"PartitionKey":"x",', '{"Records":[]},'),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(anyRecord, { maxLength: 3 }),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (records, changes) => {
          let text = asKinesisWrites({ ...rest, Records: records });
          for (const { at, remove, insert } of changes) {
            const from = at % (text.length + 1);
            text = text.slice(0, from) + insert + text.slice(from + remove);
          }
          // As it is sent: a half of a character is none.
          const sent = Buffer.from(text).toString();
          expect(timesOf(outcomeOf(() => page(sent)))).toEqual(timesOf(outcomeOf(() => expectedOf(sent))));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
