export type { CheckpointStore } from './checkpoint-store';
export { LowWatermark } from './low-watermark';
export { ShardCheckpointer, type Checkpointer } from './shard-checkpointer';
