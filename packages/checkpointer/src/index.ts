export type { CheckpointStore } from './checkpoint-store';
export { ShardCheckpointer, type Checkpointer } from './shard-checkpointer';
