import { faultKinds, type FaultKind } from './fault-kinds';
import type { SimulationResult } from './simulation';

/** The sum over many seeds. */
export interface Totals {
  readonly seeds: number;
  readonly failures: number;
  readonly steps: number;
  readonly virtualHours: number;
  readonly seconds: number;
  readonly records: number;
  readonly checkpoints: number;
  readonly handovers: number;
  readonly successors: number;
  readonly evictions: number;
  readonly cancellations: number;
  /** How often each kind happened. */
  readonly faults: Readonly<Record<FaultKind, number>>;
}

export class TotalsCounter {
  #seeds = 0;
  #failures = 0;
  #steps = 0;
  #virtualMs = 0;
  #records = 0;
  #checkpoints = 0;
  #handovers = 0;
  #successors = 0;
  #evictions = 0;
  #cancellations = 0;
  readonly #faults = new Map<FaultKind, number>(faultKinds.map((kind) => [kind, 0]));

  add(result: SimulationResult): void {
    this.#seeds++;
    if (result.failure !== undefined) this.#failures++;
    this.#steps += result.steps;
    this.#virtualMs += result.virtualMs;
    this.#records += result.records;
    this.#checkpoints += result.checkpoints;
    this.#handovers += result.handovers;
    this.#successors += result.successors;
    this.#evictions += result.evictions;
    this.#cancellations += result.cancellations;
    for (const kind of faultKinds) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + (result.faults[kind] ?? 0));
  }

  totals(seconds: number): Totals {
    return {
      seeds: this.#seeds,
      failures: this.#failures,
      steps: this.#steps,
      virtualHours: Number((this.#virtualMs / 3_600_000).toFixed(2)),
      seconds: Number(seconds.toFixed(1)),
      records: this.#records,
      checkpoints: this.#checkpoints,
      handovers: this.#handovers,
      successors: this.#successors,
      evictions: this.#evictions,
      cancellations: this.#cancellations,
      faults: Object.fromEntries(this.#faults) as Record<FaultKind, number>,
    };
  }
}
