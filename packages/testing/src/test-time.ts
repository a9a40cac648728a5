import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import { UserCall } from './user-call';

/** How long `until` waits in real time for user code that does not finish, before it says so. */
const defaultPatienceMs = 4_000;

export interface UntilOptions {
  /** What is waited for, to be named when it does not come. */
  readonly what?: string;
  /** How much virtual time may pass, in milliseconds. Default: 120,000. */
  readonly limitMs?: number;
  /** How long one call of your code may be at work, in milliseconds of real time. Default: 4,000. */
  readonly patienceMs?: number;
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
  readonly #awsCalls = new Set<AwsCall>();
  readonly #currentAwsCall = new AsyncLocalStorage<AwsCall>();
  /** Calls to AWS that were ever begun, or went on. */
  #begun = 0;
  readonly #userCalls = new Set<UserCall>();
  readonly #currentUserCall = new AsyncLocalStorage<UserCall>();
  /** Time moves for one at a time. */
  #moving: Promise<void> = Promise.resolve();

  constructor() {
    this.clock = new ManualClock({ settle: () => this.#atRest() });
  }

  /** Runs a call to AWS, which is under way until it has settled or its client is dead. */
  async duringAwsCall<T>(run: () => Promise<T>, dead: AbortSignal): Promise<T> {
    const call = { isHeld: false };
    this.#begun++;
    this.#awsCalls.add(call);
    try {
      return await untilDead(
        dead,
        () => this.#awsCalls.delete(call),
        () => this.#currentAwsCall.run(call, run),
      );
    } finally {
      this.#awsCalls.delete(call);
    }
  }

  /** The call to AWS waits for time to pass, or goes on. */
  readonly onHeld = (isHeld: boolean): void => {
    const call = this.#currentAwsCall.getStore();
    if (call !== undefined) call.isHeld = isHeld;
    if (!isHeld) this.#begun++;
  };

  /** Runs user code, which counts as at work until it has settled or its worker is dead. */
  async duringUserCall(run: (call: UserCall) => Promise<void>, dead: AbortSignal): Promise<void> {
    const call = new UserCall();
    this.#userCalls.add(call);
    try {
      await untilDead(
        dead,
        () => this.#userCalls.delete(call),
        () => this.#currentUserCall.run(call, () => run(call)),
      );
    } finally {
      this.#userCalls.delete(call);
    }
  }

  /** Lets a record processor take so long: it is not at work meanwhile, but waits for time to pass. */
  async sleep(delayMs: number): Promise<void> {
    const call = this.#currentUserCall.getStore();
    if (call === undefined) throw new Error('sleep() is for record processors: elsewhere let time pass with advance()');
    await call.waiting(this.clock.sleep(delayMs));
  }

  /** Lets so much time pass, whoever is at work. */
  advance(deltaMs: number): Promise<void> {
    const moved = this.#moving.then(() => this.clock.advance(deltaMs));
    this.#moving = moved.catch(() => undefined);
    return moved;
  }

  /** Lets time pass until the condition holds. Rejects if it does not within the limit, or nothing is left to happen. */
  async until(
    condition: () => Promise<boolean> | boolean,
    { what = 'the condition', limitMs = 120_000, patienceMs = defaultPatienceMs }: UntilOptions = {},
  ): Promise<void> {
    const limitAtMs = this.clock.now() + limitMs;
    for (;;) {
      await this.#atRest();
      if (await condition()) return;
      const restMs = limitAtMs - this.clock.now();
      if (restMs <= 0) throw new Error(`waited in vain for ${what}, for ${limitMs} ms of virtual time`);
      const busyMs = this.#longestWorkMs();
      if (busyMs === undefined) await this.#nextMoment(what, restMs);
      else if (busyMs <= patienceMs) await this.#realMoment(restMs);
      else throw new Error(`waited in vain for ${what}: ${stuckProcessor(patienceMs)}`);
    }
  }

  /** Nothing is told apart any more. Until then every promise of this process costs several times what it does by itself. */
  close(): void {
    this.#currentAwsCall.disable();
    this.#currentUserCall.disable();
  }

  /** For how long, in real time, user code has been at work; `undefined` if none is. */
  #longestWorkMs(): number | undefined {
    const startedAtMs = [...this.#userCalls].flatMap(({ atWorkSinceMs }) => atWorkSinceMs ?? []);
    return startedAtMs.length === 0 ? undefined : systemClock.now() - Math.min(...startedAtMs);
  }

  async #nextMoment(what: string, restMs: number): Promise<void> {
    const { nextWakeInMs } = this.clock;
    if (nextWakeInMs === undefined) throw new Error(`waited in vain for ${what}: nothing is left that could happen`);
    await this.advance(Math.min(nextWakeInMs, restMs));
  }

  /** A moment of real time, which is also one of virtual time. */
  async #realMoment(restMs: number): Promise<void> {
    const startedAtMs = systemClock.now();
    await systemClock.sleep(1);
    await this.advance(Math.min(systemClock.now() - startedAtMs, restMs));
  }

  /** Waits until some turns of the event loop pass without a call to AWS: what is left then waits for time to pass. */
  async #atRest(): Promise<void> {
    let begunBefore: number;
    do {
      begunBefore = this.#begun;
      await settle();
    } while (this.#begun > begunBefore || [...this.#awsCalls].some(({ isHeld }) => !isHeld));
  }
}

/** A call to AWS that is under way. */
interface AwsCall {
  /** It waits for time to pass, or for a partition to be lifted, instead of for its answer. */
  isHeld: boolean;
}

/** Runs something and calls `onDeath` if that comes first, or has come already. */
async function untilDead<T>(dead: AbortSignal, onDeath: () => void, run: () => Promise<T>): Promise<T> {
  if (dead.aborted) onDeath();
  dead.addEventListener('abort', onDeath, { once: true });
  try {
    return await run();
  } finally {
    dead.removeEventListener('abort', onDeath);
  }
}

function stuckProcessor(patienceMs: number): string {
  return (
    `a call of a record processor has been at work for ${patienceMs} ms of real time. If it waits for time to pass, let it ` +
    'wait with sleep(), or let the time pass with advance(); if it needs longer, say so with patienceMs'
  );
}
