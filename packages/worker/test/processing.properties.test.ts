import { describe, expect, it } from '@jest/globals';
import { SHARD_END, TRIM_HORIZON, type Checkpoint, type UserRecord } from '@millrace/core';
import fc from 'fast-check';
import { RecordFailedError, type ProcessRecordsInput, type RecordProcessor } from '../src';
import type { ResolvedFailurePolicy } from '../src/failure-policy-option';
import { aConsumer, aRecord, batch, feed, shardEnd } from './support/a-consumer';

const recordCount = 12;
/** Of `aConsumer`. */
const maxAttempts = 3;
const never = (): Promise<never> => new Promise(() => undefined);
const numberOf = ({ sequenceNumber }: { readonly sequenceNumber: string }): number => Number(sequenceNumber);
const coveredBy = (checkpoint: Checkpoint): number => {
  if (checkpoint.kind === 'shard-end') return recordCount;
  return checkpoint.kind === 'sequence-number' ? numberOf(checkpoint) : 0;
};

/** What the user's code does in one call, in turn. */
const behaviours = ['takes', 'fails', 'acknowledges some and fails', 'buffers'] as const;

interface Life {
  readonly batchSize: number;
  readonly readAheadPages: number;
  readonly calls: readonly (typeof behaviours)[number][];
  readonly names: boolean;
  readonly sinkFails: readonly boolean[];
  /** It ends in the midst of the call, or sink call, with this number, or the write, or when it is told to after a while. */
  readonly diesInCall: number;
  readonly diesInSink: number;
  readonly diesInWrite: { readonly number: number; readonly isStored: boolean };
  readonly runsForMs: number;
  readonly renews: boolean;
}

const aLife: fc.Arbitrary<Life> = fc.record({
  batchSize: fc.integer({ min: 1, max: recordCount }),
  readAheadPages: fc.integer({ min: 0, max: 2 }),
  calls: fc.array(fc.constantFrom(...behaviours), { maxLength: 12 }),
  names: fc.boolean(),
  sinkFails: fc.array(fc.boolean(), { maxLength: 4 }),
  diesInCall: fc.integer({ min: 0, max: 40 }),
  diesInSink: fc.integer({ min: 0, max: 6 }),
  diesInWrite: fc.record({ number: fc.integer({ min: 0, max: 12 }), isStored: fc.boolean() }),
  runsForMs: fc.integer({ min: 0, max: 30_000 }),
  renews: fc.boolean(),
});

/** One shard through several lives of a consumer, each of which begins where the row says. */
class Shard {
  stored: Checkpoint = TRIM_HORIZON;
  readonly acknowledged = new Set<number>();
  readonly sink = new Set<number>();
  readonly skipped = new Set<number>();
  /** What the processor of this life has taken. */
  #taken = new Set<number>();
  #calls = 0;
  #sinkCalls = 0;
  #writes = 0;
  #isDead = false;
  /** How often each record has failed by itself in this life: alone, or named. */
  #failures = new Map<number, number>();
  /** A renewal, which stores what is acknowledged in passing. */
  #renew = (): void => undefined;
  /** What was wrong: the code under test would swallow an exception. */
  readonly problems: string[] = [];

  constructor(
    private readonly policy: 'block' | 'bisect' | 'skip' | 'dead-letter',
    private readonly checkpointing: 'manual' | 'automatic',
    private readonly poison: ReadonlySet<number>,
  ) {}

  /** Until it dies, or is told to stop, or the shard has ended. The last one meets no faults, and poison is mended where it would block. */
  async live(life: Life, isLast: boolean): Promise<void> {
    this.#isDead = false;
    this.#taken = new Set();
    this.#failures = new Map();
    [this.#calls, this.#sinkCalls, this.#writes] = [0, 0, 0];
    const from = coveredBy(this.stored);
    const records = Array.from({ length: recordCount - from }, (_, index) => aRecord(from + index + 1));
    const batches = Array.from({ length: Math.ceil(records.length / life.batchSize) }, (_, index) =>
      batch(...records.slice(index * life.batchSize, (index + 1) * life.batchSize)),
    );
    const made = aConsumer(this.#processor(life, isLast), feed(...batches, shardEnd), {
      checkpoint: this.stored,
      readAheadPages: life.readAheadPages,
      checkpointing: this.checkpointing,
      failurePolicy: this.#failurePolicy(life, isLast),
      emit: (name, payload) => {
        if (name !== 'recordSkipped') return;
        const number = numberOf(payload as { readonly sequenceNumber: string });
        this.#checkLetGo(number);
        this.skipped.add(number);
      },
    });
    const { consumer, lease, clock } = made;
    const { checkpoint } = lease;
    lease.checkpoint = async (goal) => {
      const dies = !isLast && this.#writes++ === life.diesInWrite.number;
      if (!this.#isDead && (!dies || life.diesInWrite.isStored)) this.#store(goal);
      if (this.#isDead || dies) return this.#die();
      return checkpoint.call(lease, goal);
    };
    this.#renew = () => {
      const unstored = lease.carried?.unstored();
      if (unstored === undefined || this.#isDead) return;
      this.#store(unstored);
      lease.carried?.stored(unstored);
    };
    const done = consumer.run();
    await clock.advance(isLast ? 600_000 : life.runsForMs);
    consumer.drain();
    await clock.advance(60_000);
    expect(this.problems).toEqual([]);
    if (!this.#hasDied()) await done;
  }

  /** Everything before the checkpoint was acknowledged, or is in the sink, or was skipped. */
  #store(checkpoint: Checkpoint): void {
    for (let number = 1; number <= coveredBy(checkpoint); number++) {
      if (!this.isDone(number)) this.problems.push(`${coveredBy(checkpoint)} was stored, and ${number} is not done`);
    }
    if (coveredBy(checkpoint) < coveredBy(this.stored)) this.problems.push('a checkpoint moved back');
    this.stored = checkpoint;
  }

  /** Only what has failed by itself, as often as it may. */
  #checkLetGo(number: number): void {
    const failures = this.#failures.get(number) ?? 0;
    if (failures < maxAttempts)
      this.problems.push(`${number} was let go, which has failed ${failures} times by itself`);
  }

  isDone(number: number): boolean {
    return this.acknowledged.has(number) || this.sink.has(number) || this.skipped.has(number);
  }

  /** Asked anew after an await. */
  #hasDied(): boolean {
    return this.#isDead;
  }

