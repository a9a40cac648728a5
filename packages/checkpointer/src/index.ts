export type { CheckpointOutcome, CheckpointStore } from './checkpoint-store';
export { ShardCheckpointer, type Checkpointer } from './shard-checkpointer';
