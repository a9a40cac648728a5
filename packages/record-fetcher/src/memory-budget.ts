import assert from 'node:assert';
import { type AbortSignalLike, SmallSet } from '@millrace/core';

/** What is asked for, in bytes. */
export interface MemoryRequest {
  /** With less than this nothing can be done. */
  readonly least: number;
  /** More than this is of no use. */
  readonly most: number;
}

/** Memory that counts as used until it is released. */
export interface Reservation {
  readonly bytes: number;
  /**
   * What is really needed, which is known now. More than was reserved is counted too, whether or not it is left: it is there
   * already, and nobody else gets any until it is released.
   */
  resize(bytes: number): void;
  /** Once: any further call does nothing. */
  release(): void;
}

interface Waiter {
  readonly share: MemoryShare;
  readonly request: MemoryRequest;
  readonly grant: (reservation: Reservation) => void;
}

/** By what it holds: who holds nothing goes first, who holds its share or more goes last. */
const ranks = { emptyHanded: 0, belowShare: 1, sated: 2 } as const;
type Rank = (typeof ranks)[keyof typeof ranks];

/**
 * So many bytes that shards share. Whoever is about to use some reserves them first, and waits until they are left.
 *
 * - Shards that hold nothing go first, those that hold an equal share or more go last; of their like the first come are the first
 *   served. Nobody passes one who goes before it, however little it asks for: so each that waits gets its turn, as
 *   long as what is held is released.
 * - A shard that holds its share gets more only out of the first half of the budget: the other half is for those that hold less, and may
 *   come at any time.
 * - What is more than the whole budget is granted while nothing is held: it would wait for ever otherwise.
 *
 * Invariant: `usedBytes` is the sum of what is held, and is above the budget only by such a request, or by what has turned
 * out to be larger than was reserved for it.
 */
export class MemoryBudget {
  readonly bytes: number;
  readonly #shares = new Set<MemoryShare>();
  /** In the order in which they came. */
  readonly #waiters: Waiter[] = [];
  #usedBytes = 0;
  /** The same for all shares. */
  readonly #ledger: Ledger;

  /** @param bytes a whole number, 1 or more */
  constructor(bytes: number) {
    assert(Number.isInteger(bytes) && bytes >= 1, 'a budget must be of whole bytes, one at least');
    this.bytes = bytes;
    this.#ledger = {
      budgetBytes: bytes,
      tryReserve: (share, request) => this.#tryReserve(share, request),
      reserve: (share, request, signal) => this.#reserve(share, request, signal),
      changed: (byBytes) => this.#changed(byBytes),
      closed: (share) => this.#closed(share),
    };
  }

  /** By all shards together. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Shards that wait for memory. */
  get waitingShares(): number {
    return new Set(this.#waiters.map(({ share }) => share)).size;
  }

  /** For one shard more. It counts as one of those that share until it is closed. */
  open(): MemoryShare {
    const share = new MemoryShare(this.#ledger);
    this.#shares.add(share);
    return share;
  }

  #tryReserve(share: MemoryShare, request: MemoryRequest): Reservation | undefined {
    // Not before those who go before it, some of whom may have come to be served only by its coming.
    for (
      let next = this.#next();
      next !== undefined && this.#rankOf(next.share) <= this.#rankOf(share);
      next = this.#next()
    ) {
      if (!this.#serve(next)) return undefined;
    }
    const bytes = this.#grantable(share, inWholeBytes(request));
    if (bytes === undefined) return undefined;
    const granted = share.take(bytes);
    this.#grant();
    return granted;
  }

  #reserve(share: MemoryShare, request: MemoryRequest, signal: AbortSignalLike): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiter: Waiter = {
        share,
        request: inWholeBytes(request),
        grant: (reservation) => {
          signal.removeEventListener('abort', onAbort);
          resolve(reservation);
        },
      };
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
        // Others may have waited behind it only.
        this.#grant();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#grant();
    });
  }

  #changed(byBytes: number): void {
    this.#usedBytes += byBytes;
    if (byBytes < 0) this.#grant();
  }

  #closed(share: MemoryShare): void {
    this.#shares.delete(share);
    // Shares are larger now.
    this.#grant();
  }

  #grant(): void {
    for (let next = this.#next(); next !== undefined && this.#serve(next);) next = this.#next();
  }

  /** Returns whether there was enough for it. */
  #serve(waiter: Waiter): boolean {
    const bytes = this.#grantable(waiter.share, waiter.request);
    if (bytes === undefined) return false;
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    waiter.grant(waiter.share.take(bytes));
    return true;
  }

  #next(): Waiter | undefined {
    let best: Waiter | undefined;
    for (const waiter of this.#waiters) {
      const rank = this.#rankOf(waiter.share);
      // Nobody goes before it, and hundreds may wait behind it.
      if (rank === ranks.emptyHanded) return waiter;
      if (best === undefined || rank < this.#rankOf(best.share)) best = waiter;
    }
    return best;
  }

  /** How much of what it asks for is left for it; `undefined`: not enough. */
  #grantable(share: MemoryShare, { least, most }: MemoryRequest): number | undefined {
    if (this.#usedBytes === 0) return Math.min(most, Math.max(least, this.bytes));
    const keptBytes = this.#rankOf(share) === ranks.sated ? Math.ceil(this.bytes / 2) : 0;
    const leftBytes = this.bytes - this.#usedBytes - keptBytes;
    return leftBytes >= least ? Math.min(most, leftBytes) : undefined;
  }

  #rankOf({ heldBytes }: MemoryShare): Rank {
    if (heldBytes === 0) return ranks.emptyHanded;
    return heldBytes * this.#shares.size < this.bytes ? ranks.belowShare : ranks.sated;
  }
}

