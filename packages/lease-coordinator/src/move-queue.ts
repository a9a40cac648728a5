import { CallLimit } from './call-limit';

/** Writes that acquire or ask for leases at once, beside the renewals. */
const MAX_MOVES_AT_ONCE = 16;

/** Moves of leases: some at once, at most one for each lease, in the order in which they came. */
export class MoveQueue {
  readonly #limit = new CallLimit(MAX_MOVES_AT_ONCE);
  readonly #moving = new Set<string>();

  get size(): number {
    return this.#moving.size;
  }

  has(leaseKey: string): boolean {
    return this.#moving.has(leaseKey);
  }

  /** Resolves when the move is over. */
  async run(leaseKey: string, move: () => Promise<void>): Promise<void> {
    this.#moving.add(leaseKey);
    try {
      await this.#limit.run(move);
    } finally {
      this.#moving.delete(leaseKey);
    }
  }
}
