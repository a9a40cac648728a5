export { applicationPosition, latestMarginMs, type ApplicationPosition } from './application-position';
export type { ShardLister } from './shard-lister';
export { KinesisShardLister } from './kinesis-shard-lister';
export {
  describeStream,
  type DescribeStreamOptions,
  type StreamDescription,
  type StreamReference,
} from './stream-description';
export { planFinishedLeases, planMissingLeases, selectReadable, type MissingLease } from './lease-sync-plan';
export type { StreamShards } from './shard-lineage';
export type { FirstStart } from './first-start';
export { ShardSync, type LeaseTable, type ShardSyncObserver } from './shard-sync';
