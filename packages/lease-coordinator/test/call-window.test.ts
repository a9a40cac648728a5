import { CallTimeoutError } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { CallWindow } from '../src/call-window';

const late = (): Error => new CallTimeoutError('lease renew', 2_500);

/** Calls that are answered when the test says so. */
class Calls {
  readonly window = new CallWindow();
  readonly begun: string[] = [];
  readonly #open = new Map<string, (error?: Error) => void>();

  begin(name: string, byHolder = true): void {
    const call = (): Promise<void> => {
      this.begun.push(name);
      return new Promise((resolve, reject) => {
        this.#open.set(name, (error) => (error === undefined ? resolve() : reject(error)));
      });
    };
    this.window.run(call, { byHolder }).catch(() => undefined);
  }

  /** As many as are asked for, named by their number. */
  fill(count: number, byHolder = true): void {
    for (let index = 0; index < count; index++)
      this.begin(`${byHolder ? 'holder' : 'other'}-${String(index)}`, byHolder);
  }

  async answer(name: string, error?: Error): Promise<void> {
    this.#open.get(name)?.(error);
    this.#open.delete(name);
    await settle();
  }

  /** Answers everything, and what begins by that, until nothing is under way. */
  async answerAll(): Promise<void> {
    while (this.#open.size > 0) {
      for (const name of [...this.#open.keys()]) await this.answer(name);
    }
  }
}

let calls = new Calls();

beforeEach(() => {
  calls = new Calls();
});

describe('the window of calls', () => {
  it('lets so many run at once, the others in the order in which they came, also after a failure', async () => {
    calls.fill(35);
    expect(calls.begun).toHaveLength(32);
    await calls.answer('holder-3', new Error('no'));
    await calls.answer('holder-9');
    expect(calls.begun.slice(32)).toEqual(['holder-32', 'holder-33']);
  });

  it('leaves half of it to the holders of leases', async () => {
    calls.fill(20, false);
    expect(calls.begun).toHaveLength(16);
    calls.fill(16);
    expect(calls.begun).toHaveLength(32);
    expect(calls.begun.at(-1)).toBe('holder-15');
  });

  it('lets holders go before all others that wait', async () => {
    calls.fill(32);
    calls.begin('other', false);
    calls.begin('holder');
    await calls.answer('holder-0');
    expect(calls.begun.at(-1)).toBe('holder');
    await calls.answerAll();
    expect(calls.begun.at(-1)).toBe('other');
  });

  it('is halved when a call is not answered in time: once for all that were under way, and never below four', async () => {
    for (const size of [16, 8, 4, 4]) {
      calls.fill(6);
      await calls.answer('holder-0', late());
      await calls.answer('holder-1', late());
      expect(calls.window.size).toBe(size);
      await calls.answerAll();
    }
  });

  it('keeps its size after any other failure', async () => {
    calls.fill(1);
    await calls.answer('holder-0', new Error('throttled'));
    expect(calls.window.size).toBe(32);
  });

  it('grows by one with each full window that is answered, and only if it was full', async () => {
    calls.fill(10);
    await calls.answerAll();
    expect(calls.window.size).toBe(32);
    calls.fill(31 + 34);
    await calls.answerAll();
    expect(calls.window.size).toBe(33);
  });

  it('does not grow without end', async () => {
    calls.fill(5_000);
    await calls.answerAll();
    expect(calls.window.size).toBe(64);
  });
});
