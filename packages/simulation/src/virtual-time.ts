import type { Clock } from '@millrace/core';
import type { Machine } from './machine';

/** Something that is to happen. */
export interface Happening {
  readonly atMs: number;
  /** Whether it may still happen. */
  isCancelled: boolean;
}

interface QueuedHappening extends Happening {
  atMs: number;
  /** When it was to happen first: after a pause everything comes in the order in which it would have come. */
  readonly dueAtMs: number;
  readonly order: number;
  readonly fire: () => void;
  readonly machine: Machine | undefined;
  readonly isTimer: boolean;
}

/** 2023-11-14: when every simulation begins, by the wall clock of the services. */
const epochMs = 1_700_000_000_000;

/**
 * The time of a whole world. Nothing happens but what was put here, one after another, in the order of the moments.
 * What belongs to a machine that is down never happens; on one that is paused it happens when it goes on.
 */
export class VirtualTime implements Clock {
  nowMs = 0;
  /** How many things have happened. */
  steps = 0;
  #order = 0;
  readonly #heap: QueuedHappening[] = [];

  /** Monotonic time of the services. */
  now(): number {
    return this.nowMs;
  }

  wallTime(): number {
    return epochMs + Math.floor(this.nowMs);
  }

  /** Of the services, which never wait; nor do they sleep. Theirs is {@link VirtualTime.at}. */
  after(): () => void {
    throw new Error('the services of a simulation do not wait');
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error('the services of a simulation do not sleep'));
  }

  /** What `machine` is given happens on it, and only if it is up. */
  at(atMs: number, fire: () => void, machine?: Machine, isTimer = false): Happening {
    const happening: QueuedHappening = {
      atMs,
      dueAtMs: atMs,
      order: this.#order++,
      fire,
      machine,
      isTimer,
      isCancelled: false,
    };
    this.#push(happening);
    return happening;
  }

  later(delayMs: number, fire: () => void, machine?: Machine): Happening {
    return this.at(this.nowMs + delayMs, fire, machine);
  }

  /** Lets the next thing happen. False when there is none before `untilMs`, which it is then. */
  step(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.#pop();
      if (next.isCancelled || next.machine?.isDown === true) continue;
      const { machine } = next;
      if (machine !== undefined && machine.pausedUntilMs > next.atMs) {
        next.atMs = machine.pausedUntilMs;
        this.#push(next);
        continue;
      }
      this.nowMs = next.atMs;
      if (next.isTimer && machine?.diesAtNextTimer === true) {
        machine.goDown('kill-at-timer');
        continue;
      }
      this.steps++;
      next.fire();
      return true;
    }
  }

  #push(happening: QueuedHappening): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, happening)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      const right = heap[childIndex + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (child === undefined || isBefore(last, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

function isBefore(a: QueuedHappening, b: QueuedHappening): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.dueAtMs < b.dueAtMs || (a.dueAtMs === b.dueAtMs && a.order < b.order);
}
