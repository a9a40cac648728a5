import type { Clock } from '@millrace/core';
import type { LeaseStore } from '../src';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Time for a whole fleet. Everything here settles in microtasks, so one turn of the event loop between events is enough. */
export class WorldClock {
  nowMs = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const sleeper: Sleeper = {
        atMs: this.nowMs + Math.max(0, delayMs),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Moves to the next event, at `untilMs` at the latest. False when there is none before. */
  async step(untilMs: number): Promise<boolean> {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.atMs > untilMs) continue;
      if (
        next === undefined ||
        sleeper.atMs < next.atMs ||
        (sleeper.atMs === next.atMs && sleeper.order < next.order)
      ) {
        next = sleeper;
      }
    }
    this.nowMs = next?.atMs ?? untilMs;
    if (next !== undefined) {
      this.#sleepers.delete(next);
      next.wake();
    }
    await turn();
    return next !== undefined;
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * One machine's clocks. Its monotonic clock starts anywhere and runs a little fast or slow. Paused (the event loop is
 * blocked, or swapped out), it goes on but nothing runs; suspended, the monotonic clock stands still as well.
 */
export class NodeClock implements Clock {
  #frozenMs = 0;
  #asleepUntilMs = 0;
  #suspendedSinceMs: number | undefined;

  constructor(
    private readonly world: WorldClock,
    private readonly rate: number,
    private readonly originMs: number,
  ) {}

  get isSuspended(): boolean {
    return this.#suspendedSinceMs !== undefined;
  }

  get isAwake(): boolean {
    return this.world.nowMs >= this.#asleepUntilMs;
  }

  /** How long nothing has kept its timers from firing. */
  get steadyForMs(): number {
    return this.world.nowMs - this.#asleepUntilMs;
  }

  now(): number {
    const frozenNowMs = this.#suspendedSinceMs === undefined ? 0 : this.world.nowMs - this.#suspendedSinceMs;
    return this.originMs + (this.world.nowMs - this.#frozenMs - frozenNowMs) * this.rate;
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.world.nowMs;
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const frozenBeforeMs = this.#frozenMs;
    await this.world.sleep(delayMs / this.rate, signal);
    await this.untilAwake();
    const lateMs = this.#frozenMs - frozenBeforeMs;
    if (lateMs > 0 && signal?.aborted !== true) await this.world.sleep(Math.min(lateMs, delayMs), signal);
    await this.untilAwake();
  }

  async untilAwake(): Promise<void> {
    while (!this.isAwake) {
      // A crashed machine never wakes.
      if (this.#asleepUntilMs === Infinity) await new Promise(() => undefined);
      await this.world.sleep(this.#asleepUntilMs - this.world.nowMs);
    }
  }

  crash(): void {
    this.#asleepUntilMs = Infinity;
  }

  pause(durationMs: number): void {
    this.#asleepUntilMs = Math.max(this.#asleepUntilMs, this.world.nowMs + durationMs);
  }

  suspend(durationMs: number): void {
    if (!this.isAwake) return;
    this.pause(durationMs);
    const sinceMs = this.world.nowMs;
    this.#suspendedSinceMs = sinceMs;
    void this.world.sleep(durationMs).then(() => {
      this.#frozenMs += this.world.nowMs - sinceMs;
      this.#suspendedSinceMs = undefined;
    });
  }
}

/** Answers reach a machine only when it is awake; what it has sent is under way whether it is or not. */
export function behind(clock: NodeClock, store: LeaseStore): LeaseStore {
  const whenAwake = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } finally {
      await clock.untilAwake();
    }
  };
  return {
    list: (...call) => whenAwake(store.list(...call)),
    get: (...call) => whenAwake(store.get(...call)),
    create: (...call) => whenAwake(store.create(...call)),
    take: (...call) => whenAwake(store.take(...call)),
    adopt: (...call) => whenAwake(store.adopt(...call)),
    renew: (...call) => whenAwake(store.renew(...call)),
    checkpoint: (...call) => whenAwake(store.checkpoint(...call)),
    requestHandover: (...call) => whenAwake(store.requestHandover(...call)),
    completeHandover: (...call) => whenAwake(store.completeHandover(...call)),
    release: (...call) => whenAwake(store.release(...call)),
    delete: (...call) => whenAwake(store.delete(...call)),
  };
}
