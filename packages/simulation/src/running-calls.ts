import type { Machine } from './machine';
import type { VirtualTime } from './virtual-time';
import type { Violate } from './violation';

/** One call of the user's code that has not settled. */
interface RunningCall {
  readonly machine: Machine;
  readonly shardId: string;
  readonly method: string;
  readonly signal: AbortSignal;
}

export interface RunningCallsParts {
  readonly time: VirtualTime;
  readonly violate: Violate;
  /** So long after it was suspended a machine is behind its time: nobody can tell it that its lease is over. */
  readonly suspendedForMs: number;
}

/**
 * Which calls of the user's code are under way. Checks two things that the rows alone do not show: a lease is given away only
 * when nothing runs under it, and when it goes to another after all, what still runs has been told so.
 */
export class RunningCalls {
  readonly #parts: RunningCallsParts;
  readonly #calls = new Set<RunningCall>();

  constructor(parts: RunningCallsParts) {
    this.#parts = parts;
  }

  /** Takes note of a call for as long as it takes. */
  async during<T>(call: RunningCall, work: () => Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await work();
    } finally {
      this.#calls.delete(call);
    }
  }

  /** A call that outlives its lease, if there is one: as long as it lasts its machine does not take that lease again. */
  outliving(holder: (shardId: string) => Machine | undefined): string | undefined {
    const outliving = [...this.#calls].find(({ machine, shardId }) => !machine.isDown && holder(shardId) !== machine);
    return outliving && `${outliving.method} on ${outliving.machine.name}, of an earlier lease of ${outliving.shardId}`;
  }

  /** The machine has released the lease, or handed it over. */
  givenAway(machine: Machine, leaseKey: string): void {
    for (const call of this.#calls) {
      if (call.shardId !== leaseKey || call.machine !== machine) continue;
      this.#parts.violate('G4', `${machine.name} gave the lease away while ${call.method} was under way`, leaseKey);
    }
  }

  /** The lease is this machine's now. */
  acquired(machine: Machine, leaseKey: string): void {
    const { time, violate, suspendedForMs } = this.#parts;
    for (const { machine: other, shardId, method, signal } of this.#calls) {
      if (shardId !== leaseKey || other === machine || signal.aborted) continue;
      const isBehind = other.pausedUntilMs >= time.nowMs || other.suspendedUntilMs + suspendedForMs > time.nowMs;
      if (other.isDown || isBehind) continue;
      violate(
        'G4',
        `${machine.name} acquired the lease, and ${method} on ${other.name} was not told to stop`,
        leaseKey,
      );
    }
  }
}
