/** A record as Kinesis returns it: one user record, or a KPL aggregate of several. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly approximateArrivalTimestamp: Date;
}

/** A record as its producer wrote it. */
export interface UserRecord {
  /** The payload. A view: keeping a few bytes of an aggregated record keeps its whole buffer alive; copy if you keep it. */
  readonly data: Uint8Array;
  readonly partitionKey: string;
  /** Set only for aggregated records whose producer gave one: Kinesis does not return it for others. */
  readonly explicitHashKey: string | undefined;
  /** Decimal, up to 128 digits. Shared by all records of one aggregate. */
  readonly sequenceNumber: string;
  /** Index in the aggregate; 0 for a record that was not aggregated. */
  readonly subSequenceNumber: number;
  readonly approximateArrivalTimestamp: Date;
  /** Whether it came out of a KPL aggregate. */
  readonly aggregated: boolean;
}
