/** Kinesis sequence numbers are decimal integers of up to 128 digits, kept as strings. */
export function isSequenceNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,127})$/.test(text);
}

/** Negative, zero or positive, as `a` is before, at or after `b`. Both must be decimal without leading zeros. */
export function compareSequenceNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The place of one user record in its shard. Records of one KPL aggregate share a sequence number and differ in the
 * sub-sequence number, which is the record's index in the aggregate; it is 0 for a record that was not aggregated.
 */
export interface RecordPosition {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

/** Negative, zero or positive, as `a` is before, at or after `b` in the shard. */
export function comparePositions(a: RecordPosition, b: RecordPosition): number {
  return compareSequenceNumbers(a.sequenceNumber, b.sequenceNumber) || a.subSequenceNumber - b.subSequenceNumber;
}
