import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@millrace/core/testing';
import { longReservation } from '../src/long-reservation';
import { MemoryBudget, type Reservation } from '../src/memory-budget';

/** Asks for so many of 100 bytes, in the name of one of two. */
class Asking {
  readonly budget = new MemoryBudget(100);
  readonly other = this.budget.open();
  readonly clock = new ManualClock();
  readonly abort = new AbortController();
  readonly told: string[] = [];
  readonly #share = this.budget.open();

  ask(bytes: number): Promise<Reservation> {
    return longReservation({
      ...{ share: this.#share, request: { least: bytes, most: bytes }, clock: this.clock, signal: this.abort.signal },
      waiting: (delayMs) => this.told.push(`waits ${delayMs}`),
      waitsLong: (waitedMs) => this.told.push(`has waited ${waitedMs}`),
    });
  }
}

describe('a reservation that may take long', () => {
  it('says every five seconds that it waits, and once that it takes long', async () => {
    const asking = new Asking();
    const held = asking.other.tryReserve({ least: 1, most: 1 });
    const asked = asking.ask(100);
    await asking.clock.advance(19_000);
    expect(asking.told).toEqual(['waits 5000', 'waits 5000', 'has waited 10000', 'waits 5000', 'waits 5000']);
    held?.release();
    expect((await asked).bytes).toBe(100);
    expect(asking.clock.sleeperCount).toBe(0);
  });

  it('comes to nothing when it is no longer wanted, before it is asked for or while it waits', async () => {
    const asking = new Asking();
    const held = asking.other.tryReserve({ least: 1, most: 1 });
    const asked = asking.ask(100);
    await settle();
    asking.abort.abort(new Error('stop'));
    await expect(asked).rejects.toThrow('stop');
    held?.release();
    await expect(asking.ask(1)).rejects.toThrow('stop');
    expect([asking.budget.usedBytes, asking.budget.waitingShares, asking.clock.sleeperCount]).toEqual([0, 0, 0]);
  });
});
