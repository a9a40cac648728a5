import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFlights, sliceIntoUnits, type Unit } from '../src/demo/flights';
import { Producer } from '../src/demo/producer';

const signal = new AbortController().signal;

describe('Producer', () => {
  it('keeps the order of every airport, whatever is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('LAX', 'JFK', 'SFO'), { maxLength: 30 }),
        fc.infiniteStream(fc.boolean()),
        async (airports, refusals) => {
          const units = airports.map((airport, number) => unitOf(airport, number));
          const stream: Unit[] = [];
          const requests: (readonly Unit[])[] = [];
          const producer = new Producer({
            retryDelayMs: 0,
            send: async (heads) => {
              requests.push(heads);
              return heads.map((unit) => {
                const isStored = refusals.next().value !== true;
                if (isStored) stream.push(unit);
                return isStored;
              });
            },
          });
          await producer.put(units, signal);
          expect(stream).toHaveLength(units.length);
          for (const airport of new Set(airports)) {
            const ofAirport = (unit: Unit): boolean => unit.partitionKey === airport;
            expect(stream.filter(ofAirport)).toEqual(units.filter(ofAirport));
          }
          for (const request of requests) {
            expect(new Set(request.map(({ partitionKey }) => partitionKey)).size).toBe(request.length);
          }
        },
      ),
    );
  });

  it('sends one unit of an airport in a request, and the next only when that one is stored', async () => {
    const requests: string[] = [];
    const producer = new Producer({
      retryDelayMs: 0,
      send: async (heads) => {
        requests.push(heads.map((unit) => Buffer.from(unit.data).toString()).join(' '));
        return heads.map(({ partitionKey }) => partitionKey !== 'LAX' || requests.length > 1);
      },
    });
    await producer.put([unitOf('LAX', 1), unitOf('LAX', 2), unitOf('JFK', 3), unitOf('JFK', 4)], signal);
    expect(requests).toEqual(['1 3', '1 4', '2']);
  });

  it('gives up when nothing is stored any longer', async () => {
    const producer = new Producer({
      retryDelayMs: 0,
      maxFailedRequests: 3,
      send: async (heads) => heads.map(() => false),
    });
    await expect(producer.put([unitOf('LAX', 1)], signal)).rejects.toThrow('takes no records');
  });

  it('never has more entries in a request than PutRecords takes', async () => {
    const sizes: number[] = [];
    const producer = new Producer({
      send: async (heads) => {
        sizes.push(heads.length);
        return heads.map(() => true);
      },
    });
    await producer.put(
      Array.from({ length: 1001 }, (_, number) => unitOf(`key-${number}`, number)),
      signal,
    );
    expect(sizes).toEqual([500, 500, 1]);
  });
});

describe('sliceIntoUnits', () => {
  const flights = readFlights();
  const units = sliceIntoUnits(flights, 200).flat();

  it('packs each of the 20,000 flights once, about half of them in aggregates of one airport', () => {
    const sum = (some: readonly Unit[]): number => some.reduce((count, unit) => count + unit.flightCount, 0);
    expect(sum(units)).toBe(20_000);
    const aggregated = sum(units.filter(({ flightCount }) => flightCount > 1));
    expect(aggregated).toBeGreaterThan(9_500);
    expect(aggregated).toBeLessThan(10_500);
  });

  it('gives every flight its place in the file', () => {
    expect(flights.map(({ index }) => index)).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
  });
});

function unitOf(partitionKey: string, number: number): Unit {
  return { partitionKey, data: Buffer.from(String(number)), flightCount: 1 };
}
