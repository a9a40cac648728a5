import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import { MemoryBudget, type Reservation } from '@millrace/record-fetcher';
import fc from 'fast-check';

const budgetBytes = 100;
const shares = 5;

interface Asked {
  readonly share: number;
  readonly least: number;
  readonly more: number;
}

type Step =
  | ({ readonly kind: 'ask' | 'try' } & Asked)
  | { readonly kind: 'abort' | 'release'; readonly which: number }
  | { readonly kind: 'shrink'; readonly which: number; readonly part: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('ask', 'ask', 'try'),
        share: fc.nat(shares - 1),
        least: fc.integer({ min: 1, max: 130 }),
        more: fc.nat(60),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat(20) }) },
    fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }),
    fc.record({
      kind: fc.constant('shrink' as const),
      which: fc.nat(20),
      part: fc.double({ min: 0.1, max: 1, noNaN: true }),
    }),
  ),
  { maxLength: 60 },
);

interface Held {
  readonly share: number;
  readonly reservation: Reservation;
}

/** Whoever asks, and whatever is done with what they get, as the budget sees it and as it is counted by hand. */
class Model {
  readonly budget = new MemoryBudget(budgetBytes);
  readonly held: Held[] = [];
  /** In the order in which they came. */
  readonly waiting: { readonly share: number; readonly least: number; readonly abort: AbortController }[] = [];
  readonly #shares = Array.from({ length: shares }, () => this.budget.open());

  ask({ share, least, more }: Asked): void {
    const asker = { share, least, abort: new AbortController() };
    this.waiting.push(asker);
    const leave = (): void => void this.waiting.splice(this.waiting.indexOf(asker), 1);
    this.#shares[share]?.reserve({ least, most: least + more }, asker.abort.signal).then((reservation) => {
      leave();
      this.#got(reservation, { share, least, more });
    }, leave);
  }

  try(asked: Asked): void {
    const { share, least, more } = asked;
    const reservation = this.#shares[share]?.tryReserve({ least, most: least + more });
    if (reservation !== undefined) this.#got(reservation, asked);
  }

  #got(reservation: Reservation, { share, least, more }: Asked): void {
    expect(reservation.bytes).toBeGreaterThanOrEqual(least);
    expect(reservation.bytes).toBeLessThanOrEqual(least + more);
    this.held.push({ share, reservation });
  }

  async do(step: Step): Promise<void> {
    if ('least' in step) this[step.kind](step);
    else if (step.kind === 'abort') this.waiting[step.which % this.waiting.length]?.abort.abort(new Error('stop'));
    else {
      const chosen = this.held[step.which % this.held.length];
      if (step.kind === 'shrink') chosen?.reservation.resize(chosen.reservation.bytes * step.part);
      else if (chosen !== undefined) {
        this.held.splice(this.held.indexOf(chosen), 1);
        chosen.reservation.release();
      }
    }
    await settle();
  }

  get usedBytes(): number {
    return this.held.reduce((sum, { reservation }) => sum + reservation.bytes, 0);
  }

  bytesOf(share: number): number {
    return this.held.reduce((sum, each) => sum + (each.share === share ? each.reservation.bytes : 0), 0);
  }

  check(): void {
    expect(this.budget.usedBytes).toBe(this.usedBytes);
    expect(this.budget.waitingShares).toBe(new Set(this.waiting.map(({ share }) => share)).size);
    // Above the budget only by one that stands alone, and asked for more than the whole.
    if (this.usedBytes > budgetBytes) expect(this.held).toHaveLength(1);
    // Nobody waits although nothing is held; nor who holds nothing and has come before all others, for what is left.
    if (this.held.length === 0) expect(this.waiting).toEqual([]);
    const first = this.waiting.find(({ share }) => this.bytesOf(share) === 0);
    if (first !== undefined) expect(first.least).toBeGreaterThan(budgetBytes - this.usedBytes);
  }
}

describe('a memory budget, whatever is asked for and released', () => {
  it('is never exceeded but by a single request, and lets nobody wait for what is left', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const model = new Model();
        for (const step of all) {
          await model.do(step);
          model.check();
        }
      }),
    );
  });

  it('serves in the end all that wait, and is then as it was', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const model = new Model();
        for (const step of all) await model.do(step);
        for (let left = all.length; left > 0 && model.waiting.length > 0; left--) {
          await model.do({ kind: 'release', which: 0 });
        }
        expect(model.waiting).toEqual([]);
        while (model.held.length > 0) await model.do({ kind: 'release', which: 0 });
        expect([model.budget.usedBytes, model.budget.waitingShares]).toEqual([0, 0]);
      }),
    );
  });

  it('serves who waits without anything after those before it, whatever the others go on asking for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 130 }), { minLength: 1, maxLength: 40 }), async (sizes) => {
        const model = new Model();
        model.ask({ share: 0, least: 60, more: 0 });
        await settle();
        model.ask({ share: 1, least: 90, more: 0 });
        // All of them hold nothing either, and some ask for little.
        for (const [index, least] of sizes.entries()) {
          model.ask({ share: 2 + (index % 3), least, more: 0 });
          model.try({ share: 2 + (index % 3), least, more: 0 });
          await settle();
        }
        expect(model.bytesOf(1)).toBe(0);
        await model.do({ kind: 'release', which: 0 });
        expect(model.bytesOf(1)).toBe(90);
      }),
    );
  });
});
