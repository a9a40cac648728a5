import type { Ledger, LeaseRow, LeaseWrite, ProcessorEvent, ProcessorFact, PutRecord } from './ledger';

const shardId = 's';
const failoverTimeMs = 1_000;

/** Where the row stands: at the numbered record, or at none. */
const position = (number: number): string => (number === 0 ? 'TRIM_HORIZON' : `sequence-${number}`);

/**
 * Writes down what a fleet might have done with one shard, a step every 10 ms. What workers say and what the table goes
 * through are told apart, so that a test can let one lie about the other.
 */
export class HandMadeLedger {
  readonly #puts: PutRecord[] = [];
  readonly #events: ProcessorEvent[] = [];
  readonly #writes: LeaseWrite[] = [];
  readonly #killed: string[] = [];
  #row: LeaseRow | undefined;
  #nowMs = 0;

  /** With records 1 to `count`, and a row that nobody owns. */
  constructor(count: number) {
    for (let number = 1; number <= count; number++) {
      this.#puts.push({ shardId, number, sequenceNumber: position(number) });
    }
    this.writes('a', { counter: 0, owner: undefined, checkpoint: position(0) });
  }

  writes(writer: string, after: LeaseRow | undefined): this {
    this.#writes.push({ shardId, writer, atMs: this.#tick(), before: this.#row, after });
    this.#row = after;
    return this;
  }

  says(worker: string, token: number, fact: ProcessorFact): this {
    this.#events.push({ ...fact, worker, shardId, token, atMs: this.#tick() });
    return this;
  }

  /** The row's counter moves on, and what else is given changes. */
  moves(writer: string, changes: { readonly owner?: string | undefined; readonly number?: number } = {}): this {
    const { counter = 0, owner, checkpoint = position(0) } = this.#row ?? {};
    return this.writes(writer, {
      counter: counter + 1,
      owner: 'owner' in changes ? changes.owner : owner,
      checkpoint: changes.number === undefined ? checkpoint : position(changes.number),
    });
  }

  takes(worker: string, token: number): this {
    return this.moves(worker, { owner: worker }).says(worker, token, { kind: 'taken' });
  }

  processes(worker: string, token: number, numbers: readonly number[]): this {
    return this.says(worker, token, { kind: 'begin', numbers }).says(worker, token, { kind: 'end' });
  }

  acknowledges(worker: string, token: number, upTo: number): this {
    return this.says(worker, token, { kind: 'asked', upTo })
      .moves(worker, { number: upTo })
      .says(worker, token, { kind: 'stored', upTo });
  }

  isKilled(worker: string): this {
    this.#killed.push(worker);
    return this;
  }

  passes(ms: number): this {
    this.#nowMs += ms;
    return this;
  }

  get ledger(): Ledger {
    return { failoverTimeMs, puts: this.#puts, events: this.#events, writes: this.#writes, killed: this.#killed };
  }

  #tick(): number {
    this.#nowMs += 10;
    return this.#nowMs;
  }
}
