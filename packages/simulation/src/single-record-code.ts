import type { DeadLetter, InitializeInput, ProcessRecordInput, ShardEndedInput, SingleRecordProcessor } from 'millrace';
import { never } from './machine';
import type { RecordSession, RecordWatch } from './record-watch';
import { endProcess, isDeadly, isPoison, maxAttempts, type UserCodeParts } from './user-code';

export interface SingleRecordCodeParts extends Omit<UserCodeParts, 'watch' | 'checkpointing'> {
  readonly watch: RecordWatch;
}

/** A slow call takes this share of what a batch may take: a shard is handed over after several of them. */
const slowShare = 1 / 20;

/** A user's processor that takes single records: takes its time, and fails at times. */
export class SingleRecordCode implements SingleRecordProcessor {
  readonly #parts: SingleRecordCodeParts;
  #session: RecordSession | undefined;

  constructor(parts: SingleRecordCodeParts) {
    this.#parts = parts;
  }

  initialize({ lease, checkpoint }: InitializeInput): Promise<void> | void {
    const { machine, watch } = this.#parts;
    if (machine.isDown) return never();
    this.#session = watch.begin(machine, lease.shardId, lease.fencingToken, checkpoint);
  }

  processRecord(input: ProcessRecordInput): Promise<void> {
    return this.#noted('processRecord', input.signal, () => this.#process(input));
  }

  shardEnded({ signal }: ShardEndedInput): Promise<void> {
    return this.#noted('shardEnded', signal, async () => {
      const { machine, watch, chance } = this.#parts;
      if (machine.isDown) return never();
      if (this.#session !== undefined) watch.shardEnds(this.#session);
      await machine.sleep(chance.between(0, 30));
      if (this.#session !== undefined) this.#session.shard.hasEnded = true;
    });
  }

  /** The sink for the dead letters of this shard: takes its time, and fails at times. */
  deadLetter({ record, reason }: DeadLetter, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#noted('deadLetter', signal, async () => {
      const { machine, watch, chance, isOver } = this.#parts;
      if (machine.isDown) return never();
      if (this.#session === undefined) return;
      watch.deadLetter(this.#session, record, reason, maxAttempts);
      await machine.sleep(chance.between(0, 200));
      if (!isOver() && chance.happens(0.3)) throw new Error('the dead letter was not kept');
      watch.letGo(this.#session, record, reason, maxAttempts);
    });
  }

  /** It hears that a record was left out. */
  skipped(record: {
    readonly sequenceNumber: string;
    readonly subSequenceNumber: number;
    readonly reason: string;
  }): void {
    const { watch, violate, failurePolicy, shardId } = this.#parts;
    if (failurePolicy !== 'skip')
      violate('G7', `a record was skipped, although the policy is ${failurePolicy}`, shardId);
    if (this.#session !== undefined) watch.letGo(this.#session, record, record.reason, maxAttempts);
  }

  #noted(method: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { machine, calls, shardId } = this.#parts;
    return calls.during({ machine, shardId, method, signal }, work);
  }

  async #process({ record, attempt, signal }: ProcessRecordInput): Promise<void> {
    const { machine, watch, chance, isOver } = this.#parts;
    const session = this.#session;
    if (machine.isDown) return never();
    if (session === undefined) return;
    watch.delivered(session, record, attempt);
    const habit = isOver() ? 'steady' : this.#parts.habit;
    await machine.sleep(this.#workMs(habit));
    if (isDeadly(this.#parts, session.shard, record.sequenceNumber)) return endProcess(machine);
    const fails = habit === 'failing' && chance.happens(0.3);
    const wasTold = signal.aborted && habit !== 'stubborn';
    const isBad = isPoison(this.#parts, session.shard, record.sequenceNumber);
    if (isBad && attempt >= maxAttempts) await this.#mayBeStruck();
    if (fails || wasTold || isBad) {
      watch.fails(session, record);
      throw new Error(wasTold ? 'user code was told to stop' : 'user code failed');
    }
    watch.resolves(session, record);
  }

  /** The machine may stand still between the last attempt and what comes of its failure. */
  async #mayBeStruck(): Promise<void> {
    const { machine, onStruck } = this.#parts;
    const struck = machine.strike('giving up');
    if (struck === undefined) return;
    onStruck(struck);
    await machine.sleep(1);
  }

  #workMs(habit: UserCodeParts['habit']): number {
    const { chance, slowMs, stubbornMs } = this.#parts;
    if (habit === 'slow') return chance.between(0, slowMs * slowShare);
    // Beyond any time-out, at times, and deaf to its signal.
    if (habit === 'stubborn' && chance.happens(0.05)) return chance.between(5_000, stubbornMs);
    return chance.between(0, 30);
  }
}
