import type { LeaseSeed } from '@millrace/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FirstStart } from '../src/first-start';
import { failoverTimeMs, key, settleMs, TestFleet, type TestWorker } from './coordinator-harness';
import { throttle } from './held-lease-harness';
import { aSeed } from './lease-store-subject';

const { signal } = new AbortController();
let fleet = new TestFleet(0);

afterEach(() => fleet.end());

function seedOf(index: number): LeaseSeed {
  return { ...aSeed, leaseKey: key(index), root: true, streamArn: 'arn:flights', streamCreatedAtMs: 1 };
}

/** A worker that has seen an empty table, and begins to fill it. */
async function begun(): Promise<{ readonly a: TestWorker; readonly firstStart: FirstStart }> {
  fleet = new TestFleet(0);
  const a = fleet.join('a');
  await fleet.pass(50);
  const { firstStart } = a.coordinator;
  firstStart.willBeRead();
  await firstStart.begin();
  return { a, firstStart };
}

async function shareOf(firstStart: FirstStart, keys: readonly string[]): Promise<readonly string[] | undefined> {
  const share = firstStart.nextShare(keys, keys, signal);
  await fleet.pass(9 * settleMs);
  const leases = await share;
  return leases && [...leases.keys()];
}

describe('a first start that is held up', () => {
  it('creates no row on an old reading, only on a new one', async () => {
    const { firstStart } = await begun();
    await fleet.pass(failoverTimeMs);
    expect(firstStart.isOutdated).toBe(true);
    expect(await firstStart.create(seedOf(0), { unowned: false })).toBe(false);
    expect(fleet.table.rows()).toEqual([]);
    expect(await shareOf(firstStart, [key(0)])).toEqual([key(0)]);
    expect(await firstStart.create(seedOf(0), { unowned: false })).toBe(true);
  });

  it('makes no row again that it has made, or seen, and that was deleted', async () => {
    fleet = new TestFleet(0);
    const [a, b] = fleet.joinAll(['a', 'b']);
    await fleet.pass(50);
    const { firstStart } = a!.coordinator;
    const keys = [0, 1, 2].map(key);
    await firstStart.begin();
    await firstStart.create(seedOf(0), { unowned: false });
    fleet.table.remove(key(0));
    await b!.coordinator.firstStart.create(seedOf(1), { unowned: false });
    expect(await shareOf(firstStart, keys)).toEqual([key(2)]);
    fleet.table.remove(key(1));
    expect(await shareOf(firstStart, keys)).toEqual([key(2)]);
  });

  it('leaves the rest to the audit once it has slept over what may have happened', async () => {
    const { firstStart } = await begun();
    await fleet.pass(2 * failoverTimeMs + 1);
    expect(await shareOf(firstStart, [key(0)])).toBeUndefined();
  });

  it('notices a suspension, in which only the wall clock goes on', async () => {
    const { firstStart } = await begun();
    const wallTime = fleet.clock.wallTime.bind(fleet.clock);
    fleet.clock.wallTime = () => wallTime() + 600_000;
    expect(firstStart.isOutdated).toBe(true);
    expect(await firstStart.create(seedOf(0), { unowned: false })).toBe(false);
    expect(await shareOf(firstStart, [key(0)])).toBeUndefined();
  });

  it('tries a row no further when the machine was suspended over it', async () => {
    const { a, firstStart } = await begun();
    const wallTime = fleet.clock.wallTime.bind(fleet.clock);
    let attempts = 0;
    a.store.fault = ({ operation }) => {
      if (operation !== 'create' || attempts++ > 0) return undefined;
      fleet.clock.wallTime = () => wallTime() + 600_000;
      return { kind: 'error', error: throttle() };
    };
    const outcome = expect(firstStart.create(seedOf(0), { unowned: false })).rejects.toThrow();
    await fleet.pass(failoverTimeMs / 2);
    await outcome;
    expect(attempts).toBe(1);
    expect(fleet.table.rows()).toEqual([]);
  });

  it('is given up by a worker that can no longer read the table', async () => {
    const { a, firstStart } = await begun();
    a.store.fault = ({ operation }) => (operation === 'list' ? { kind: 'error', error: throttle() } : undefined);
    const share = firstStart.nextShare([key(0)], [key(0)], signal);
    await fleet.pass(3 * failoverTimeMs);
    expect(await share).toBeUndefined();
  });
});
