import type { Machine } from './machine';
import type { VirtualTime } from './virtual-time';
import type { Violate } from './violation';

export interface RestWatchParts {
  readonly time: VirtualTime;
  readonly violate: Violate;
  /** After so long without a reason every lease is where it belongs. */
  readonly restsAfterMs: number;
  /** For so long the user's code may hold up what has begun, until everything was seen to be well. */
  readonly heldUpMs: number;
}

/**
 * Checks G6 from its other side: a fleet in which nobody joins or leaves, no shard begins or ends, and nothing goes wrong comes
 * to rest, and then no lease moves.
 */
export class RestWatch {
  moves = 0;
  readonly #parts: RestWatchParts;
  #disturbedAtMs = 0;
  #heldUpMs: number;
  #isWell = false;

  constructor(parts: RestWatchParts) {
    this.#parts = parts;
    this.#heldUpMs = parts.heldUpMs;
  }

  /** When something happened last because of which leases may move. */
  get disturbedAtMs(): number {
    return this.#disturbedAtMs;
  }

  /** The faults are over, everybody has its share, and no hand-over is under way. */
  well(): void {
    this.#heldUpMs = 0;
    this.#isWell = true;
  }

  /** Nothing has happened since all was well because of which leases may move, and none has moved. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** A worker comes or goes. What that begins may be held up again, until all is well again. */
  fleetChanged(): void {
    this.disturbed();
    this.#heldUpMs = this.#parts.heldUpMs;
  }

  /** Something happened because of which leases may move. */
  disturbed(): void {
    this.#disturbedAtMs = this.#parts.time.nowMs;
    this.#isWell = false;
  }

  /** A lease goes from its holder to another, or to nobody. */
  moved(leaseKey: string, from: Machine, to?: Machine): void {
    this.moves++;
    this.#isWell = false;
    const { time, violate, restsAfterMs } = this.#parts;
    const quietMs = time.nowMs - this.#disturbedAtMs;
    if (quietMs < restsAfterMs + this.#heldUpMs) return;
    const how = to === undefined ? `was given up by ${from.name}` : `went from ${from.name} to ${to.name}`;
    violate('G6', `the lease ${how} although nothing had happened for ${quietMs.toFixed(0)} ms`, leaseKey);
  }
}
