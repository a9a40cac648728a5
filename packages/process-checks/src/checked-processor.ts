import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@millrace/core';
import { seededRandom } from '@millrace/core/testing';
import type {
  Checkpointer,
  ProcessorLease,
  ProcessRecordsInput,
  RecordProcessor,
  ShardEndedInput,
  ShutdownRequestedInput,
  UserRecord,
} from 'millrace';
import type { Position, WorkerMessage } from './messages';
import type { Life } from './point';

/** How long each part of a call takes at most. */
const maxPauseMs = 40;

/**
 * User code that takes its time, and says what it was given and what it has acknowledged. With manual checkpointing it
 * acknowledges now all that it has, now a part of it, now nothing.
 */
export class CheckedProcessor implements RecordProcessor {
  readonly #random: Random;
  /** The number of the last record of the last call that resolved. */
  #done = 0;

  constructor(
    private readonly life: Life,
    private readonly say: (message: WorkerMessage) => void,
  ) {
    this.#random = seededRandom(life.seed);
  }

  async processRecords({ records, checkpointer, lease, signal }: ProcessRecordsInput): Promise<void> {
    const numbers = records.map(numberOf);
    const last = numbers.at(-1) ?? 0;
    this.say({ kind: 'handed', ...nameOf(lease), numbers });
    await this.#pause(signal);
    if (this.life.checkpointing === 'automatic') {
      // Said before it is so: nothing can come between, as long as the process lives.
      this.#acknowledged(lease, last);
    } else {
      await this.#checkpointSome(records, checkpointer, lease, signal);
    }
    this.#done = last;
  }

  async shutdownRequested({ checkpointer, lease }: ShutdownRequestedInput): Promise<void> {
    if (this.life.checkpointing === 'automatic' || !this.life.flushes || this.#done === 0) return;
    await this.#pause(undefined);
    await this.#checkpoint(lease, this.#done, () => checkpointer.checkpoint());
  }

  async shardEnded({ lease, signal }: ShardEndedInput): Promise<void> {
    await this.#pause(signal);
    this.#acknowledged(lease, 'shard end');
  }

  async #checkpointSome(
    records: readonly UserRecord[],
    checkpointer: Checkpointer,
    lease: ProcessorLease,
    signal: AbortSignal,
  ): Promise<void> {
    const some = records[Math.floor(this.#random.next() * records.length)];
    const chance = this.#random.next();
    if (chance < 0.4 && some !== undefined) {
      await this.#checkpoint(lease, numberOf(some), () => checkpointer.checkpoint(some));
      await this.#pause(signal);
    } else if (chance < 0.8) {
      await this.#checkpoint(lease, records.map(numberOf).at(-1) ?? 0, () => checkpointer.checkpoint());
    }
  }

  async #checkpoint(lease: ProcessorLease, upTo: number, checkpoint: () => Promise<void>): Promise<void> {
    try {
      await checkpoint();
      this.#acknowledged(lease, upTo);
    } catch (error) {
      this.say({ kind: 'refused', ...nameOf(lease), why: String(error) });
    }
  }

  #acknowledged(lease: ProcessorLease, upTo: Position): void {
    this.say({ kind: 'acknowledged', ...nameOf(lease), upTo });
  }

  /** Throws when it is cut short. */
  async #pause(signal: AbortSignal | undefined): Promise<void> {
    await sleep(this.#random.next() * maxPauseMs, undefined, signal && { signal });
  }
}

function nameOf({ shardId, fencingToken }: ProcessorLease): { readonly shardId: string; readonly token: number } {
  return { shardId, token: fencingToken };
}

function numberOf({ data }: UserRecord): number {
  return Number(new TextDecoder().decode(data));
}
