import type { StreamRecord } from '@millrace/core';

/** A stream record of these bytes; "a" is the partition key of the KPL's aggregates. */
export function streamRecord(
  data: Uint8Array,
  { sequenceNumber = '1', partitionKey = 'a' }: { sequenceNumber?: string; partitionKey?: string } = {},
): StreamRecord {
  return { data, partitionKey, sequenceNumber, approximateArrivalTimestamp: new Date(1_700_000_000_000) };
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function text(characters: string): Uint8Array {
  return new Uint8Array(Buffer.from(characters));
}
