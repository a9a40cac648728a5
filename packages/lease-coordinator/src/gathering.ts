import type { FleetView } from './lease-views';

/** `filling`: some worker fills an empty table. `gathering`: leases are on their way to this worker, or from it. */
export type SharingPhase = 'filling' | 'gathering' | 'settled';

/** Whether leases are being shared out: what is less of a hurry than that can wait. */
export class Gathering {
  #isFilling = false;
  /** Asked for, or handed over to this worker, and not here yet. */
  #awaited = new Set<string>();
  #hasLooked = false;

  constructor(
    private readonly me: string,
    private readonly isHeld: (leaseKey: string) => boolean,
    /** Whether others have asked for leases that this worker has. */
    private readonly isGiving: () => boolean,
  ) {}

  get phase(): SharingPhase {
    if (this.#isFilling) return 'filling';
    return this.#awaited.size > 0 || !this.#hasLooked || this.isGiving() ? 'gathering' : 'settled';
  }

  /** The whole table was read. */
  looked({ fillers, leases }: FleetView): void {
    this.#hasLooked = true;
    this.#isFilling = fillers.size > 0;
    const awaited = leases.filter(({ owner, leaseKey }) => owner === this.me && !this.isHeld(leaseKey));
    this.#awaited = new Set(awaited.map(({ leaseKey }) => leaseKey));
  }

  asked(leaseKey: string): void {
    this.#awaited.add(leaseKey);
  }

  got(leaseKey: string): void {
    this.#awaited.delete(leaseKey);
  }
}
