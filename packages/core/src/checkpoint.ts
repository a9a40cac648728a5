import { comparePositions, isSequenceNumber, type RecordPosition } from './sequence-number';

/**
 * How far a shard has been read: up to and including a record, or one of the named positions.
 *
 * `latest` and `at-timestamp` mean the moment kept beside them in the lease ({@link Lease.initialTimestampMs}),
 * never the time at which somebody reads the row.
 */
export type Checkpoint =
  | { readonly kind: 'trim-horizon' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'at-timestamp' }
  | ({ readonly kind: 'sequence-number' } & RecordPosition)
  | { readonly kind: 'shard-end' };

export const TRIM_HORIZON: Checkpoint = { kind: 'trim-horizon' };
export const LATEST: Checkpoint = { kind: 'latest' };
export const AT_TIMESTAMP: Checkpoint = { kind: 'at-timestamp' };
export const SHARD_END: Checkpoint = { kind: 'shard-end' };

/** The checkpoint "up to and including this record". */
export function checkpointAt({ sequenceNumber, subSequenceNumber }: RecordPosition): Checkpoint {
  return { kind: 'sequence-number', sequenceNumber, subSequenceNumber };
}

/** No record of the shard has been acknowledged yet. */
export function isInitial(checkpoint: Checkpoint): boolean {
  return checkpoint.kind !== 'sequence-number' && checkpoint.kind !== 'shard-end';
}

const rank = { 'at-timestamp': 0, 'trim-horizon': 1, latest: 2, 'sequence-number': 3, 'shard-end': 4 } as const;

/**
 * Negative, zero or positive, as `a` is before, at or after `b`. The named positions order as in the Java KCL:
 * at-timestamp, trim horizon, latest, then every sequence number, then shard end.
 */
export function compareCheckpoints(a: Checkpoint, b: Checkpoint): number {
  if (a.kind === 'sequence-number' && b.kind === 'sequence-number') return comparePositions(a, b);
  return rank[a.kind] - rank[b.kind];
}

const names = {
  'trim-horizon': 'TRIM_HORIZON',
  latest: 'LATEST',
  'at-timestamp': 'AT_TIMESTAMP',
  'shard-end': 'SHARD_END',
} as const;

/** The words of a lease row: the KCL's sentinel or the sequence number, and the sub-sequence number. */
export function formatCheckpoint(checkpoint: Checkpoint): {
  readonly checkpoint: string;
  readonly subSequenceNumber: number;
} {
  return checkpoint.kind === 'sequence-number'
    ? { checkpoint: checkpoint.sequenceNumber, subSequenceNumber: checkpoint.subSequenceNumber }
    : { checkpoint: names[checkpoint.kind], subSequenceNumber: 0 };
}

/** The opposite of {@link formatCheckpoint}; `undefined` when the words are not a checkpoint. */
export function parseCheckpoint(text: string, subSequenceNumber: number): Checkpoint | undefined {
  switch (text) {
    case 'TRIM_HORIZON':
      return TRIM_HORIZON;
    case 'LATEST':
      return LATEST;
    case 'AT_TIMESTAMP':
      return AT_TIMESTAMP;
    case 'SHARD_END':
      return SHARD_END;
    default:
      if (!isSequenceNumber(text) || !Number.isSafeInteger(subSequenceNumber) || subSequenceNumber < 0)
        return undefined;
      return { kind: 'sequence-number', sequenceNumber: text, subSequenceNumber };
  }
}
