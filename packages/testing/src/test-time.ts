import { systemClock } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';

/** How long a test waits in real time for user code that does not finish, before it says so. */
const patienceMs = 4_000;

export interface UntilOptions {
  /** What is waited for, to be named when it does not come. */
  readonly what?: string;
  /** How much virtual time may pass, in milliseconds. Default: 120,000. */
  readonly limitMs?: number;
}

/**
 * The time of a test: virtual, and it passes only inside of {@link TestTime.advance} and {@link TestTime.until}.
 *
 * - While a call to the embedded AWS is under way, time stands still, so that no call ever takes time, however slow the machine.
 * - While a record processor is at work, `until` lets time pass no faster than real time, because what it waits for may be
 *   real: a database, a file.
 * - Otherwise everybody waits for time to pass, and the next moment that matters comes at once.
 */
export class TestTime {
  readonly clock: ManualClock;
  /** Calls under way that wait for nothing but their answer. */
  #calls = 0;
  /** Calls that were ever begun. */
  #begun = 0;
  /** Calls of user code that are at work. */
  #processors = 0;

  constructor() {
    this.clock = new ManualClock({ settle: () => this.#atRest() });
  }

  /** Counts a call while it is under way. */
  async duringCall<T>(call: () => Promise<T>): Promise<T> {
    this.#begun++;
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
    }
  }

  /** A call waits for time to pass, or goes on. */
  readonly onHeld = (isHeld: boolean): void => {
    this.#calls += isHeld ? -1 : 1;
    if (!isHeld) this.#begun++;
  };

  /** Counts user code while it is at work; once its worker has crashed nobody waits for it. */
  async duringProcessing(work: Promise<void>, crashed: AbortSignal): Promise<void> {
    this.#processors++;
    const { promise, resolve } = withResolver();
    crashed.addEventListener('abort', resolve, { once: true });
    try {
      await Promise.race([work, promise]);
    } finally {
      this.#processors--;
      crashed.removeEventListener('abort', resolve);
    }
  }

  /** Lets a record processor take so long: it is not at work meanwhile, but waits for time to pass. */
  async sleep(delayMs: number): Promise<void> {
    this.#processors--;
    try {
      await this.clock.sleep(delayMs);
    } finally {
      this.#processors++;
    }
  }

  /** Lets so much time pass, whoever is at work. */
  advance(deltaMs: number): Promise<void> {
    return this.clock.advance(deltaMs);
  }

  /** Lets time pass until the condition holds. Rejects if it does not within the limit, or nothing is left to happen. */
  async until(
    condition: () => Promise<boolean> | boolean,
    { what = 'the condition', limitMs = 120_000 }: UntilOptions = {},
  ): Promise<void> {
    const limitAtMs = this.clock.now() + limitMs;
    let busySinceMs: number | undefined;
    for (;;) {
      await this.#atRest();
      if (await condition()) return;
      if (this.clock.now() >= limitAtMs)
        throw new Error(`waited in vain for ${what}, for ${limitMs} ms of virtual time`);
      if (this.#processors === 0) {
        busySinceMs = undefined;
        await this.#nextMoment(what, limitAtMs);
        continue;
      }
      busySinceMs ??= systemClock.now();
      if (systemClock.now() - busySinceMs > patienceMs) {
        throw new Error(
          `waited in vain for ${what}: a record processor has been at work for ${patienceMs} ms of real time. ` +
            'If it waits for time to pass, let it wait with sleep(), or let the time pass with advance()',
        );
      }
      await this.#realMoment();
    }
  }

  async #nextMoment(what: string, limitAtMs: number): Promise<void> {
    const { nextWakeInMs } = this.clock;
    if (nextWakeInMs === undefined) throw new Error(`waited in vain for ${what}: nothing is left that could happen`);
    await this.clock.advance(Math.min(nextWakeInMs, limitAtMs - this.clock.now()));
  }

  /** A moment of real time, which is also one of virtual time. */
  async #realMoment(): Promise<void> {
    const startedAtMs = systemClock.now();
    await systemClock.sleep(1);
    await this.clock.advance(systemClock.now() - startedAtMs);
  }

  /** Waits until some turns of the event loop pass without a call: what is left then waits for time to pass. */
  async #atRest(): Promise<void> {
    let begunBefore: number;
    do {
      begunBefore = this.#begun;
      await settle();
    } while (this.#calls > 0 || this.#begun > begunBefore);
  }
}

function withResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
