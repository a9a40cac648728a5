import { randomUUID } from 'node:crypto';
import { DataMemory } from './data-memory';

/** An answer of GetRecords as it is sent. */
interface WirePage {
  readonly Records?: readonly WireRecord[];
  readonly NextShardIterator?: string | null;
}

/** The same, with the mark in place of all records. */
interface MarkedPage extends Omit<WirePage, 'Records'> {
  readonly Records?: readonly string[];
}

interface WireRecord {
  readonly SequenceNumber?: string;
  readonly ApproximateArrivalTimestamp?: number;
  readonly Data?: string;
  readonly PartitionKey?: string;
  readonly EncryptionType?: string;
}

/** As the SDK gives it. */
interface SdkRecord {
  SequenceNumber: string | undefined;
  ApproximateArrivalTimestamp: Date | undefined;
  Data: Uint8Array | undefined;
  PartitionKey: string | undefined;
  EncryptionType: string | undefined;
}

/** Of ASCII. */
const code = {
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  A: 0x41,
  D: 0x44,
  E: 0x45,
  P: 0x50,
  S: 0x53,
  backslash: 0x5c,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
  firstBeyond: 0x80,
} as const;

/** Nobody can know it, so it stands nowhere else. */
const mark = randomUUID();

const startOfRecords = Buffer.from('"Records":[');
const arrivedAt = Buffer.from('"ApproximateArrivalTimestamp":');
const data = Buffer.from('"Data":"');
const encryptionType = Buffer.from('"EncryptionType":"');
const partitionKey = Buffer.from('"PartitionKey":"');
const sequenceNumber = Buffer.from('"SequenceNumber":"');

/**
 * The output of GetRecords, as the SDK's client gives it, from the body of its answer.
 *
 * Nearly all bodies are plain: no spaces, and neither escapes nor anything but ASCII in the partition keys. From such a body the records
 * are read byte by byte, for a half to two thirds of what `JSON.parse` costs. That would make a string of all of it, and one more of each
 * record's data only to have it decoded, of which much survives the collections of garbage that it causes. Any other body goes to
 * `JSON.parse`.
 *
 * @throws SyntaxError if the body is no JSON
 */
export function recordsPage(body: Buffer): object {
  return scanPage(body) ?? parsePage(body);
}

function parsePage(body: Buffer): object {
  const { Records, NextShardIterator, ...others } = JSON.parse(body.toString()) as WirePage;
  return {
    ...others,
    // Kinesis ends a shard with null, the SDK without it.
    NextShardIterator: NextShardIterator ?? undefined,
    Records: Records?.map(fromWire),
  };
}

/** Field by field, what the SDK knows of a record: to copy whatever there is takes three times as long (measured, pages of 8 000). */
function fromWire(record: WireRecord): SdkRecord {
  const { Data, ApproximateArrivalTimestamp: seconds } = record;
  return {
    SequenceNumber: record.SequenceNumber,
    ApproximateArrivalTimestamp: seconds === undefined ? undefined : new Date(Math.round(seconds * 1_000)),
    Data: Data === undefined ? undefined : bytesOf(Data),
    PartitionKey: record.PartitionKey,
    EncryptionType: record.EncryptionType,
  };
}

/** A plain one: `slice` of a Buffer doesn't copy. */
function bytesOf(base64: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(base64, 'base64');
  return new Uint8Array(buffer, byteOffset, length);
}

/** `undefined`: it is not as plain as that. */
function scanPage(body: Buffer): object | undefined {
  const found = body.indexOf(startOfRecords);
  if (found < 0) return undefined;
  const begin = found + startOfRecords.length;
  const scan = new RecordScan(body, begin);
  const records = scan.records();
  if (records === undefined) return undefined;
  const rest = parsedOrUndefined(`${body.toString('utf8', 0, begin)}"${mark}"${body.toString('utf8', scan.at)}`);
  // The list was that of the answer, not of something in it, and no other one of that name comes after it.
  if (rest?.Records?.[0] !== mark) return undefined;
  return { ...rest, NextShardIterator: rest.NextShardIterator ?? undefined, Records: records };
}

function parsedOrUndefined(text: string): MarkedPage | undefined {
  try {
    return JSON.parse(text) as MarkedPage;
  } catch {
    return undefined;
  }
}

/** Reads the list of records. What is not as expected gives `undefined`, or `false`, and ends it. */
class RecordScan {
  readonly #bytes: Buffer;
  #memory: DataMemory | undefined;
  at: number;

  constructor(bytes: Buffer, begin: number) {
    this.#bytes = bytes;
    this.at = begin;
  }

