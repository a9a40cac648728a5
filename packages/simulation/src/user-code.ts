import { comparePositions } from '@millrace/core';
import {
  CheckpointNotStoredError,
  LeaseLostError,
  RecordFailedError,
  type Checkpointer,
  type DeadLetter,
  type InitializeInput,
  type ProcessRecordsInput,
  type RecordPosition,
  type RecordProcessor,
  type ShardEndedInput,
  type ShutdownRequestedInput,
  type UserRecord,
} from 'millrace';
import type { Chance } from './chance';
import type { FaultKind } from './fault-kinds';
import type { DeliveryWatch, Session } from './delivery-watch';
import type { DeadlyRecord } from './fleet-settings';
import { never, type Machine } from './machine';
import type { RunningCalls } from './running-calls';
import type { ShardLog } from './stream-log';
import type { Violate } from './violation';

/** How the code of a user goes about its work. */
export const habits = ['steady', 'buffering', 'partial', 'slow', 'failing', 'stubborn'] as const;
export type Habit = (typeof habits)[number];

/** Habits that never fail and finish in time. */
export const goodHabits: readonly Habit[] = ['steady', 'buffering', 'partial', 'slow'];

/** What becomes of records that it goes on failing at. */
export const policies = ['block', 'bisect', 'skip', 'dead-letter'] as const;
export type SimulatedPolicy = (typeof policies)[number];

/** As often a record fails by itself before it is let go. */
export const maxAttempts = 3;

/** Of the records, one of so many is such that it cannot be processed. */
const poisonShare = 37;

export interface UserCodeParts {
  readonly machine: Machine;
  readonly shardId: string;
  readonly habit: Habit;
  readonly checkpointing: 'manual' | 'automatic';
  /** Some records are such that it fails at them. */
  readonly failurePolicy: SimulatedPolicy;
  /** It has no `shardEnded`, if it acknowledges the last record anyway. */
  readonly endsShardsSilently: boolean;
  /** What is slow takes up to so long. */
  readonly slowMs: number;
  /** What is deaf to its signal takes up to so long. */
  readonly stubbornMs: number;
  readonly chance: Chance;
  readonly watch: DeliveryWatch;
  readonly calls: RunningCalls;
  readonly violate: Violate;
  /** The machine was struck in the middle of its work. */
  readonly onStruck: (kind: FaultKind) => void;
  readonly deadlyRecord: DeadlyRecord | undefined;
  /** After the faults everybody behaves. */
  readonly isOver: () => boolean;
}

/** A user's record processor: takes its time, fails at times, and acknowledges in a way of its own. */
export class UserCode implements RecordProcessor {
  readonly #parts: UserCodeParts;
  /** It says at which record it failed. */
  readonly #namesTheFailed: boolean;
  #session: Session | undefined;
  /** The last record of all calls: a piece of a batch may come after all of it. */
  #lastGiven: UserRecord | undefined;
  #isBusy = false;
  #batches = 0;

  shardEnded?: (input: ShardEndedInput) => Promise<void>;

  constructor(parts: UserCodeParts) {
    this.#parts = parts;
    const { endsShardsSilently, checkpointing, habit, failurePolicy, chance } = parts;
    this.#namesTheFailed = failurePolicy !== 'block' && chance.happens(0.5);
    const acknowledgesAll = checkpointing === 'automatic' || habit === 'steady' || habit === 'buffering';
    if (endsShardsSilently && acknowledgesAll) return;
    this.shardEnded = (input) => this.#noted('shardEnded', input.signal, () => this.#endShard(input));
  }

  initialize({ lease, checkpoint }: InitializeInput): Promise<void> | void {
    const { machine, watch } = this.#parts;
    if (machine.isDown) return never();
    this.#session = watch.begin(machine, lease.shardId, lease.fencingToken, checkpoint);
  }

  processRecords(input: ProcessRecordsInput): Promise<void> {
    return this.#noted('processRecords', input.signal, () => this.#process(input));
  }

  shutdownRequested(input: ShutdownRequestedInput): Promise<void> {
    return this.#noted('shutdownRequested', input.signal, () => this.#shutDown(input));
  }

