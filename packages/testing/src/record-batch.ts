import type { ProcessRecordsInput, UserRecord } from 'millrace';
import { FakeCheckpointer } from './fake-checkpointer';

/** A record for {@link recordBatch}; what is left out gets a sensible value. */
export type BatchRecord = Partial<Omit<UserRecord, 'data'>> & {
  /** A text becomes UTF-8. */
  readonly data: Uint8Array | string;
};

export interface BatchOptions {
  /** Default: `shardId-000000000000`. */
  readonly shardId?: string;
  /** Default: 1. */
  readonly fencingToken?: number;
  /** Default: 0. */
  readonly millisBehindLatest?: number;
  /** Default: one that never aborts. */
  readonly signal?: AbortSignal;
  /** To go on with from an earlier batch. Default: a new one, to be found in what is returned. */
  readonly checkpointer?: FakeCheckpointer;
}

/** What `processRecords` is called with. */
export interface Batch extends ProcessRecordsInput {
  readonly checkpointer: FakeCheckpointer;
}

const arrivedAt = new Date('2026-01-01T00:00:00Z');

/**
 * A batch for the unit test of a record processor alone, without a stream and without a worker. Sequence numbers grow with the order
 * of the records, and from one batch to the next with the same checkpointer.
 */
export function recordBatch(records: readonly BatchRecord[], options: BatchOptions = {}): Batch {
  const { shardId = 'shardId-000000000000', fencingToken = 1, millisBehindLatest = 0 } = options;
  const checkpointer = options.checkpointer ?? new FakeCheckpointer();
  const userRecords = records.map(({ data, ...given }): UserRecord => ({
    partitionKey: 'key',
    explicitHashKey: undefined,
    sequenceNumber: checkpointer.nextSequenceNumber(),
    subSequenceNumber: 0,
    approximateArrivalTimestamp: arrivedAt,
    aggregated: false,
    ...given,
    data: typeof data === 'string' ? new TextEncoder().encode(data) : data,
  }));
  for (const record of userRecords) checkpointer.deliver(record);
  return {
    records: userRecords,
    checkpointer,
    millisBehindLatest,
    signal: options.signal ?? new AbortController().signal,
    lease: { shardId, fencingToken },
  };
}