  /** `at` is the end of the list then. */
  records(): readonly SdkRecord[] | undefined {
    const records: SdkRecord[] = [];
    if (this.#bytes[this.at] === code.closeList) return records;
    do {
      const record = this.#record();
      if (record === undefined) return undefined;
      records.push(record);
    } while (this.#skipSign(code.comma));
    return this.#bytes[this.at] === code.closeList ? records : undefined;
  }

  #record(): SdkRecord | undefined {
    const record: SdkRecord = {
      SequenceNumber: undefined,
      ApproximateArrivalTimestamp: undefined,
      Data: undefined,
      PartitionKey: undefined,
      EncryptionType: undefined,
    };
    if (!this.#skipSign(code.openObject)) return undefined;
    do {
      if (!this.#field(record)) return undefined;
    } while (this.#skipSign(code.comma));
    return this.#skipSign(code.closeObject) ? record : undefined;
  }

  /** Whether there is one that is known. If it is there twice the last one counts, as it does for `JSON.parse`. */
  #field(record: SdkRecord): boolean {
    // By the first letter of its name.
    switch (this.#bytes[this.at + 1]) {
      case code.A:
        record.ApproximateArrivalTimestamp = this.#skip(arrivedAt) ? this.#date() : undefined;
        return record.ApproximateArrivalTimestamp !== undefined;
      case code.D:
        record.Data = this.#skip(data) ? this.#data() : undefined;
        return record.Data !== undefined;
      case code.E:
        record.EncryptionType = this.#skip(encryptionType) ? this.#string() : undefined;
        return record.EncryptionType !== undefined;
      case code.P:
        record.PartitionKey = this.#skip(partitionKey) ? this.#string() : undefined;
        return record.PartitionKey !== undefined;
      case code.S:
        record.SequenceNumber = this.#skip(sequenceNumber) ? this.#string() : undefined;
        return record.SequenceNumber !== undefined;
      default:
        return false;
    }
  }

  #data(): Uint8Array | undefined {
    const begin = this.at;
    const end = this.#bytes.indexOf(code.quote, begin);
    this.at = end + 1;
    if (end < 0) return undefined;
    this.#memory ??= new DataMemory(this.#bytes);
    return this.#memory.decoded(begin, end);
  }

  /** Of ASCII, without an escape. */
  #string(): string | undefined {
    const bytes = this.#bytes;
    let end = this.at;
    for (let sign = bytes[end]; sign !== code.quote; sign = bytes[++end]) {
      if (sign === undefined || sign < code.space || sign === code.backslash || sign >= code.firstBeyond)
        return undefined;
    }
    const string = bytes.toString('latin1', this.at, end);
    this.at = end + 1;
    return string;
  }

  /** Of seconds, to the millisecond at the most. Kinesis writes `1.441215410867E9` (API reference, GetRecords: Sample Response). */
  #date(): Date | undefined {
    const begin = this.at;
    let number = this.#integer();
    let decimals = 0;
    const hasZeroInFront = this.#bytes[begin] === code.zero && this.at > begin + 1;
    if (this.at === begin || hasZeroInFront) return undefined;
    if (this.#skipSign(code.dot)) {
      const beginOfFraction = this.at;
      number = this.#integer(number);
      decimals = this.at - beginOfFraction;
      if (decimals === 0) return undefined;
    }
    if (this.at - begin > maxSignsOfNumber) return undefined;
    let exponent = 0;
    if (this.#skipSign(code.E)) {
      const beginOfExponent = this.at;
      exponent = this.#integer();
      if (this.at === beginOfExponent) return undefined;
    }
    const zeros = 3 + exponent - decimals;
    const milliseconds = number * 10 ** zeros;
    return zeros >= 0 && milliseconds < maxExactMilliseconds ? new Date(milliseconds) : undefined;
  }

  /** What stands in front, and all digits that follow; 0 if there are none. */
  #integer(inFront = 0): number {
    let integer = inFront;
    for (let sign = this.#bytes[this.at]; isDigit(sign); sign = this.#bytes[++this.at]) {
      integer = integer * 10 + sign - code.zero;
    }
    return integer;
  }

  #skipSign(expected: number): boolean {
    if (this.#bytes[this.at] !== expected) return false;
    this.at++;
    return true;
  }

  #skip(expected: Uint8Array): boolean {
    for (let index = 0; index < expected.length; index++) {
      if (this.#bytes[this.at + index] !== expected[index]) return false;
    }
    this.at += expected.length;
    return true;
  }
}

/** So many digits, and a point, are an exact integer. */
const maxSignsOfNumber = 16;
/** Of later ones, in the year 33658, `JSON.parse` gives a fraction that may be rounded to another millisecond. */
const maxExactMilliseconds = 1e15;

function isDigit(sign: number | undefined): sign is number {
  return sign !== undefined && sign >= code.zero && sign <= code.nine;
}
