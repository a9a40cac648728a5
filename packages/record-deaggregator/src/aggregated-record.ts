import { hash } from 'node:crypto';
import { MalformedProtobufError, ProtobufReader, WIRE_TYPE, type Span } from './protobuf-reader';

/** The first four bytes of an aggregate. A record may begin with them by chance: only the checksum tells. */
export const MAGIC: readonly number[] = [0xf3, 0x89, 0x9a, 0xc2];

export const CHECKSUM_LENGTH = 16;

/** One user record of an aggregate, in the aggregate's order. */
export interface AggregatedEntry {
  readonly partitionKey: string;
  readonly explicitHashKey: string | undefined;
  /** A view of the aggregate's own buffer. */
  readonly data: Uint8Array;
}

/** The user records of an aggregate, or why the record is to be delivered as it is. */
export type DecodedRecord = readonly AggregatedEntry[] | 'not-aggregated' | 'bad-checksum' | 'malformed';

/**
 * Decodes magic, message and MD5 as the Amazon Kinesis Producer Library writes them. All or nothing: one bad index
 * makes the whole record malformed, so that a consumer gets either the user records or the bytes, never a part.
 *
 * The checksum is always verified: it is the only guard against a payload that begins with the magic by chance.
 * It uses MD5 of node:crypto, which a Node.js in FIPS mode refuses; there is no fallback.
 */
export function decodeAggregatedRecord(data: Uint8Array): DecodedRecord {
  if (!hasMagic(data)) return 'not-aggregated';
  const body: Span = { start: MAGIC.length, end: data.length - CHECKSUM_LENGTH };
  if (!checksumMatches(data, body)) return 'bad-checksum';
  try {
    return readMessage(data, body);
  } catch (error) {
    if (error instanceof MalformedProtobufError) return 'malformed';
    throw error;
  }
}

/** Like the Java KCL, takes magic and checksum with nothing in between for an ordinary record. */
function hasMagic(data: Uint8Array): boolean {
  return (
    data[0] === MAGIC[0] &&
    data[1] === MAGIC[1] &&
    data[2] === MAGIC[2] &&
    data[3] === MAGIC[3] &&
    data.length > MAGIC.length + CHECKSUM_LENGTH
  );
}

function checksumMatches(data: Uint8Array, body: Span): boolean {
  const actual = hash('md5', data.subarray(body.start, body.end), 'hex');
  return actual === bufferOver(data, { start: body.end, end: data.length }).toString('hex');
}

/** An entry before its tables are known: a writer may put the records before them. */
interface Reference {
  readonly partitionKeyIndex: number;
  readonly explicitHashKeyIndex: number | undefined;
  readonly data: Uint8Array;
}

function readMessage(data: Uint8Array, body: Span): AggregatedEntry[] {
  const partitionKeys: string[] = [];
  const explicitHashKeys: string[] = [];
  const references: Reference[] = [];
  const message = new ProtobufReader(data, body);
  while (message.next()) {
    if (message.is(1, WIRE_TYPE.lengthDelimited)) partitionKeys.push(readString(data, message.span()));
    else if (message.is(2, WIRE_TYPE.lengthDelimited)) explicitHashKeys.push(readString(data, message.span()));
    else if (message.is(3, WIRE_TYPE.lengthDelimited)) references.push(readReference(data, message.span()));
    else message.skip();
  }
  return references.map((reference) => ({
    partitionKey: lookUp(partitionKeys, reference.partitionKeyIndex),
    explicitHashKey:
      reference.explicitHashKeyIndex === undefined
        ? undefined
        : lookUp(explicitHashKeys, reference.explicitHashKeyIndex),
    data: reference.data,
  }));
}

/** Tags (field 4) have never been used by a producer; the Java KCL drops them, and so does this. */
function readReference(bytes: Uint8Array, span: Span): Reference {
  let partitionKeyIndex: number | undefined;
  let explicitHashKeyIndex: number | undefined;
  let data: Span | undefined;
  const record = new ProtobufReader(bytes, span);
  while (record.next()) {
    if (record.is(1, WIRE_TYPE.varint)) partitionKeyIndex = record.varint();
    else if (record.is(2, WIRE_TYPE.varint)) explicitHashKeyIndex = record.varint();
    else if (record.is(3, WIRE_TYPE.lengthDelimited)) data = record.span();
    else record.skip();
  }
  if (partitionKeyIndex === undefined) throw new MalformedProtobufError('a record without partition key');
  if (data === undefined) throw new MalformedProtobufError('a record without data');
  return {
    partitionKeyIndex,
    explicitHashKeyIndex,
    data: new Uint8Array(bytes.buffer, bytes.byteOffset + data.start, data.end - data.start),
  };
}

function lookUp(table: readonly string[], index: number): string {
  const entry = table[index];
  if (entry === undefined) throw new MalformedProtobufError('an index past the end of its table');
  return entry;
}

function readString(bytes: Uint8Array, span: Span): string {
  return bufferOver(bytes, span).toString('utf8');
}

function bufferOver(bytes: Uint8Array, { start, end }: Span): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}
