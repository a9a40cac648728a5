import { checkpointAt, compareCheckpoints, type Checkpoint, type StreamRecord, type UserRecord } from '@millrace/core';
import { deaggregate, type DeaggregateOptions, type DeaggregationCounts } from '@millrace/record-deaggregator';

/** The user records of a batch that lie behind `position`; those of a partly acknowledged aggregate up to it are left out. */
export function newRecords(
  records: readonly StreamRecord[],
  position: Checkpoint,
  aggregation: DeaggregateOptions,
): { readonly records: readonly UserRecord[]; readonly counts: DeaggregationCounts | undefined } {
  const { records: all, counts } = deaggregate(records, aggregation);
  const isPlain = Object.values(counts).every((count: number) => count === 0);
  // In sequence: what lies behind the position comes last, and mostly is all there is.
  const first = all.findIndex((record) => compareCheckpoints(position, checkpointAt(record)) < 0);
  const behind = first <= 0 ? all : all.slice(first);
  return { records: first < 0 ? [] : behind, counts: isPlain ? undefined : counts };
}
