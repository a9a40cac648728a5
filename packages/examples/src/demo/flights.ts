import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { aggregate } from '@millrace/record-deaggregator/testing';

export interface Flight {
  /** Where it stands in the file. */
  readonly index: number;
  readonly date: string;
  /** Minutes; negative if early. */
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** What Kinesis gets as one record: one flight, or several of one airport in a KPL aggregate. */
export interface Unit {
  /** The airport. */
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly flightCount: number;
}

/** All flights in the order of the file; see data/README.md. */
export function readFlights(): readonly Flight[] {
  const packed = readFileSync(join(__dirname, '../../data/flights-20k.json.gz'));
  const flights = JSON.parse(gunzipSync(packed).toString()) as readonly Omit<Flight, 'index'>[];
  return flights.map((flight, index) => ({ index, ...flight }));
}

/**
 * Flights as units, in slices that are to be sent one after another. Each airport's flights keep their order. About half
 * of the flights travel in aggregates; as with the KPL, none has a single record.
 */
export function sliceIntoUnits(flights: readonly Flight[], sliceLength: number): readonly (readonly Unit[])[] {
  const slices: Unit[][] = [];
  let aggregated = 0;
  for (let start = 0; start < flights.length; start += sliceLength) {
    const slice: Unit[] = [];
    for (const [airport, group] of byOrigin(flights.slice(start, start + sliceLength))) {
      const isBehind = aggregated < (start + sliceLength) / 2;
      if (group.length > 1 && isBehind) {
        aggregated += group.length;
        slice.push(aggregateOf(airport, group));
      } else {
        slice.push(...group.map((flight) => ({ partitionKey: airport, data: encode(flight), flightCount: 1 })));
      }
    }
    slices.push(slice);
  }
  return slices;
}

export function byOrigin(flights: readonly Flight[]): ReadonlyMap<string, readonly Flight[]> {
  const groups = new Map<string, Flight[]>();
  for (const flight of flights) {
    const group = groups.get(flight.origin);
    if (group === undefined) groups.set(flight.origin, [flight]);
    else group.push(flight);
  }
  return groups;
}

function aggregateOf(airport: string, flights: readonly Flight[]): Unit {
  const records = flights.map((flight) => ({ partitionKey: airport, data: encode(flight) }));
  return { partitionKey: airport, data: aggregate(records), flightCount: flights.length };
}

function encode(flight: Flight): Uint8Array {
  return Buffer.from(JSON.stringify(flight));
}
