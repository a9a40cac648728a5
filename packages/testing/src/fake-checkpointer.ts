import { ShardCheckpointer } from '@millrace/checkpointer';
import { TRIM_HORIZON, type Checkpoint, type CheckpointOutcome } from '@millrace/core';
import type { Checkpointer, RecordPosition } from 'millrace';

/**
 * A checkpointer without a lease table, for the unit test of a record processor. It has the rules of the real one: a record
 * that was not handed over is refused, nothing moves backwards, what is stored already is not written again.
 */
export class FakeCheckpointer implements Checkpointer {
  readonly #stored: RecordPosition[] = [];
  readonly #outcomes: CheckpointOutcome[] = [];
  readonly #checkpointer: ShardCheckpointer;
  #issued = 0;

  constructor() {
    this.#checkpointer = new ShardCheckpointer({
      shardId: 'shardId-000000000000',
      start: TRIM_HORIZON,
      store: { checkpoint: async (checkpoint) => this.#store(checkpoint) },
    });
  }

  /** Every position that was stored, oldest first. */
  get stored(): readonly RecordPosition[] {
    return this.#stored;
  }

  /** As the real one: without an argument up to the last record that was handed over. */
  checkpoint(upTo?: RecordPosition): Promise<void> {
    return this.#checkpointer.handle().checkpoint(upTo);
  }

  /** The next write fails: with `lost` as after another worker has taken the lease (`LeaseLostError`), with `failed` as in an outage (`CheckpointNotStoredError`). */
  failNext(kind: 'failed' | 'lost'): void {
    const error = new Error(`a fake checkpointer was told to fail: ${kind}`);
    this.#outcomes.push(kind === 'lost' ? { kind, stored: 'no', error } : { kind, error });
  }

  /** A record is being handed over, and may be acknowledged from now on. {@link recordBatch} does this. */
  deliver(position: RecordPosition): void {
    this.#checkpointer.deliver(position);
  }

  /** A sequence number above all earlier ones. */
  nextSequenceNumber(): string {
    return `49${String(++this.#issued).padStart(54, '0')}`;
  }

  #store(checkpoint: Checkpoint): CheckpointOutcome {
    const outcome = this.#outcomes.shift() ?? { kind: 'stored' };
    if (outcome.kind === 'stored' && checkpoint.kind === 'sequence-number') {
      const { sequenceNumber, subSequenceNumber } = checkpoint;
      this.#stored.push({ sequenceNumber, subSequenceNumber });
    }
    return outcome;
  }
}
