import { describe, expect, it, jest } from '@jest/globals';
import { cbor } from '@smithy/core/cbor';
import fc from 'fast-check';
import { readCbor } from '../../src/service/cbor-reader';
import { codecFor } from '../../src/service/codec';

const cbor11 = codecFor('application/x-amz-cbor-1.1');
const bytes = new Uint8Array([0, 1, 254, 255]);
const base64 = Buffer.from(bytes).toString('base64');

/** As Jackson writes it for the Java SDKs: maps without a length, moments as a tagged number. */
const javaRequest = Buffer.concat([
  Buffer.from([0xbf]),
  text('StreamName'),
  text('flights'),
  text('Timestamp'),
  Buffer.from([0xc1, 0x1b, 0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]),
  text('Records'),
  Buffer.from([0x9f, 0xbf]),
  text('Data'),
  Buffer.from([0x44, ...bytes]),
  Buffer.from([0xff, 0xff, 0xff]),
]);

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}

describe('CBOR', () => {
  it('of the Java SDKs is read: blobs to base64, moments to seconds', () => {
    expect(cbor11.decode(javaRequest)).toEqual({
      StreamName: 'flights',
      Timestamp: 0x018bcfe5687b / 1000,
      Records: [{ Data: base64 }],
    });
  });

  it('is written with blobs as bytes, and moments as whole milliseconds', () => {
    const written = cbor11.encode({
      MillisBehindLatest: 1_500,
      Records: [{ Data: base64, SequenceNumber: '49', ApproximateArrivalTimestamp: 1_700_000_000.123 }],
      StreamDescriptionSummary: { StreamCreationTimestamp: 1_700_000_000 },
    });
    expect(cbor.deserialize(Buffer.from(written))).toEqual({
      MillisBehindLatest: 1_500,
      Records: [{ Data: Buffer.from(bytes), SequenceNumber: '49', ApproximateArrivalTimestamp: 1_700_000_000_123 }],
      StreamDescriptionSummary: { StreamCreationTimestamp: 1_700_000_000_000 },
    });
  });

  it('is read when texts and bytes come in pieces, as Jackson writes them if they are long', () => {
    const hex = ['bf', '6444617461', '5f', '420001', '41fe', 'ff', '6150', '7f', '624c48', '6134', 'ff', 'ff'].join('');
    expect(cbor11.decode(Buffer.from(hex, 'hex'))).toEqual({
      Data: Buffer.from([0, 1, 0xfe]).toString('base64'),
      P: 'LH4',
    });
  });

  it.each([
    ['nothing', []],
    ['a map that ends too early', [0xa1, 0x61]],
    ['a list that claims four thousand million items', [0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ['a text longer than the body', [0x7a, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['bytes longer than any number that is exact', [0x5b, ...Array.from({ length: 8 }, () => 0xff)]],
    ['a map with more members than any number that is exact', [0xbb, ...Array.from({ length: 8 }, () => 0xff)]],
    ['a member without a name', [0xa1, 0x01, 0x01]],
    ['a text with a piece of bytes', [0x7f, 0x41, 0x61, 0xff]],
    ['pieces of pieces', [0x7f, 0x7f, 0x61, 0x61, 0xff, 0xff]],
    ['a break of nothing', [0xff]],
    ['a form of a number that there is not', [0x1c]],
    ['two items', [0x01, 0x01]],
  ])('that is malformed is refused, without a word on the console: %s', (_, body) => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(() => cbor11.decode(Uint8Array.from(body))).toThrow();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('is read down to a depth that no input has, and no further, however deep it goes', () => {
    const nested = (depth: number, head = 0x81): Uint8Array => Uint8Array.from([...Array<number>(depth).fill(head), 1]);
    cbor11.decode(nested(64));
    expect(() => cbor11.decode(nested(65))).toThrow('nested more than 64 deep');
    expect(() => cbor11.decode(nested(1_000_000, 0xc1))).toThrow('nested more than 64 deep');
  });

  it('of any bytes is read or refused in silence', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    // More heads with eight bytes of a length than chance would give.
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x5b, 0x7b, 0x9b, 0xbb, 0xdb, 0xff));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (body) => {
        try {
          cbor11.decode(Uint8Array.from(body));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('gives back whatever an SDK writes', () => {
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.boolean());
    const members = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.constant(null), fc.array(tie('value')), tie('members')),
      members: fc.dictionary(fc.string({ minLength: 1 }), tie('value')),
    })).members;
    fc.assert(
      fc.property(members, (value) => {
        // By JSON, which knows no -0, and to which all names are alike.
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(readCbor(cbor.serialize(plain))).toEqual(plain);
      }),
    );
  });

  it('has numbers of all sizes, also tagged', () => {
    const numbers = [
      'f93e00',
      'f90001',
      'f9fc00',
      'fa3fc00000',
      '3903e7',
      '1a000f4240',
      '1b0000000100000000',
      'c118ff',
    ];
    const body = Buffer.from(`88${numbers.join('')}`, 'hex');
    expect(cbor11.decode(body)).toEqual([1.5, 2 ** -24, -Infinity, 1.5, -1000, 1_000_000, 2 ** 32, 255]);
  });

  it('has members of any name', () => {
    const decoded = cbor11.decode(Buffer.concat([Buffer.from([0xa1]), text('__proto__'), Buffer.from([0xa0])]));
    expect(Object.keys(decoded as object)).toEqual(['__proto__']);
  });
});

describe('requests as the Java SDK sends them', () => {
  // Bodies as they were sent by version 2.57.8, and in the same way by version 1.12.797: see interop/README.md.
  const decoded = (hex: string): unknown => cbor11.decode(Buffer.from(hex, 'hex'));

  it('PutRecords: bytes in base64, also when there are none, and text in UTF-8', () => {
    const hex =
      'bf675265636f7264739fbf6444617461446c6174656c506172746974696f6e4b657962c3bcffbf6444617461406f4578706c6963697448' +
      '6173684b657961306c506172746974696f6e4b6579616bffff6a53747265616d4e616d65656279746573ff';
    expect(decoded(hex)).toEqual({
      StreamName: 'bytes',
      Records: [
        { Data: Buffer.from('late').toString('base64'), PartitionKey: 'ü' },
        { Data: '', PartitionKey: 'k', ExplicitHashKey: '0' },
      ],
    });
  });

  it('PutRecord: every byte there is', () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const hex =
      `bf6a53747265616d4e616d656562797465736444617461590100${everyByte.toString('hex')}` +
      '6c506172746974696f6e4b6579664c4820343030ff';
    expect(decoded(hex)).toEqual({
      StreamName: 'bytes',
      Data: everyByte.toString('base64'),
      PartitionKey: 'LH 400',
    });
  });

  it('GetShardIterator: the moment in seconds', () => {
    const hex =
      'bf6a53747265616d4e616d65656279746573675368617264496474736861726449642d3030303030303030303030307153686172644974' +
      '657261746f72547970656c41545f54494d455354414d506954696d657374616d70c11b000001a213947a62ff';
    expect(decoded(hex)).toEqual({
      StreamName: 'bytes',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: 1_795_624_827.49,
    });
  });

  it('ListShards: both moments in seconds, one of them in the filter', () => {
    const hex =
      'bf6a53747265616d4e616d6567666c69676874736a4d6178526573756c7473017753747265616d4372656174696f6e54696d657374616d' +
      '70c11b000001a21394792f6b536861726446696c746572bf64547970656c41545f54494d455354414d506954696d657374616d70c11b00' +
      '0001a213947bb8ffff';
    expect(decoded(hex)).toEqual({
      StreamName: 'flights',
      MaxResults: 1,
      StreamCreationTimestamp: 1_795_624_827.183,
      ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp: 1_795_624_827.832 },
    });
  });

  it('AddTagsToStream: a tag that is called like a blob stays a text', () => {
    const hex = 'bf6a53747265616d4e616d6567666c69676874736454616773bf646c696e65624c4864446174616465413d3dffff';
    expect(decoded(hex)).toEqual({ StreamName: 'flights', Tags: { Data: 'eA==', line: 'LH' } });
  });
});

describe('the codec', () => {
  it.each([
    ['application/x-amz-cbor-1.1', 'application/x-amz-cbor-1.1'],
    ['application/x-amz-cbor-1.0', 'application/x-amz-cbor-1.1'],
    ['application/x-amz-json-1.1', 'application/x-amz-json-1.1'],
    ['application/json', 'application/x-amz-json-1.1'],
    [undefined, 'application/x-amz-json-1.1'],
  ])('for %s is %s', (asked, answered) => {
    expect(codecFor(asked).contentType).toBe(answered);
  });
});
