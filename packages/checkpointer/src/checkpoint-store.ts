import type { Checkpoint, CheckpointOutcome } from '@millrace/core';

/** Where the checkpoints of one shard are kept: its held lease. Writes one after another; never moves backwards. */
export interface CheckpointStore {
  checkpoint(checkpoint: Checkpoint): Promise<CheckpointOutcome>;
}
