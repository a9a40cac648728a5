import assert from 'node:assert/strict';
import { sleepBy, type Clock } from '../clock';
import type { AbortSignalLike } from '../stop-signal';

interface Sleeper {
  readonly wakeAtMs: number;
  readonly order: number;
  readonly wake: () => void;
}

export interface ManualClockOptions {
  /** Milliseconds since the epoch at the beginning. */
  readonly wallTimeMs?: number;
  /** Waits until everything that can go on without time passing has gone on. Default: {@link settle}. */
  readonly settle?: () => Promise<void>;
}

/** A clock that stands still until {@link ManualClock.advance} moves it. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #wallTimeAtZeroMs: number;
  readonly #settle: () => Promise<void>;

  constructor({ wallTimeMs = 1_700_000_000_000, settle: settleWork = settle }: ManualClockOptions = {}) {
    this.#wallTimeAtZeroMs = wallTimeMs;
    this.#settle = settleWork;
  }

  now(): number {
    return this.#nowMs;
  }

  wallTime(): number {
    return this.#wallTimeAtZeroMs + this.#nowMs;
  }

  /** How many sleeps are pending. */
  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  /** How long until the next sleeper wakes; `undefined` if nothing sleeps. */
  get nextWakeInMs(): number | undefined {
    const next = this.#earliest(Infinity);
    return next === undefined ? undefined : Math.max(0, next.wakeAtMs - this.#nowMs);
  }

  after(delayMs: number, fire: () => void): () => void {
    const sleeper: Sleeper = { wakeAtMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, wake: fire };
    this.#sleepers.add(sleeper);
    return () => void this.#sleepers.delete(sleeper);
  }

  sleep(delayMs: number, signal?: AbortSignalLike): Promise<void> {
    return sleepBy(this, delayMs, signal);
  }

  /** Moves time by `deltaMs`, waking sleepers in the order of their times and letting their work settle in between. */
  async advance(deltaMs: number): Promise<void> {
    assert(deltaMs >= 0 && Number.isFinite(deltaMs), 'time moves ahead, by a finite number of milliseconds');
    const targetMs = this.#nowMs + deltaMs;
    await this.#settle();
    for (;;) {
      const next = this.#earliest(targetMs);
      if (next === undefined) break;
      this.#sleepers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.wakeAtMs);
      next.wake();
      await this.#settle();
    }
    // Another call may have moved it further meanwhile.
    this.#nowMs = Math.max(this.#nowMs, targetMs);
    await this.#settle();
  }

  /** Advances in small steps until `condition` holds. Throws after `limitMs` of virtual time. */
  async advanceUntil(condition: () => boolean, { stepMs = 10, limitMs = 600_000 } = {}): Promise<void> {
    const limitAtMs = this.#nowMs + limitMs;
    await this.#settle();
    while (!condition()) {
      if (this.#nowMs >= limitAtMs) throw new Error(`condition not met within ${String(limitMs)} ms of virtual time`);
      await this.advance(stepMs);
    }
  }

  #earliest(untilMs: number): Sleeper | undefined {
    let best: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.wakeAtMs > untilMs) continue;
      if (
        best === undefined ||
        sleeper.wakeAtMs < best.wakeAtMs ||
        (sleeper.wakeAtMs === best.wakeAtMs && sleeper.order < best.order)
      ) {
        best = sleeper;
      }
    }
    return best;
  }
}

/** Lets everything that can go on without time passing go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
