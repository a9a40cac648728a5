import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import fc from 'fast-check';
import { Shelf, type KeyRange } from '../../src/dynamodb/shelf';
import { WriteHistory } from '../../src/dynamodb/write-history';

const key = fc.constantFrom('', 'a', 'aa', 'b', 'c/1', 'c/2', 'd', 'e', '~');
const bound = fc.option(fc.constantFrom('', 'a', 'ab', 'b', 'c/', 'c/2', 'd~', 'zz', '~'), { nil: undefined, freq: 2 });
const range: fc.Arbitrary<KeyRange> = fc
  .record({
    gt: bound,
    gte: bound,
    lt: bound,
    lte: bound,
    reverse: fc.boolean(),
    limit: fc.constantFrom(-1, 0, 1, 3, undefined),
  })
  .map((options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));

type Step =
  | { readonly do: 'put'; readonly key: string; readonly value: number }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'wait'; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('put' as const), key, value: fc.nat(99) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }),
);

/** The same, the slow way. */
function select(entries: ReadonlyMap<string, unknown>, { gt, gte, lt, lte, reverse, limit = -1 }: KeyRange): unknown {
  const found = [...entries]
    .filter(([each]) => (gt === undefined || each > gt) && (gte === undefined || each >= gte))
    .filter(([each]) => (lt === undefined || each < lt) && (lte === undefined || each <= lte))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (reverse === true) found.reverse();
  return limit < 0 ? found : found.slice(0, limit);
}

describe('a shelf', () => {
  it('gives the entries of any range, now and as of any time that is kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), range, fc.nat(120), async (steps, asked, lagMs) => {
        const clock = new ManualClock();
        const history = new WriteHistory(clock, () => 100);
        const shelf = new Shelf();
        const model = new Map<string, unknown>();
        const past = new Map<number, ReadonlyMap<string, unknown>>();
        for (const each of steps) {
          if (each.do === 'wait') await clock.advance(each.ms);
          else {
            history.record(shelf, each.key);
            if (each.do === 'put') {
              shelf.put(each.key, each.value);
              model.set(each.key, each.value);
            } else {
              shelf.delete(each.key);
              model.delete(each.key);
            }
          }
          past.set(clock.now(), new Map(model));
        }
        expect([...shelf.range(asked)]).toEqual(select(model, asked));
        const lag = Math.min(lagMs, 100);
        const atMs = Math.max(...[...past.keys()].filter((ms) => ms <= clock.now() - lag));
        const then = past.get(atMs) ?? new Map<string, unknown>();
        const view = history.asOf(lag)(shelf);
        expect([...view.range(asked)]).toEqual(select(then, asked));
        for (const [each, value] of then) expect(view.get(each)).toBe(value);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a history', () => {
  it('keeps nothing until the past may be read, then as much as may be, and nothing again afterwards', async () => {
    const clock = new ManualClock();
    let keptMs = 0;
    const history = new WriteHistory(clock, () => keptMs);
    const shelf = new Shelf();
    const write = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        history.record(shelf, 'key');
        shelf.put('key', index);
        await clock.advance(1);
      }
    };
    await write(50);
    expect(history.length).toBe(0);
    keptMs = 20;
    await write(200);
    expect(history.length).toBeGreaterThanOrEqual(20);
    expect(history.length).toBeLessThanOrEqual(21);
    expect(history.asOf(20)(shelf).get('key')).toBe(180);
    keptMs = 10;
    await write(1);
    expect(history.length).toBeLessThanOrEqual(11);
    keptMs = 0;
    await write(1);
    expect(history.length).toBe(0);
  });

  it('has no gap: what was kept before a time without is not taken for the past after it', async () => {
    const clock = new ManualClock();
    let keptMs = 1_000;
    const history = new WriteHistory(clock, () => keptMs);
    const shelf = new Shelf();
    for (const [value, lagMs] of [
      ['first', 1_000],
      ['second', 1_000],
      ['unseen', 0],
      ['third', 1_000],
    ] as const) {
      keptMs = lagMs;
      history.record(shelf, 'key');
      shelf.put('key', value);
      await clock.advance(1);
    }
    expect(history.asOf(1_000)(shelf).get('key')).toBe('unseen');
  });
});
