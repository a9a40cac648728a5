/**
 * What the service refuses to exceed. `Infinity` switches one off. "Per second" is a token bucket that holds one
 * second's worth, so a burst of that size passes after a quiet second; a refused call or record costs nothing.
 */
export interface KinesisLimits {
  /** GetRecords calls per second and shard. AWS: 5 ("Quotas and limits"). */
  readonly getRecordsCallsPerSecond: number;
  /**
   * Bytes (data and partition key) read with GetRecords per second and shard. AWS: 2 MB. A page larger than one second's worth
   * is still delivered, and the shard refuses reads for as long as the page took from the future: 5 s after 10 MB.
   */
  readonly readBytesPerSecond: number;
  /** Records in one GetRecords page. AWS: 10,000 (GetRecords). */
  readonly getRecordsMaxRecords: number;
  /** Bytes in one GetRecords page, not counting a first record that is larger. AWS: 10 MB (GetRecords). */
  readonly getRecordsMaxBytes: number;
  /** GetShardIterator calls per second and shard. AWS: 5 (GetShardIterator). */
  readonly getShardIteratorCallsPerSecond: number;
  /** ListShards calls per second and stream. AWS: 1000 (ListShards). */
  readonly listShardsCallsPerSecond: number;
  /** Bytes (data and partition key) written per second and shard. AWS: 1 MB ("Quotas and limits"). */
  readonly writeBytesPerSecond: number;
  /** Records written per second and shard. AWS: 1000 ("Quotas and limits"). */
  readonly writeRecordsPerSecond: number;
  /**
   * Records larger than one second's worth of `writeBytesPerSecond` may together take as many bytes of a shard at once as it
   * takes in in this time. All writes count, so that it stays an average. AWS: 10 s, "bursts up to 10 MiBs, while averaging
   * out to 1 MiB per second" ("Handle large records").
   */
  readonly writeBurstMs: number;
  /** Entries in one PutRecords call. AWS: 500 (PutRecords). */
  readonly putRecordsMaxRecords: number;
  /** Bytes (data and partition keys) in one PutRecords call. AWS: 10 MiB (PutRecords). */
  readonly putRecordsMaxBytes: number;
  /** Bytes (data and partition key) in one record, until UpdateMaxRecordSize says otherwise. AWS: 1 MiB ("Handle large records"). */
  readonly recordMaxBytes: number;
  /** How long a shard iterator can be used. AWS: 5 minutes (GetShardIterator). */
  readonly shardIteratorLifeMs: number;
  /** How long the NextToken of ListShards can be used. AWS: 300 s (ListShards). */
  readonly nextTokenLifeMs: number;
  /** Open shards in all PROVISIONED streams together. AWS: 20,000 in the largest regions ("Quotas and limits"). */
  readonly shardQuota: number;
  /** Streams in the mode ON_DEMAND. AWS: 50 ("Quotas and limits"). */
  readonly onDemandStreamQuota: number;
  /** Streams in the state CREATING at a time. AWS: 5 (CreateStream). */
  readonly streamsBeingCreated: number;
  /** Tags of one stream. AWS: 50 (AddTagsToStream). */
  readonly tagsPerStream: number;
  /** Successful UpdateShardCount calls in any 24 hours per stream. AWS: 10 (UpdateShardCount). */
  readonly shardCountUpdatesPerDay: number;
  /** Shards that UpdateShardCount may be asked for. AWS: 10,000 (UpdateShardCount). */
  readonly shardCountUpdateMaxShards: number;
  /** Successful UpdateStreamMode calls in any 24 hours per stream. AWS: 2 ("Quotas and limits"). */
  readonly streamModeSwitchesPerDay: number;
  /** AddTagsToStream calls per second and account. AWS: 5 (AddTagsToStream). */
  readonly addTagsToStreamCallsPerSecond: number;
  /** CreateStream calls per second and account. AWS: 5 (CreateStream). */
  readonly createStreamCallsPerSecond: number;
  /** DecreaseStreamRetentionPeriod calls per second and stream. AWS: 5 ("Quotas and limits"). */
  readonly decreaseRetentionCallsPerSecond: number;
  /** DeleteStream calls per second and account. AWS: 5 (DeleteStream). */
  readonly deleteStreamCallsPerSecond: number;
  /** DescribeLimits calls per second and account. AWS: 1 (DescribeLimits). */
  readonly describeLimitsCallsPerSecond: number;
  /** DescribeStream calls per second and account. AWS: 10 (DescribeStream). */
  readonly describeStreamCallsPerSecond: number;
  /** DescribeStreamSummary calls per second and account. AWS: 20 (DescribeStreamSummary). */
  readonly describeStreamSummaryCallsPerSecond: number;
  /** IncreaseStreamRetentionPeriod calls per second and stream. AWS: 5 ("Quotas and limits"). */
  readonly increaseRetentionCallsPerSecond: number;
  /** ListStreams calls per second and account. AWS: 5 (ListStreams). */
  readonly listStreamsCallsPerSecond: number;
  /** ListTagsForResource calls per second and account. AWS doesn't say: as for ListTagsForStream. */
  readonly listTagsForResourceCallsPerSecond: number;
  /** ListTagsForStream calls per second and account. AWS: 5 (ListTagsForStream). */
  readonly listTagsForStreamCallsPerSecond: number;
  /** MergeShards calls per second and account. AWS: 5 (MergeShards). */
  readonly mergeShardsCallsPerSecond: number;
  /** RemoveTagsFromStream calls per second and account. AWS: 5 (RemoveTagsFromStream). */
  readonly removeTagsFromStreamCallsPerSecond: number;
  /** SplitShard calls per second and account. AWS: 5 (SplitShard). */
  readonly splitShardCallsPerSecond: number;
  /** TagResource calls per second and account. AWS doesn't say: as for AddTagsToStream. */
  readonly tagResourceCallsPerSecond: number;
  /** UntagResource calls per second and account. AWS doesn't say: as for RemoveTagsFromStream. */
  readonly untagResourceCallsPerSecond: number;
  /** UpdateShardCount calls per second and account. AWS: 10 (UpdateShardCount). */
  readonly updateShardCountCallsPerSecond: number;
}

