/** What must hold: the guarantees of docs/guarantees.md, and that a worker starts, runs and stops without a surprise. */
export type Guarantee = 'G1' | 'G2' | 'G3' | 'G4' | 'G5' | 'G6' | 'G7' | 'worker';

export interface Violation {
  readonly guarantee: Guarantee;
  readonly what: string;
  readonly leaseKey: string | undefined;
}

/** Takes in what was found wrong. The first one ends the run. */
export type Violate = (guarantee: Guarantee, what: string, leaseKey?: string) => void;
