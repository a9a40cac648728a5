import { sleepBy, type AbortSignalLike, type Clock } from '@millrace/core';
import type { VirtualTime } from './virtual-time';
import type { FaultKind } from './fault-kinds';
import type { ServiceName } from './service-call';
import type { WriteKind } from './write-kinds';

/** A call that brings records, any at all, or a write of one kind; or the user's code gives a record up. */
export type StoppingCall = 'records' | 'any' | 'giving up' | WriteKind;

export interface MachineParts {
  readonly name: string;
  readonly time: VirtualTime;
  /** What its monotonic clock said when the world began. */
  readonly originMs: number;
  /** How far its wall clock is off. */
  readonly skewMs: number;
  /** How much further its wall clock goes off each millisecond. */
  readonly driftRate: number;
  /** How fast its monotonic clock and its timers run: 1 is right. */
  readonly clockRate: number;
  readonly onDown: (machine: Machine, how: FaultKind) => void;
}

/** The least step of a clock: less would vanish in the sum with a time that is a number of seven digits. */
const leastMs = 0.001;

/** So often a worker that starts makes a call before it gives up, and whoever runs it begins anew. */
const attemptsAtStart = 8;

/** What is waited for on a machine that is down. One of its own for each: whoever waits for a promise is kept by it. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** Where one worker runs: its clocks, and what can happen to it as a whole. */
export class Machine implements Clock {
  readonly name: string;
  isDown = false;
  /** Until then nothing runs here, while monotonic time goes on. */
  pausedUntilMs = 0;
  /** The end of its last suspension. */
  suspendedUntilMs = -Infinity;
  /** When something went wrong with one of its calls, or with it as a whole, in a seed in which no lease may be lost. */
  hurtAtMs = -Infinity;
  /** No call of it goes wrong before, in such a seed. */
  sparedUntilMs = -Infinity;
  diesAtNextTimer = false;
  /** It dies at its next call, or its next write to DynamoDB if `writesOnly`. */
  diesAtCall: { readonly when: 'before-effect' | 'after-effect'; readonly writesOnly: boolean } | undefined;
  /** It is paused, or suspended, right after its next such call has taken effect. */
  stopsAtCall:
    | {
        readonly kind: 'pause' | 'suspend';
        readonly lastsMs: number;
        readonly at: StoppingCall;
        readonly untilMs: number;
      }
    | undefined;
  /** Its worker is told to stop when its next such call has taken effect. */
  leavesAtCall: { readonly at: StoppingCall; readonly leave: () => void } | undefined;
  /** When the calls to a service get through again. */
  readonly cutOffUntilMs: Record<ServiceName, number> = { dynamodb: 0, kinesis: 0 };
  /** Until then it may not read records. */
  deniedUntilMs = 0;
  readonly #parts: MachineParts;
  /** How often each call has gone wrong since it last went well. */
  readonly #inVain = new Map<string, number>();
  #suspendedMs = 0;
  /** Until when its monotonic clock stands still. */
  #stillUntilMs = -Infinity;
  #skewMs: number;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.#skewMs = parts.skewMs;
  }

  now(): number {
    const { originMs, time, clockRate } = this.#parts;
    return originMs + (time.nowMs - this.#suspendedMs) * clockRate;
  }

  /** How long it really takes until its monotonic clock has gone so far. */
  realMs(monotonicMs: number): number {
    return monotonicMs / this.#parts.clockRate;
  }

  wallTime(): number {
    const { time, driftRate } = this.#parts;
    return Math.floor(time.wallTime() + this.#skewMs + time.nowMs * driftRate);
  }

  after(delayMs: number, fire: () => void): () => void {
    const { time } = this.#parts;
    const dueMs = this.now() + Math.max(0, delayMs);
    const look = (): void => {
      const restMs = dueMs - this.now();
      // Suspended meanwhile: this clock stood still.
      if (restMs > leastMs) happening = time.at(time.nowMs + this.realMs(restMs), look, this, true);
      else fire();
    };
    let happening = time.at(time.nowMs + this.realMs(delayMs > 0 ? Math.max(delayMs, leastMs) : 0), look, this, true);
    return () => {
      happening.isCancelled = true;
    };
  }

  sleep(delayMs: number, signal?: AbortSignalLike): Promise<void> {
    return sleepBy(this, delayMs, signal);
  }

  /** As SIGKILL: nothing of it runs any more. */
  goDown(how: FaultKind): void {
    if (this.isDown) return;
    this.isDown = true;
    this.#parts.onDown(this, how);
  }

  /** It is gone after a clean end, and nobody is to be told. */
  retire(): void {
    this.isDown = true;
  }

  /** As SIGSTOP and SIGCONT, or a blocked event loop. */
  pause(durationMs: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#parts.time.nowMs + durationMs);
  }

  /** As a laptop that is closed, or a virtual machine that is moved: the monotonic clock stands still as well. */
  suspend(durationMs: number): void {
    const { nowMs } = this.#parts.time;
    // Of a suspension that is still going on.
    const alreadyMs = Math.max(0, Math.min(this.#stillUntilMs - nowMs, durationMs));
    this.#stillUntilMs = Math.max(this.#stillUntilMs, nowMs + durationMs);
    this.pause(durationMs);
    this.#suspendedMs += durationMs - alreadyMs;
    this.suspendedUntilMs = this.pausedUntilMs;
  }

  /**
   * A call has taken effect, and its reply is on its way; or the user's code is about to give a record up. Returns what happens
   * to the machine just then.
   *
   * @param call what it brought or wrote; `undefined` if that is nothing
   */
  strike(call: 'records' | 'giving up' | WriteKind | undefined): 'pause' | 'suspend' | undefined {
    const { stopsAtCall, leavesAtCall } = this;
    if (leavesAtCall !== undefined && leavesAtCall.at === call) {
      this.leavesAtCall = undefined;
      leavesAtCall.leave();
    }
    if (stopsAtCall === undefined || (stopsAtCall.at !== call && (stopsAtCall.at !== 'any' || call === 'giving up')))
      return undefined;
    this.stopsAtCall = undefined;
    const { kind, lastsMs, untilMs } = stopsAtCall;
    this[kind](Math.max(0, Math.min(lastsMs, untilMs - this.#parts.time.nowMs)));
    return kind;
  }

  /** A call is made, of which `goesWell` says what becomes. */
  called(operation: string, goesWell: boolean): void {
    this.#inVain.set(operation, goesWell ? 0 : (this.#inVain.get(operation) ?? 0) + 1);
  }

  /** One of its calls has gone wrong every time, for as long as a worker that starts tries. */
  get isRefusedForGood(): boolean {
    return [...this.#inVain.values()].some((times) => times >= attemptsAtStart);
  }

  /** Somebody sets the wall clock. */
  setWallClockBy(deltaMs: number): void {
    this.#skewMs += deltaMs;
  }
}
