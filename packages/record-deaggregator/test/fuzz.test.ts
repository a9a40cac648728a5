import { describe, expect, it } from '@jest/globals';
import { deaggregate } from '@millrace/record-deaggregator';
import { aggregate, envelope } from '@millrace/record-deaggregator/testing';
import * as fc from 'fast-check';
import { streamRecord, text } from './stream-record';

const neighbour = aggregate([
  { partitionKey: 'n', data: text('n0') },
  { partitionKey: 'n', data: text('n1') },
]);

const sound = fc
  .array(
    fc.record({
      partitionKey: fc.string(),
      explicitHashKey: fc.option(fc.string(), { nil: undefined }),
      data: fc.uint8Array(),
    }),
    { maxLength: 10 },
  )
  .map(aggregate);

/** Overwrites, cuts and inserts, wherever they hit. */
const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.uint8Array({ maxLength: 3 }) });

function changed(
  bytes: Uint8Array,
  changes: readonly { at: number; remove: number; insert: Uint8Array }[],
): Uint8Array {
  const result = [...bytes];
  for (const { at, remove, insert } of changes) result.splice(at % (result.length + 1), remove, ...insert);
  return Uint8Array.from(result);
}

function expectNeighboursKept(data: Uint8Array): void {
  const { records } = deaggregate(
    [
      streamRecord(neighbour, { sequenceNumber: '1' }),
      streamRecord(data, { sequenceNumber: '2' }),
      streamRecord(neighbour, { sequenceNumber: '3' }),
    ],
    { hashKeyRange: { start: '0', end: '340282366920938463463374607431768211454' } },
  );
  const neighbours = records.filter(({ sequenceNumber }) => sequenceNumber !== '2');
  expect(neighbours.map(({ sequenceNumber, data }) => `${sequenceNumber} ${Buffer.from(data).toString()}`)).toEqual([
    '1 n0',
    '1 n1',
    '3 n0',
    '3 n1',
  ]);
  for (const record of records.filter(({ sequenceNumber }) => sequenceNumber === '2')) {
    if (!record.aggregated) expect(record.data).toBe(data);
    const { byteOffset, byteLength } = record.data;
    expect(byteOffset >= data.byteOffset && byteOffset + byteLength <= data.byteOffset + data.byteLength).toBe(true);
  }
}

describe('bytes that nobody meant', () => {
  it('never throw and never touch the neighbours: a changed aggregate', () => {
    fc.assert(
      fc.property(sound, fc.array(change, { minLength: 1, maxLength: 4 }), (bytes, changes) => {
        expectNeighboursKept(changed(bytes, changes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('never throw and never touch the neighbours: a changed message with its right checksum', () => {
    fc.assert(
      fc.property(sound, fc.array(change, { minLength: 1, maxLength: 4 }), (bytes, changes) => {
        expectNeighboursKept(envelope(changed(bytes.subarray(4, -16), changes)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throw and never touch the neighbours: noise with its right checksum', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expectNeighboursKept(envelope(noise));
      }),
      { numRuns: 2_000 },
    );
  });
});
