import type { UserRecord } from '@millrace/core';
import type { BatchSettings } from './batch-options';

/** The records from there on that are handed over in one call: one at least, and no more than the limits allow. */
export function nextBatch(
  records: readonly UserRecord[],
  from: number,
  { maxRecords, maxBytes }: BatchSettings,
): readonly UserRecord[] {
  const last = Math.min(records.length, from + maxRecords);
  let bytes = records[from]?.data.byteLength ?? 0;
  let end = from + 1;
  for (; end < last; end++) {
    bytes += records[end]?.data.byteLength ?? 0;
    if (bytes > maxBytes) break;
  }
  return from === 0 && end >= records.length ? records : records.slice(from, end);
}