  #die(): Promise<never> {
    this.#isDead = true;
    return never();
  }

  /** To acknowledge a record means what was taken before it, too; what it never got it does not know of. */
  #acknowledge(upTo: number): void {
    for (const number of this.#taken) if (number <= upTo) this.acknowledged.add(number);
  }

  #take(records: readonly UserRecord[]): void {
    for (const record of records) this.#taken.add(numberOf(record));
  }

  #failurePolicy(life: Life, isLast: boolean): ResolvedFailurePolicy {
    if (this.policy !== 'dead-letter') return { kind: this.policy };
    const sink = async ({ record }: { readonly record: UserRecord }): Promise<void> => {
      this.#checkLetGo(numberOf(record));
      if (this.#isDead || (!isLast && this.#sinkCalls++ === life.diesInSink)) return this.#die();
      if (!isLast && life.sinkFails[this.#sinkCalls] === true) throw new Error('sink is down');
      this.sink.add(numberOf(record));
    };
    return { kind: 'dead-letter', scope: 'record', sink };
  }

  #processor(life: Life, isLast: boolean): RecordProcessor {
    const mended = isLast && (this.policy === 'block' || this.policy === 'bisect');
    const isPoison = (record: UserRecord): boolean => !mended && this.poison.has(numberOf(record));
    let expected = coveredBy(this.stored) + 1;
    const process = async ({ records, checkpointer }: ProcessRecordsInput): Promise<void> => {
      if (this.#isDead || (!isLast && this.#calls === life.diesInCall)) return this.#die();
      const [first] = records;
      const last = records.at(-1);
      if (first === undefined || last === undefined) throw new Error('an empty batch');
      // In sequence: a record comes first when all before it have come.
      if (numberOf(first) > expected) this.problems.push(`${numberOf(first)} came when ${expected} was due`);
      expected = Math.max(expected, numberOf(last) + 1);
      const behaviour = isLast ? 'takes' : (life.calls[this.#calls++] ?? 'takes');
      const bad = records.find(isPoison);
      if (bad !== undefined) {
        const taken = life.names ? records.slice(0, records.indexOf(bad)) : [];
        this.#take(taken);
        const before = taken.at(-1);
        // Who names it is done with what comes before.
        if (before !== undefined) {
          this.#acknowledge(numberOf(before));
          if (this.checkpointing === 'manual') await checkpointer.checkpoint(before);
        }
        throw life.names ? new RecordFailedError(bad) : new Error('poison');
      }
      if (behaviour === 'fails') throw new Error('no');
      if (behaviour === 'acknowledges some and fails') {
        if (this.checkpointing === 'manual') {
          this.#take([first]);
          this.#acknowledge(numberOf(first));
          await checkpointer.checkpoint(first);
        }
        throw new Error('no');
      }
      this.#take(records);
      if (this.checkpointing === 'manual' && behaviour === 'buffers') return;
      this.#acknowledge(numberOf(last));
      if (this.checkpointing === 'manual') await checkpointer.checkpoint();
    };
    const processRecords = async (input: ProcessRecordsInput): Promise<void> => {
      if (life.renews) this.#renew();
      try {
        await process(input);
      } catch (error) {
        const failed =
          error instanceof RecordFailedError ? error : input.records.length === 1 ? input.records[0] : undefined;
        if (failed !== undefined) this.#failures.set(numberOf(failed), (this.#failures.get(numberOf(failed)) ?? 0) + 1);
        throw error;
      }
    };
    return {
      processRecords,
      shardEnded: async () => {
        if (this.#isDead) await never();
        this.#acknowledge(recordCount);
      },
    };
  }
}

describe('processing one shard, whatever fails and whoever dies', () => {
  it('stores nothing that was neither acknowledged nor let go, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('block', 'bisect', 'skip', 'dead-letter'),
        fc.constantFrom('manual', 'automatic'),
        fc.uniqueArray(fc.integer({ min: 1, max: recordCount }), { maxLength: 3 }),
        fc.array(aLife, { minLength: 1, maxLength: 4 }),
        async (policy, checkpointing, poison, lives) => {
          const shard = new Shard(policy, checkpointing, new Set(poison));
          for (const life of lives) if (shard.stored.kind !== 'shard-end') await shard.live(life, false);
          const [life] = lives;
          if (life !== undefined && shard.stored.kind !== 'shard-end') await shard.live(life, true);
          expect(shard.stored).toEqual(SHARD_END);
          for (let number = 1; number <= recordCount; number++) expect(shard.isDone(number)).toBe(true);
          if (policy === 'block' || policy === 'bisect') expect([...shard.sink, ...shard.skipped]).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
