import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { arrivalMs, RecordLog, type WireRecord } from '../../src/kinesis/record-log';

type Step = { readonly append: number } | { readonly trim: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ append: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ trim: fc.integer({ min: 0, max: 400 }) }),
);

/** A log, and the plain list of all records ever appended, with the index of the first that is left. */
function build(steps: readonly Step[]): { log: RecordLog; all: WireRecord[]; first: number } {
  const log = new RecordLog();
  const all: WireRecord[] = [];
  let first = 0;
  let nowMs = 0;
  for (const step of steps) {
    if ('append' in step) {
      nowMs += step.append;
      const SequenceNumber = String(1000 + 2 * all.length);
      const record = { SequenceNumber, ApproximateArrivalTimestamp: nowMs / 1000, Data: '', PartitionKey: 'k' };
      all.push(record);
      log.append(record, 10);
    } else {
      log.trimBefore(step.trim);
      while (first < all.length && arrivalMs(all[first]!) < step.trim) first++;
    }
  }
  return { log, all, first };
}

describe('a record log', () => {
  it('finds, pages and trims as a plain list would', () => {
    fc.assert(
      fc.property(fc.array(step), fc.nat(80), fc.integer({ min: 1, max: 9 }), (steps, place, limit) => {
        const { log, all, first } = build(steps);
        const atOrAfterFirst = (index: number): number => Math.max(first, index === -1 ? all.length : index);
        expect([log.firstOrdinal, log.endOrdinal]).toEqual([first, all.length]);
        expect(log.newest).toBe(first < all.length ? all.at(-1) : undefined);
        expect(log.page(place, limit, Infinity)).toMatchObject({
          records: all.slice(Math.max(first, place), Math.max(first, place) + limit),
        });
        const number = 1000 + place;
        const at = all.findIndex((record) => Number(record.SequenceNumber) >= number);
        const after = all.findIndex((record) => Number(record.SequenceNumber) > number);
        const atTime = all.findIndex((record) => arrivalMs(record) >= place * 5);
        expect(log.ordinalAt(String(number))).toBe(atOrAfterFirst(at));
        expect(log.ordinalAfter(String(number))).toBe(atOrAfterFirst(after));
        expect(log.ordinalAtTime(place * 5)).toBe(atOrAfterFirst(atTime));
      }),
    );
  });

  it('stays within the bytes of a page, except for one record', () => {
    const { log } = build(Array.from({ length: 10 }, () => ({ append: 1 })));
    expect(log.page(0, 10, 35)).toMatchObject({ bytes: 30, nextOrdinal: 3 });
    expect(log.page(0, 10, 5)).toMatchObject({ bytes: 10, nextOrdinal: 1 });
    expect(log.page(10, 10, 5)).toEqual({ records: [], bytes: 0, nextOrdinal: 10 });
  });
});
