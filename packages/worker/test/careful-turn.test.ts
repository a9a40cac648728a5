import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@millrace/core/testing';
import { CarefulTurn } from '../src/careful-turn';

const open = new AbortController().signal;

describe('the turn of the shards that are read with care', () => {
  it('is one shard’s at a time, in the order in which they came', async () => {
    const turn = new CarefulTurn(new ManualClock(), 60_000);
    const order: string[] = [];
    const enter = async (name: string): Promise<() => void> => {
      const leave = await turn.enter(open);
      order.push(name);
      return leave ?? ((): void => undefined);
    };
    const first = await enter('a');
    const [second, third] = [enter('b'), enter('c')];
    await settle();
    expect(order).toEqual(['a']);
    first();
    // Whoever comes now comes after those that wait.
    const fourth = enter('d');
    (await second)();
    (await third)();
    (await fourth)();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is over by itself after its time, and ends once only', async () => {
    const clock = new ManualClock();
    const turn = new CarefulTurn(clock, 60_000);
    const leave = await turn.enter(open);
    let isEntered = false;
    const next = turn.enter(open).then((end) => {
      isEntered = true;
      return end;
    });
    await clock.advance(59_999);
    expect(isEntered).toBe(false);
    await clock.advance(1);
    expect(isEntered).toBe(true);
    // The one that was late has no say over the turn of another.
    leave?.();
    let hasThird = false;
    const third = turn.enter(open).then(() => (hasThird = true));
    await settle();
    expect(hasThird).toBe(false);
    (await next)?.();
    await third;
  });

  it('leaves no timer in the end, whoever has it, and is given to nobody', async () => {
    const clock = new ManualClock();
    const turn = new CarefulTurn(clock, 60_000);
    const leave = await turn.enter(open);
    const next = turn.enter(open);
    turn.end();
    expect(clock.nextWakeInMs).toBeUndefined();
    leave?.();
    expect(await next).toBeUndefined();
    expect(clock.nextWakeInMs).toBeUndefined();
  });

  it('is not waited for by who is told to end, and passes them over', async () => {
    const turn = new CarefulTurn(new ManualClock(), 60_000);
    const leave = await turn.enter(open);
    const told = new AbortController();
    const given = turn.enter(told.signal);
    const other = turn.enter(open);
    told.abort();
    expect(await given).toBeUndefined();
    expect(await turn.enter(AbortSignal.abort())).toBeUndefined();
    leave?.();
    expect(await other).toBeInstanceOf(Function);
  });
});
