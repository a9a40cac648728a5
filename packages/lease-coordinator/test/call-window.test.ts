import { settle } from '@millrace/core/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type CallEnd, CallWindow } from '../src/call-window';

/** Calls that are answered when the test says so. */
class Calls {
  readonly window = new CallWindow();
  readonly begun: string[] = [];
  readonly #open = new Map<string, (end: CallEnd) => void>();

  begin(name: string, byHolder = true, leaseUntilMs = 10_000): void {
    void this.window.enter(byHolder ? leaseUntilMs : undefined).then((leave) => {
      this.begun.push(name);
      this.#open.set(name, leave);
    });
  }

  /** As many as are asked for, named by their number. */
  async fill(count: number, byHolder = true): Promise<void> {
    for (let index = 0; index < count; index++)
      this.begin(`${byHolder ? 'holder' : 'other'}-${String(index)}`, byHolder);
    await settle();
  }

  async end(name: string, end: CallEnd = 'answered'): Promise<void> {
    this.#open.get(name)?.(end);
    this.#open.delete(name);
    await settle();
  }

  /** Answers everything, and what begins by that, until nothing is under way. */
  async endAll(how: CallEnd = 'answered'): Promise<void> {
    while (this.#open.size > 0) {
      for (const name of [...this.#open.keys()]) await this.end(name, how);
    }
  }
}

let calls = new Calls();

beforeEach(() => {
  calls = new Calls();
});

describe('the window of calls', () => {
  it('lets so many run at once, the others in the order in which they came, however one ends', async () => {
    await calls.fill(35);
    expect(calls.begun).toHaveLength(32);
    await calls.end('holder-3', 'other');
    await calls.end('holder-9');
    expect(calls.begun.slice(32)).toEqual(['holder-32', 'holder-33']);
  });

  it('leaves half of it to the holders of leases', async () => {
    await calls.fill(20, false);
    expect(calls.begun).toHaveLength(16);
    await calls.fill(16);
    expect(calls.begun).toHaveLength(32);
    expect(calls.begun.at(-1)).toBe('holder-15');
  });

  it('lets holders go before all others that wait', async () => {
    await calls.fill(32);
    calls.begin('other', false);
    calls.begin('holder');
    await calls.end('holder-0');
    expect(calls.begun.at(-1)).toBe('holder');
    await calls.endAll();
    expect(calls.begun.at(-1)).toBe('other');
  });

  it('lets the lease go first that would be lost first, and of others whoever came first', async () => {
    await calls.fill(32);
    for (const [name, leaseUntilMs] of [
      ['last', 9_000],
      ['second', 6_000],
      ['third', 6_000],
      ['first', 5_000],
    ] as const) {
      calls.begin(name, true, leaseUntilMs);
    }
    for (let index = 0; index < 4; index++) await calls.end(`holder-${String(index)}`);
    expect(calls.begun.slice(32)).toEqual(['first', 'second', 'third', 'last']);
  });

  it('is halved when a call is late: once for all that were under way, and never below four', async () => {
    for (const size of [16, 8, 4, 4]) {
      await calls.fill(6);
      await calls.end('holder-0', 'late');
      await calls.end('holder-1', 'late');
      expect(calls.window.size).toBe(size);
      await calls.endAll('other');
    }
  });

  it('keeps its size after any other end, also of a full one', async () => {
    await calls.fill(200);
    await calls.endAll('other');
    expect(calls.window.size).toBe(32);
  });

  it('grows by one with each full window that is answered, and only if it was full', async () => {
    await calls.fill(10);
    await calls.endAll();
    expect(calls.window.size).toBe(32);
    await calls.fill(31 + 34);
    await calls.endAll();
    expect(calls.window.size).toBe(33);
  });

  it('grows by the calls of others, too, when they fill their half', async () => {
    await calls.fill(1_000, false);
    await calls.endAll();
    expect(calls.window.size).toBe(40);
  });

  it('does not grow without end', async () => {
    await calls.fill(5_000);
    await calls.endAll();
    expect(calls.window.size).toBe(40);
  });
});
