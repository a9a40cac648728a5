import type { Checkpoint, Lease, StartPosition } from '@millrace/core';

/** Where to read a shard of which nothing is acknowledged. `defaultTimestampMs` is for rows that do not say their moment. */
export function initialStart({ checkpoint, initialTimestampMs }: Lease, defaultTimestampMs: number): StartPosition {
  if (checkpoint.kind === 'latest' || checkpoint.kind === 'at-timestamp') {
    return { kind: 'at-timestamp', timestampMs: initialTimestampMs ?? defaultTimestampMs };
  }
  return { kind: 'trim-horizon' };
}

/** Where to read on from: the last record that was taken, or `initial` if there is none. */
export function startBehind(position: Checkpoint, initial: StartPosition): StartPosition {
  if (position.kind !== 'sequence-number') return initial;
  return { kind: 'at-sequence-number', sequenceNumber: position.sequenceNumber };
}
