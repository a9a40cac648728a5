import { afterEach, describe, expect, it } from '@jest/globals';
import { expiryMarginMs, failoverTimeMs, scanIntervalMs, TestFleet } from './coordinator-harness';

let fleet = new TestFleet(0);

afterEach(() => fleet.end());

/** So long a reading of the table takes; four times as long the reader rests after it. */
const readingMs = 60;

describe('a worker that is killed', () => {
  it('has each of its leases taken as soon as it has expired, also if that is while a reader rests', async () => {
    const slowest: number[] = [];
    for (let run = 0; run < 25; run++) {
      fleet = new TestFleet(40);
      const workers = fleet.joinAll(['a', 'b', 'victim']);
      for (const { store } of workers) {
        store.fault = ({ operation }) =>
          operation === 'list' ? { kind: 'delay', beforeMs: readingMs / 2, afterMs: readingMs / 2 } : undefined;
      }
      await fleet.pass(15_000 + 83 * run);
      workers[2]?.kill();
      const killedAtMs = fleet.clock.now();
      const left = (): number => fleet.table.rows().filter(({ leaseOwner }) => leaseOwner === 'victim').length;
      await fleet.passUntil(() => left() === 0);
      slowest.push(fleet.clock.now() - killedAtMs);
      await fleet.end();
    }
    // The last renewal is seen by the next reading; another one follows the expiry. The test looks every 50 ms.
    const limitMs = scanIntervalMs + readingMs + failoverTimeMs + expiryMarginMs + readingMs + 50;
    expect(slowest.filter((ms) => ms > limitMs)).toEqual([]);
  });
});
