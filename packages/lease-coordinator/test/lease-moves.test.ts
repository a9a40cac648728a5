import { describe, expect, it } from '@jest/globals';
import { silentLogger, type Lease } from '@millrace/core';
import { aLease, ManualClock, seededRandom } from '@millrace/core/testing';
import { CallWindow } from '../src/call-window';
import { LeaseMoves } from '../src/lease-moves';
import { LeaseReporter } from '../src/lease-reporter';
import { InMemoryLeaseStore, InMemoryLeaseTable } from '../src/testing';
import { identity, options } from './held-lease-harness';

function movesOver(row: Lease): LeaseMoves {
  const clock = new ManualClock();
  const table = new InMemoryLeaseTable();
  table.put(row);
  return new LeaseMoves({
    ...{ store: new InMemoryLeaseStore({ clock, table }), clock, random: seededRandom(1), logger: silentLogger },
    ...{ reporter: new LeaseReporter(clock, silentLogger, {}), options, window: new CallWindow(), identity },
    ...{ me: 'me', initialTimestampMs: undefined, nextWriteId: () => 'me/1' },
  });
}

describe('a lease that is acquired', () => {
  it.each([
    ['taken from an owner that has not given it up', 'take', { leaseOwner: 'a' }, true],
    [
      'taken from an owner that was asked for it by me',
      'take',
      { leaseOwner: 'me', checkpointOwner: 'a', receiver: 'me' },
      true,
    ],
    ['taken from nobody', 'take', {}, false],
    ['taken from a receiver that has never read under it', 'take', { leaseOwner: 'a', handedOver: true }, false],
    ['taken again by me, who left it to expire', 'take', { leaseOwner: 'me' }, false],
    ['adopted', 'adopt', { leaseOwner: 'me', handedOver: true }, false],
  ] as const)('%s: it was taken away, or not', async (_, how, row, wasTakenAway) => {
    const lease = aLease(row);
    expect(await movesOver(lease)[how](lease)).toMatchObject({ wasTakenAway });
  });
});
