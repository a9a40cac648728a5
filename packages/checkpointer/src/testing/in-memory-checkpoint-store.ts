import type { Checkpoint, CheckpointOutcome } from '@millrace/core';
import type { CheckpointStore } from '../checkpoint-store';

/** Keeps every checkpoint it was given; answers with `next` as long as it is set. */
export class InMemoryCheckpointStore implements CheckpointStore {
  readonly stored: Checkpoint[] = [];
  /** What the outcome of each call was to tell of. */
  readonly asked: Checkpoint[] = [];
  next: CheckpointOutcome | undefined;
  /** When set, a write waits for it before it takes effect. */
  gate: Promise<void> | undefined;

  async checkpoint(checkpoint: Checkpoint, asked = checkpoint): Promise<CheckpointOutcome> {
    this.asked.push(asked);
    await this.gate;
    if (this.next !== undefined) return this.next;
    this.stored.push(checkpoint);
    return { kind: 'stored' };
  }
}
