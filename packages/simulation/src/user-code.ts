import {
  LeaseLostError,
  type Checkpointer,
  type InitializeInput,
  type ProcessRecordsInput,
  type RecordPosition,
  type RecordProcessor,
  type ShardEndedInput,
  type ShutdownRequestedInput,
} from 'millrace';
import type { Chance } from './chance';
import type { DeliveryWatch, Session } from './delivery-watch';
import type { Machine } from './machine';
import type { Violate } from './violation';

/** How the code of a user goes about its work. */
export const habits = ['steady', 'buffering', 'partial', 'slow', 'failing', 'stubborn'] as const;
export type Habit = (typeof habits)[number];

/** Habits that never fail and finish in time. */
export const goodHabits: readonly Habit[] = ['steady', 'buffering', 'partial', 'slow'];

export interface UserCodeParts {
  readonly machine: Machine;
  readonly shardId: string;
  readonly habit: Habit;
  readonly checkpointing: 'manual' | 'automatic';
  /** What is slow takes up to so long. */
  readonly slowMs: number;
  /** What is deaf to its signal takes up to so long. */
  readonly stubbornMs: number;
  readonly chance: Chance;
  readonly watch: DeliveryWatch;
  readonly violate: Violate;
  /** After the faults everybody behaves. */
  readonly isOver: () => boolean;
}

const never = new Promise<never>(() => undefined);

/** A user's record processor: takes its time, fails at times, and acknowledges in a way of its own. */
export class UserCode implements RecordProcessor {
  readonly #parts: UserCodeParts;
  #session: Session | undefined;
  #isBusy = false;
  #batches = 0;

  constructor(parts: UserCodeParts) {
    this.#parts = parts;
  }

  initialize({ lease, checkpoint }: InitializeInput): Promise<void> | void {
    const { machine, watch } = this.#parts;
    if (machine.isDown) return never;
    this.#session = watch.begin(machine, lease.shardId, lease.fencingToken, checkpoint);
  }

  async processRecords({ records, checkpointer, signal }: ProcessRecordsInput): Promise<void> {
    const { machine, watch, checkpointing, chance, violate, shardId } = this.#parts;
    const session = this.#session;
    if (machine.isDown) return never;
    if (session === undefined) return;
    if (this.#isBusy) violate('G2', `two calls at once on ${machine.name}`, shardId);
    this.#isBusy = true;
    try {
      watch.delivered(session, records);
      const habit = this.#habit();
      await machine.sleep(this.#workMs(habit));
      const middle = records[records.length >> 1];
      if (habit === 'failing' && chance.happens(0.5)) {
        if (checkpointing === 'manual' && middle !== undefined && chance.happens(0.5)) {
          watch.acknowledge(session, middle);
          await this.#checkpoint(session, checkpointer, middle);
        }
        throw new Error('user code failed');
      }
      // What it could not finish it must not acknowledge.
      if (signal.aborted && habit !== 'stubborn') throw new Error('user code was told to stop');
      if (checkpointing === 'automatic') {
        watch.resolved(session);
        watch.acknowledge(session);
        return;
      }
      this.#batches++;
      if (habit === 'buffering' && this.#batches % 3 !== 0) {
        watch.resolved(session);
        return;
      }
      const upTo = habit === 'partial' ? middle : records.at(-1);
      watch.acknowledge(session, upTo);
      await this.#checkpoint(session, checkpointer, habit === 'partial' ? upTo : undefined);
      watch.resolved(session);
    } finally {
      this.#isBusy = false;
    }
  }

  async shardEnded({ checkpointer }: ShardEndedInput): Promise<void> {
    const { machine, watch, checkpointing } = this.#parts;
    if (machine.isDown) return never;
    await machine.sleep(this.#parts.chance.between(0, 20));
    // When this resolves the shard counts as acknowledged.
    if (this.#session !== undefined) watch.acknowledge(this.#session);
    if (checkpointing === 'manual' && this.#session !== undefined) await this.#checkpoint(this.#session, checkpointer);
  }

  async shutdownRequested({ checkpointer }: ShutdownRequestedInput): Promise<void> {
    const { machine, watch, checkpointing } = this.#parts;
    if (machine.isDown) return never;
    await machine.sleep(this.#parts.chance.between(0, 20));
    if (checkpointing === 'automatic') return;
    if (this.#session === undefined) return;
    watch.acknowledge(this.#session);
    await this.#checkpoint(this.#session, checkpointer);
  }

  /** Stores what was acknowledged just now, and says what came of it. */
  async #checkpoint(session: Session, checkpointer: Checkpointer, upTo?: RecordPosition): Promise<void> {
    const { watch, machine } = this.#parts;
    const records = session.acknowledged;
    try {
      await checkpointer.checkpoint(upTo);
      watch.checkpointed(session, records, 'stored');
    } catch (error) {
      if (!machine.isDown && error instanceof LeaseLostError && error.stored === 'no') {
        watch.checkpointed(session, records, 'denied');
      }
      throw error;
    }
  }

  #habit(): Habit {
    const { habit, isOver } = this.#parts;
    return isOver() && !goodHabits.includes(habit) ? 'steady' : habit;
  }

  #workMs(habit: Habit): number {
    const { chance, slowMs, stubbornMs } = this.#parts;
    if (habit === 'slow') return chance.between(0, slowMs);
    // Beyond any time-out, at times, and deaf to its signal.
    if (habit === 'stubborn' && chance.happens(0.15)) return chance.between(5_000, stubbornMs);
    return chance.between(0, 30);
  }
}