const mebibyte = 1024 * 1024;

/** The documented limits of AWS. "MB" is read as MiB throughout. */
export const defaultKinesisLimits: KinesisLimits = {
  getRecordsCallsPerSecond: 5,
  readBytesPerSecond: 2 * mebibyte,
  getRecordsMaxRecords: 10_000,
  getRecordsMaxBytes: 10 * mebibyte,
  getShardIteratorCallsPerSecond: 5,
  listShardsCallsPerSecond: 1000,
  writeBytesPerSecond: mebibyte,
  writeRecordsPerSecond: 1000,
  writeBurstMs: 10_000,
  putRecordsMaxRecords: 500,
  putRecordsMaxBytes: 10 * mebibyte,
  recordMaxBytes: mebibyte,
  shardIteratorLifeMs: 300_000,
  nextTokenLifeMs: 300_000,
  shardQuota: 20_000,
  onDemandStreamQuota: 50,
  streamsBeingCreated: 5,
  tagsPerStream: 50,
  shardCountUpdatesPerDay: 10,
  shardCountUpdateMaxShards: 10_000,
  streamModeSwitchesPerDay: 2,
  addTagsToStreamCallsPerSecond: 5,
  createStreamCallsPerSecond: 5,
  decreaseRetentionCallsPerSecond: 5,
  deleteStreamCallsPerSecond: 5,
  describeLimitsCallsPerSecond: 1,
  describeStreamCallsPerSecond: 10,
  describeStreamSummaryCallsPerSecond: 20,
  increaseRetentionCallsPerSecond: 5,
  listStreamsCallsPerSecond: 5,
  listTagsForResourceCallsPerSecond: 5,
  listTagsForStreamCallsPerSecond: 5,
  mergeShardsCallsPerSecond: 5,
  removeTagsFromStreamCallsPerSecond: 5,
  splitShardCallsPerSecond: 5,
  tagResourceCallsPerSecond: 5,
  untagResourceCallsPerSecond: 5,
  updateShardCountCallsPerSecond: 10,
};

/** The defaults with `overrides` on top, and what is wrong with them. */
export function resolveKinesisLimits(overrides: Partial<KinesisLimits> = {}): {
  readonly limits: KinesisLimits;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const limits: Record<string, number> = { ...defaultKinesisLimits };
  for (const [name, value] of Object.entries<unknown>(overrides)) {
    if (!Object.hasOwn(defaultKinesisLimits, name)) problems.push(`limits.${name} is not a known limit`);
    else if (typeof value === 'number' && value > 0) limits[name] = value;
    else if (value !== undefined) problems.push(`limits.${name} must be a number greater than 0, or Infinity`);
  }
  return { limits: { ...defaultKinesisLimits, ...limits }, problems };
}
