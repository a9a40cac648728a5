import { createHash } from 'node:crypto';
import { MAGIC } from '../aggregated-record';

export interface RecordToAggregate {
  readonly partitionKey: string;
  /** Decimal, 0 to 2^128-1; not checked, so that tests can write what a careless producer would. */
  readonly explicitHashKey?: string | undefined;
  readonly data: Uint8Array;
}

/**
 * A KPL aggregate, byte for byte as the KPL writes these user records: tables without repetition in the order of first
 * use, then the records, then MD5. The KPL itself never makes an aggregate of a single user record: it sends it as it is.
 */
export function aggregate(userRecords: readonly RecordToAggregate[]): Uint8Array {
  const partitionKeys = new Map<string, number>();
  const explicitHashKeys = new Map<string, number>();
  const entries = userRecords.map(({ partitionKey, explicitHashKey, data }) => [
    0x08,
    ...varint(indexIn(partitionKeys, partitionKey)),
    ...(explicitHashKey === undefined ? [] : [0x10, ...varint(indexIn(explicitHashKeys, explicitHashKey))]),
    0x1a,
    ...varint(data.length),
    data,
  ]);
  return envelope(
    Buffer.concat([
      ...[...partitionKeys.keys()].map((key) => lengthDelimited(0x0a, [Buffer.from(key)])),
      ...[...explicitHashKeys.keys()].map((key) => lengthDelimited(0x12, [Buffer.from(key)])),
      ...entries.map((parts) => lengthDelimited(0x1a, bytesOf(parts))),
    ]),
  );
}

/** Magic, `message`, and its MD5: an aggregate if `message` is one, and what a reader must survive if not. */
export function envelope(message: Uint8Array): Uint8Array {
  const checksum = createHash('md5').update(message).digest();
  return new Uint8Array(Buffer.concat([Uint8Array.from(MAGIC), message, checksum]));
}

function indexIn(table: Map<string, number>, key: string): number {
  const known = table.get(key);
  if (known !== undefined) return known;
  table.set(key, table.size);
  return table.size - 1;
}

function bytesOf(parts: readonly (number | Uint8Array)[]): Uint8Array[] {
  return parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part));
}

function lengthDelimited(tag: number, content: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(tag, ...varint(bytes.length)), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}
