/** A record that was put. Within its shard records are numbered 1, 2, 3, … in the order of their sequence numbers. */
export interface PutRecord {
  readonly shardId: string;
  readonly number: number;
  readonly sequenceNumber: string;
}

/**
 * What happened to the processor of one shard in one worker process, as the process itself wrote it down.
 * - `taken`: the worker has the lease, with this fencing token.
 * - `begin`, `end`: of a call of `processRecords`, with the numbers of its records.
 * - `holding`, `blocking`: it comes to a halt, by order of the test; of no shard if that is after a read.
 * - `asked`: it is about to checkpoint, up to and including this number; `stored`: the checkpoint resolved; `refused`: it
 *   rejected with LeaseLostError, whose `stored` is given.
 * - `lost`: `leaseLost` was called.
 */
export type ProcessorFact =
  | { readonly kind: 'taken' | 'end' | 'holding' | 'blocking' | 'lost' }
  | { readonly kind: 'begin'; readonly numbers: readonly number[] }
  | { readonly kind: 'asked'; readonly upTo: number }
  | { readonly kind: 'stored'; readonly upTo: number }
  | { readonly kind: 'refused'; readonly upTo: number; readonly stored: 'no' | 'unknown' };

export type ProcessorEvent = ProcessorFact & {
  readonly worker: string;
  readonly shardId: string;
  readonly token: number;
  /** By the machine's monotonic clock, which all its processes share. */
  readonly atMs: number;
};

/** A lease row, as far as guarantees speak of it. */
export interface LeaseRow {
  readonly counter: number;
  /** Whose writes count: the owner, or during a hand-over who gives the lease away. */
  readonly owner: string | undefined;
  /** A sequence number, or a named position. */
  readonly checkpoint: string;
}

/** A write that has changed a lease row. */
export interface LeaseWrite {
  readonly shardId: string;
  /** Which worker's access key the call was signed with. */
  readonly writer: string;
  /** By the same clock as events: just before the write took effect. */
  readonly atMs: number;
  readonly before: LeaseRow | undefined;
  readonly after: LeaseRow | undefined;
}

/** All that is known of one run of a fleet, when it has come to its end. */
export interface Ledger {
  readonly failoverTimeMs: number;
  readonly puts: readonly PutRecord[];
  /** Of each worker in the order in which they happened. */
  readonly events: readonly ProcessorEvent[];
  /** In the order in which they took effect. */
  readonly writes: readonly LeaseWrite[];
  /** The workers that were killed: nothing can be expected of their last words. */
  readonly killed: readonly string[];
}

/** Milliseconds of the machine's monotonic clock: the same for all processes, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
