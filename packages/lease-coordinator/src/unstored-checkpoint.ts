import type { Checkpoint } from '@millrace/core';

/** What a renewal can carry, so that it need not be two writes. */
export interface UnstoredCheckpoint {
  /** What is acknowledged and not stored yet. Called in the turn in which it is sent. */
  unstored(): Checkpoint | undefined;
  stored(checkpoint: Checkpoint): void;
}
