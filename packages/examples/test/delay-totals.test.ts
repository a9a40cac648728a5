import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestStream } from '@millrace/testing';
import { DelayTotals } from '../src/flight-delays/delay-totals';
import { openTotalsTable, type TotalsTable } from '../src/flight-delays/totals-table';

let stream: TestStream;
let totals: TotalsTable;
const processorFactory = (): DelayTotals => new DelayTotals(totals);
const airports = ['FRA', 'JFK', 'LAX', 'NRT'];

beforeEach(async () => {
  stream = new TestStream({ shardCount: 2 });
  totals = await openTotalsTable(stream.dynamodb, 'flight-delays-totals');
});
afterEach(() => stream.close());

function putFlights(count: number): void {
  stream.put(
    Array.from({ length: count }, (_, index) => ({
      partitionKey: airports[index % airports.length] ?? '',
      data: JSON.stringify({ delay: index }),
    })),
  );
}

async function flightsOf(airport: string): Promise<number | undefined> {
  return (await totals.all()).find((row) => row.airport === airport)?.flights;
}

describe('DelayTotals', () => {
  it('counts every flight once, although a worker crashes in the middle of its work and the stream is split', async () => {
    await stream.startWorker({ processorFactory });
    const second = await stream.startWorker({ processorFactory });
    await stream.untilBalanced();
    putFlights(40);
    // Counted, and not yet acknowledged: what the next worker is given again.
    await stream.until(() => stream.deliveries.length >= 40);
    stream.split();
    second.crash();
    putFlights(40);
    await stream.untilAcknowledged();
    stream.assertNothingLost();
    stream.assertOrderPerKey();
    expect(await Promise.all(airports.map(flightsOf))).toEqual([20, 20, 20, 20]);
  });
});
