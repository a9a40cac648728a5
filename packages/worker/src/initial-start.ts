import type { Lease, StartPosition } from '@millrace/core';

/** Where to read a shard of which nothing is acknowledged. `defaultTimestampMs` is for rows that do not say their moment. */
export function initialStart({ checkpoint, initialTimestampMs }: Lease, defaultTimestampMs: number): StartPosition {
  if (checkpoint.kind === 'latest' || checkpoint.kind === 'at-timestamp') {
    return { kind: 'at-timestamp', timestampMs: initialTimestampMs ?? defaultTimestampMs };
  }
  return { kind: 'trim-horizon' };
}
