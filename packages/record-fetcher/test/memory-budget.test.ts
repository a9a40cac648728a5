import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { MemoryBudget, type MemoryShare, type Reservation } from '@millrace/record-fetcher';

const never = new AbortController().signal;

/** What a shard was granted, in the order in which it came. */
function asks(
  share: MemoryShare,
  least: number,
  { most = least, signal = never }: { readonly most?: number; readonly signal?: AbortSignal } = {},
): Promise<Reservation> & { granted?: Reservation } {
  const asked: Promise<Reservation> & { granted?: Reservation } = share.reserve({ least, most }, signal);
  asked.then(
    (reservation) => (asked.granted = reservation),
    () => undefined,
  );
  return asked;
}

describe('a memory budget', () => {
  it('grants at once what is left, and as much of it as is of use', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.open().reserve({ least: 10, most: 70 }, never);
    const second = await budget.open().reserve({ least: 10, most: 70 }, never);
    expect([first.bytes, second.bytes]).toEqual([70, 30]);
    expect(budget.usedBytes).toBe(100);
  });

  it('lets wait who asks for more than is left, until it is released', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.open().reserve({ least: 70, most: 70 }, never);
    const second = asks(budget.open(), 40);
    await settle();
    expect({ granted: second.granted, waiting: budget.waitingShares }).toEqual({ granted: undefined, waiting: 1 });
    first.resize(60);
    await settle();
    expect({ bytes: second.granted?.bytes, waiting: budget.waitingShares }).toEqual({ bytes: 40, waiting: 0 });
    expect(budget.usedBytes).toBe(100);
  });

  it('lets nobody pass who asks for less', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.open().reserve({ least: 70, most: 70 }, never);
    const large = asks(budget.open(), 90);
    const small = asks(budget.open(), 10);
    await settle();
    expect(small.granted).toBeUndefined();
    first.release();
    await settle();
    expect([large.granted?.bytes, small.granted?.bytes]).toEqual([90, 10]);
  });

  it('serves who holds nothing before those whose turn comes only by its coming', async () => {
    const budget = new MemoryBudget(100);
    const [first, second] = [budget.open(), budget.open()];
    await first.reserve({ least: 40, most: 40 }, never);
    await second.reserve({ least: 20, most: 20 }, never);
    void asks(first, 50);
    const little = asks(second, 10);
    await settle();
    // The first one holds its share now, and goes last; nobody has been told.
    const third = budget.open();
    expect(third.tryReserve({ least: 35, most: 40 })?.bytes).toBe(40);
    await settle();
    expect(little.granted).toBeUndefined();
  });

  it('serves first who holds nothing, and last who holds its share', async () => {
    const budget = new MemoryBudget(90);
    const [sated, some, none] = [budget.open(), budget.open(), budget.open()];
    await sated.reserve({ least: 40, most: 40 }, never);
    const little = await some.reserve({ least: 10, most: 10 }, never);
    const rest = await none.reserve({ least: 40, most: 40 }, never);
    const order: string[] = [];
    const ask = (name: string, share: MemoryShare): void =>
      void share.reserve({ least: 20, most: 20 }, never).then(() => order.push(name));
    ask('sated', sated);
    ask('some', some);
    rest.release();
    ask('none', none);
    await settle();
    // Both that come before the sated one; that takes nothing of the second half.
    expect(order).toEqual(['some', 'none']);
    little.release();
    await settle();
    expect(order).toEqual(['some', 'none']);
  });

  it('gives to who holds its share what is more than half', async () => {
    const budget = new MemoryBudget(100);
    const [greedy] = [budget.open(), budget.open(), budget.open(), budget.open()];
    await greedy.reserve({ least: 30, most: 30 }, never);
    const second = asks(greedy, 10, { most: 30 });
    const third = asks(greedy, 1);
    await settle();
    expect([second.granted?.bytes, third.granted]).toEqual([20, undefined]);
  });

  it('grants more than the whole while nothing is held, and nothing beside it', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.open().reserve({ least: 1, most: 1 }, never);
    const huge = asks(budget.open(), 500, { most: 600 });
    const small = asks(budget.open(), 1);
    await settle();
    expect(huge.granted).toBeUndefined();
    first.release();
    await settle();
    expect([huge.granted?.bytes, small.granted]).toEqual([500, undefined]);
    huge.granted?.release();
    await settle();
    expect(small.granted?.bytes).toBe(1);
  });

  it('grants at once or not at all to who does not wait, and lets it pass nobody either', async () => {
    const budget = new MemoryBudget(100);
    const [first, second, third] = [budget.open(), budget.open(), budget.open()];
    const held = first.tryReserve({ least: 10, most: 70 });
    expect(held?.bytes).toBe(70);
    expect(second.tryReserve({ least: 31, most: 31 })).toBeUndefined();
    const large = asks(second, 40);
    expect(third.tryReserve({ least: 1, most: 1 })).toBeUndefined();
    expect([budget.usedBytes, budget.waitingShares]).toEqual([70, 1]);
    held?.release();
    await settle();
    expect(large.granted?.bytes).toBe(40);
    expect(third.tryReserve({ least: 1, most: 100 })?.bytes).toBe(60);
  });

  it('keeps no trace of who waits no longer, and serves those behind it', async () => {
    const budget = new MemoryBudget(100);
    await budget.open().reserve({ least: 50, most: 50 }, never);
    const abort = new AbortController();
    const large = asks(budget.open(), 60, { signal: abort.signal });
    const small = asks(budget.open(), 10);
    abort.abort(new Error('stop'));
    await expect(large).rejects.toThrow('stop');
    expect([small.granted?.bytes, budget.usedBytes, budget.waitingShares]).toEqual([10, 60, 0]);
    await expect(asks(budget.open(), 1, { signal: abort.signal })).rejects.toThrow('stop');
    expect(budget.usedBytes).toBe(60);
  });

  it('counts what has turned out to be larger, and grants nothing until that is released', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.open().reserve({ least: 50, most: 50 }, never);
    first.resize(150);
    const second = asks(budget.open(), 1);
    await settle();
    expect([budget.usedBytes, second.granted]).toEqual([150, undefined]);
    first.release();
    await settle();
    expect(second.granted?.bytes).toBe(1);
  });

  it('releases once, and with a share all that it holds', async () => {
    const budget = new MemoryBudget(100);
    const share = budget.open();
    const first = await share.reserve({ least: 10, most: 10 }, never);
    await share.reserve({ least: 20, most: 20 }, never);
    first.release();
    first.release();
    first.resize(70);
    expect([budget.usedBytes, share.heldBytes]).toEqual([20, 20]);
    share.close();
    expect([budget.usedBytes, share.heldBytes]).toEqual([0, 0]);
  });
});
