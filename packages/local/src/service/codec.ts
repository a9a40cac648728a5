import { createRequire } from 'node:module';
import type * as Cbor from '@smithy/core/cbor';
import { readCbor } from './cbor-reader';

/** How the members of a request and of its reply are written down. */
export interface Codec {
  readonly contentType: string;
  /** The members in the form of the engine. @throws whatever is wrong with the bytes */
  decode(body: Uint8Array): unknown;
  encode(members: object): Uint8Array | string;
}

const json: Codec = {
  contentType: 'application/x-amz-json-1.1',
  decode: (body) => JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as unknown,
  encode: (members) => JSON.stringify(members),
};

/** Loaded when first asked for: that takes longer than the start of everything else, and few need it. */
const loadCbor = (): (typeof Cbor)['cbor'] => (createRequire(__filename)('@smithy/core/cbor') as typeof Cbor).cbor;

/**
 * What the Java SDKs send to Kinesis unless told otherwise. It differs from JSON in two things: blobs are bytes instead
 * of base64, and moments are milliseconds instead of (fractional) seconds.
 */
const cbor11: Codec = {
  contentType: 'application/x-amz-cbor-1.1',
  decode: (body) => fromCbor(readCbor(body), ''),
  encode: (members) => loadCbor().serialize(toCbor(members, '')),
};

/** The codec that a request asks for. Whatever isn't CBOR is taken for JSON: not every client names it right. */
export function codecFor(contentType: string | undefined): Codec {
  return contentType?.toLowerCase().startsWith('application/x-amz-cbor-1.') === true ? cbor11 : json;
}

const moments = ['ApproximateArrivalTimestamp', 'StreamCreationTimestamp', 'Timestamp'];

function fromCbor(value: unknown, name: string): unknown {
  if (typeof value === 'number') return moments.includes(name) ? value / 1000 : value;
  if (Array.isArray(value)) return value.map((item) => fromCbor(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, fromCbor(inner, member)]));
}

function toCbor(value: unknown, name: string): unknown {
  if (typeof value === 'number') return moments.includes(name) ? Math.round(value * 1000) : value;
  if (typeof value === 'string') return name === 'Data' ? Buffer.from(value, 'base64') : value;
  if (Array.isArray(value)) return value.map((item) => toCbor(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, toCbor(inner, member)]));
}