/** A sum of them is exact, and comes back to nothing. */
function inWholeBytes({ least, most }: MemoryRequest): MemoryRequest {
  assert(least <= most, 'the least must not be more than the most');
  return { least: Math.ceil(least), most: Math.ceil(most) };
}

/** A {@link MemoryBudget} as its shares see it. */
interface Ledger {
  readonly budgetBytes: number;
  readonly tryReserve: (share: MemoryShare, request: MemoryRequest) => Reservation | undefined;
  readonly reserve: (share: MemoryShare, request: MemoryRequest, signal: AbortSignalLike) => Promise<Reservation>;
  /** A share holds so much more than before. */
  readonly changed: (byBytes: number) => void;
  readonly closed: (share: MemoryShare) => void;
}

/** One shard's part in a {@link MemoryBudget}. */
export class MemoryShare {
  readonly #ledger: Ledger;
  readonly #held = new SmallSet<Reservation>();
  #heldBytes = 0;

  /** By {@link MemoryBudget.open} only. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Of the whole budget. */
  get budgetBytes(): number {
    return this.#ledger.budgetBytes;
  }

  /** What is left for it now; `undefined`: not enough, or it is not its turn. Nothing waits then. */
  tryReserve(request: MemoryRequest): Reservation | undefined {
    return this.#ledger.tryReserve(this, request);
  }

  /** Waits for its turn. Rejects with `signal.reason` as soon as `signal` aborts; nothing is held then. */
  reserve(request: MemoryRequest, signal: AbortSignalLike): Promise<Reservation> {
    return this.#ledger.reserve(this, request, signal);
  }

  /** Releases all that it still holds. To be called when nothing of it waits any more. */
  close(): void {
    for (const reservation of [...this.#held]) reservation.release();
    this.#ledger.closed(this);
  }

  /** For the budget: so much is granted. */
  take(bytes: number): Reservation {
    const granted = new GrantedReservation(bytes, this);
    this.#held.add(granted);
    this.#change(bytes);
    return granted;
  }

  /** By {@link GrantedReservation} only. */
  resize(granted: GrantedReservation, bytes: number): void {
    if (!this.#held.has(granted)) return;
    const byBytes = bytes - granted.bytes;
    granted.bytes = bytes;
    this.#change(byBytes);
  }

  /** By {@link GrantedReservation} only. */
  release(granted: GrantedReservation): void {
    if (this.#held.delete(granted)) this.#change(-granted.bytes);
  }

  #change(byBytes: number): void {
    this.#heldBytes += byBytes;
    this.#ledger.changed(byBytes);
  }
}

/** Its bytes are set by its share only, which counts them. */
class GrantedReservation implements Reservation {
  constructor(
    public bytes: number,
    private readonly share: MemoryShare,
  ) {}

  resize(bytes: number): void {
    this.share.resize(this, Math.ceil(bytes));
  }

  release(): void {
    this.share.release(this);
  }
}