  /** The sink for the dead letters of this shard: takes its time, and fails at times. */
  deadLetter({ record, reason }: DeadLetter, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#noted('deadLetter', signal, async () => {
      const { machine, watch, chance, isOver } = this.#parts;
      if (machine.isDown) return never();
      if (this.#session === undefined) return;
      watch.deadLetter(this.#session, record, { reason, attempts: maxAttempts });
      await machine.sleep(chance.between(0, 200));
      if (!isOver() && chance.happens(0.3)) throw new Error('the dead letter was not kept');
      watch.letGo(this.#session, record, { reason, attempts: maxAttempts });
    });
  }

  /** It hears that a record was left out. */
  skipped(record: RecordPosition & { readonly reason: string }): void {
    const { watch, violate, failurePolicy, shardId } = this.#parts;
    if (failurePolicy !== 'skip')
      violate('G7', `a record was skipped, although the policy is ${failurePolicy}`, shardId);
    const { reason } = record;
    if (this.#session !== undefined) watch.letGo(this.#session, record, { reason, attempts: maxAttempts });
  }

  #noted(method: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { machine, calls, shardId } = this.#parts;
    return calls.during({ machine, shardId, method, signal }, work);
  }

  async #process({ records, checkpointer, signal }: ProcessRecordsInput): Promise<void> {
    const { machine, watch, checkpointing, violate, shardId } = this.#parts;
    const session = this.#session;
    if (machine.isDown) return never();
    if (session === undefined) return;
    if (this.#isBusy) violate('G2', `two calls at once on ${machine.name}`, shardId);
    this.#isBusy = true;
    try {
      await this.#deal(session, { records, checkpointer, signal });
    } catch (error) {
      const named = error instanceof RecordFailedError ? session.shard.indexOf.get(error.sequenceNumber) : undefined;
      const atCheckpoint = error instanceof CheckpointNotStoredError;
      watch.fails(session, { named, wasTold: signal.aborted, atCheckpoint });
      if (named !== undefined && checkpointing === 'automatic') watch.acknowledge(session);
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  async #deal(
    session: Session,
    { records, checkpointer, signal }: Pick<ProcessRecordsInput, 'records' | 'checkpointer' | 'signal'>,
  ): Promise<void> {
    const { machine, watch, checkpointing, chance } = this.#parts;
    watch.delivered(session, records);
    const last = records.at(-1);
    if (this.#lastGiven === undefined || (last !== undefined && comparePositions(this.#lastGiven, last) < 0))
      this.#lastGiven = last;
    const habit = this.#habit();
    await machine.sleep(this.#workMs(habit));
    const middle = records[records.length >> 1];
    if (habit === 'failing' && chance.happens(0.1)) await this.#checkpointBeyond(checkpointer);
    if (habit === 'failing' && chance.happens(0.5)) {
      if (checkpointing === 'manual' && middle !== undefined && chance.happens(0.5)) {
        watch.acknowledge(session, middle);
        await this.#checkpoint(session, checkpointer, middle);
      }
      throw new Error('user code failed');
    }
    if (this.#isDeadly(session, records)) return endProcess(machine);
    await this.#failAtPoison(session, records, checkpointer);
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
      if (this.shardEnded === undefined) void this.#acknowledgeLater(session, checkpointer, records.at(-1));
      return;
    }
    const upTo = habit === 'partial' ? middle : records.at(-1);
    watch.acknowledge(session, upTo);
    await this.#checkpoint(session, checkpointer, habit === 'partial' ? upTo : undefined);
    watch.resolved(session);
  }

  #isDeadly({ shard }: Session, records: readonly UserRecord[]): boolean {
    return records.some(({ sequenceNumber }) => isDeadly(this.#parts, shard, sequenceNumber));
  }

  /** Who names the record is done with those before it; that acknowledges them in automatic mode only. */
  async #failAtPoison(session: Session, records: readonly UserRecord[], checkpointer: Checkpointer): Promise<void> {
    const index = records.findIndex(({ sequenceNumber }) => isPoison(this.#parts, session.shard, sequenceNumber));
    const poison = records[index];
    if (poison === undefined) return;
    await this.#mayBeStruck(session, poison);
    if (!this.#namesTheFailed) throw new Error('user code failed at one of its records');
    const before = records[index - 1];
    if (before !== undefined && this.#parts.checkpointing === 'manual') {
      this.#parts.watch.acknowledge(session, before);
      await this.#checkpoint(session, checkpointer, before);
    }
    throw new RecordFailedError(poison);
  }

  /** The machine may stand still between the last attempt and what comes of its failure. */
  async #mayBeStruck({ shard, failedAlone }: Session, { sequenceNumber }: UserRecord): Promise<void> {
    const failures = failedAlone.get(shard.indexOf.get(sequenceNumber) ?? -1) ?? 0;
    if (failures < maxAttempts - 1) return;
    const { machine, onStruck } = this.#parts;
    const struck = machine.strike('giving up');
    if (struck === undefined) return;
    onStruck(struck);
    await machine.sleep(1);
  }

  async #endShard({ checkpointer }: ShardEndedInput): Promise<void> {
    const { machine, watch, checkpointing, chance } = this.#parts;
    if (machine.isDown) return never();
    if (this.#session !== undefined) watch.shardEnds(this.#session);
    await machine.sleep(this.#workMs(this.#habit()));
    // When this resolves the shard counts as acknowledged.
    if (this.#session !== undefined) watch.acknowledge(this.#session);
    if (checkpointing === 'manual' && chance.happens(0.5)) await this.#checkpointResolved(checkpointer);
    if (this.#session !== undefined) watch.shardEnded(this.#session);
  }

  async #shutDown({ checkpointer }: ShutdownRequestedInput): Promise<void> {
    const { machine, watch, checkpointing } = this.#parts;
    if (machine.isDown) return never();
    await machine.sleep(this.#parts.chance.between(0, 20));
    if (checkpointing === 'automatic') return;
    if (this.#session !== undefined) watch.acknowledge(this.#session);
    await this.#checkpointResolved(checkpointer);
  }

  /** Outside of `processRecords` a checkpoint stands for the calls that resolved. */
  async #checkpointResolved(checkpointer: Checkpointer): Promise<void> {
    const session = this.#session;
    if (session !== undefined) await this.#checkpoint(session, checkpointer, undefined, session.resolved);
  }

  /** What it has kept back it must acknowledge by itself: nobody asks for it when the shard ends. */
  async #acknowledgeLater(
    session: Session,
    checkpointer: Checkpointer,
    last: RecordPosition | undefined,
  ): Promise<void> {
    const { machine, watch, chance } = this.#parts;
    await machine.sleep(chance.between(1_000, 20_000));
    if (last === undefined || session !== this.#session) return;
    watch.acknowledge(session, last);
    const records = (session.shard.indexOf.get(last.sequenceNumber) ?? -1) + 1;
    await this.#checkpoint(session, checkpointer, last, records).catch(() => undefined);
  }

  /** A mistake, which is refused: nobody can acknowledge what it was not given. What became of it shows in the row. */
  async #checkpointBeyond(checkpointer: Checkpointer): Promise<void> {
    if (this.#lastGiven === undefined) return;
    const sequenceNumber = String(BigInt(this.#lastGiven.sequenceNumber) + 1n);
    await checkpointer.checkpoint({ ...this.#lastGiven, sequenceNumber }).catch(() => undefined);
  }

  /** Stores what was acknowledged just now, and says what came of it. */
  async #checkpoint(
    session: Session,
    checkpointer: Checkpointer,
    upTo?: RecordPosition,
    records = session.acknowledged,
  ): Promise<void> {
    const { watch, machine, chance } = this.#parts;
    try {
      await checkpointer.checkpoint(upTo);
      watch.checkpointed(session, records, 'stored');
    } catch (error) {
      if (!machine.isDown && error instanceof LeaseLostError && error.stored === 'no') {
        watch.checkpointed(session, records, 'denied');
      }
      const hasFailed = error instanceof CheckpointNotStoredError;
      if (hasFailed && !machine.isDown) watch.checkpointed(session, records, 'failed');
      if (hasFailed && chance.happens(0.5)) {
        await machine.sleep(chance.between(10, goodHabits.includes(this.#habit()) ? 500 : 25_000));
        return this.#checkpoint(session, checkpointer, upTo, records);
      }
      throw error;
    }
  }

  #habit(): Habit {
    const { habit, isOver } = this.#parts;
    return isOver() && !goodHabits.includes(habit) ? 'steady' : habit;
  }

  #workMs(habit: Habit): number {
    const { chance, slowMs, stubbornMs, failurePolicy, isOver } = this.#parts;
    // A batch that is searched for a failing record is a dozen calls: what is left at the end must be dealt with in time.
    if (habit === 'slow') return chance.between(0, isOver() && failurePolicy !== 'block' ? slowMs / 20 : slowMs);
    // Beyond any time-out, at times, and deaf to its signal.
    if (habit === 'stubborn' && chance.happens(0.15)) return chance.between(5_000, stubbornMs);
    return chance.between(0, 30);
  }
}

/** As an abort in native code. */
export function endProcess(machine: Machine): Promise<never> {
  machine.goDown('deadly-record');
  return never();
}

/** The process ends at this record, as long as there are faults. */
export function isDeadly(
  { deadlyRecord, isOver }: Pick<UserCodeParts, 'deadlyRecord' | 'isOver'>,
  { records, indexOf }: ShardLog,
  sequenceNumber: string,
): boolean {
  const record = records[indexOf.get(sequenceNumber) ?? -1];
  if (record === undefined || deadlyRecord === undefined || isOver()) return false;
  return record.key === deadlyRecord.key && record.number === deadlyRecord.number;
}

/** Whether the record is such that nobody can process it. */
export function isPoison(
  { failurePolicy, isOver }: Pick<UserCodeParts, 'failurePolicy' | 'isOver'>,
  { records, indexOf }: ShardLog,
  sequenceNumber: string,
): boolean {
  // What is tried for as long as it takes is mended at last.
  if (failurePolicy === 'block' || (failurePolicy === 'bisect' && isOver())) return false;
  const record = records[indexOf.get(sequenceNumber) ?? -1];
  return record !== undefined && (record.number * 7 + Number(record.key.slice(1)) * 11) % poisonShare === 3;
}
