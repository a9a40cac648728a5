import { setTimeout as sleep } from 'node:timers/promises';
import type { Unit } from './flights';
import type { Producer } from './producer';

/** Replays slices of flights at an even pace, and lets others wait for how far it has come. */
export class Replay {
  /** Flights. */
  readonly total: number;
  readonly #slices: readonly (readonly Unit[])[];
  readonly #waiting: { readonly flights: number; readonly resolve: () => void }[] = [];
  #produced = 0;

  constructor(slices: readonly (readonly Unit[])[]) {
    this.#slices = slices;
    this.total = slices.reduce((sum, slice) => sum + flightsIn(slice), 0);
  }

  /** Flights that are stored in the stream. */
  get produced(): number {
    return this.#produced;
  }

  /** Takes `durationMs`, or as long as the producer needs. */
  async run(producer: Producer, durationMs: number, signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now();
    for (const [index, slice] of this.#slices.entries()) {
      const dueAtMs = startedAtMs + (durationMs * index) / this.#slices.length;
      await sleep(Math.max(0, dueAtMs - performance.now()), undefined, { signal });
      await producer.put(slice, signal);
      this.#produced += flightsIn(slice);
      this.#wake();
    }
  }

  /** Resolves when this share of the flights is in the stream, from 0 to 1. */
  reached(share: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ flights: share * this.total, resolve });
      this.#wake();
    });
  }

  #wake(): void {
    for (const { flights, resolve } of this.#waiting) if (this.#produced >= flights) resolve();
  }
}

function flightsIn(units: readonly Unit[]): number {
  return units.reduce((sum, { flightCount }) => sum + flightCount, 0);
}
