import type { Checkpoint, CheckpointOutcome } from '@millrace/core';

/** Where the checkpoints of one shard are kept: its held lease. Writes one after another; never moves backwards. */
export interface CheckpointStore {
  /** `asked`: what the outcome is to tell of when the lease is lost, where the write carries more than that. Default: `checkpoint`. */
  checkpoint(checkpoint: Checkpoint, asked?: Checkpoint): Promise<CheckpointOutcome>;
}
