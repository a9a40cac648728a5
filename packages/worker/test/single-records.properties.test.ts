import { describe, expect, it } from '@jest/globals';
import { SHARD_END, TRIM_HORIZON, type Checkpoint } from '@millrace/core';
import type { ManualClock } from '@millrace/core/testing';
import fc from 'fast-check';
import type { DeadLetter, LetGoRecord, ProcessRecordInput, SingleRecordProcessor } from '../src';
import type { ResolvedFailurePolicy } from '../src/failure-policy-option';
import { aConsumer, aRecord, batch, bytes, feed, shardEnd } from './support/a-consumer';

const recordCount = 16;
/** Of `aConsumer`. */
const maxAttempts = 3;
const never = (): Promise<never> => new Promise(() => undefined);
const numberOf = ({ sequenceNumber }: { readonly sequenceNumber: string }): number => Number(sequenceNumber);
const coveredBy = (checkpoint: Checkpoint): number => {
  if (checkpoint.kind === 'shard-end') return recordCount;
  return checkpoint.kind === 'sequence-number' ? numberOf(checkpoint) : 0;
};

interface Life {
  readonly batchSize: number;
  readonly readAheadPages: number;
  readonly maxInFlight: number;
  /** Beyond `maxInFlight`. */
  readonly maxFurther: number;
  /** How long each call takes, in turn, and whether it fails. */
  readonly calls: readonly { readonly takesMs: number; readonly fails: boolean }[];
  readonly sinkFails: readonly boolean[];
  /** It ends in the midst of the call, or sink call, with this number, or the write, or when it is told to after a while. */
  readonly diesInCall: number;
  readonly diesInSink: number;
  readonly diesInWrite: { readonly number: number; readonly isStored: boolean };
  readonly runsForMs: number;
}

const aLife: fc.Arbitrary<Life> = fc.record({
  batchSize: fc.integer({ min: 1, max: recordCount }),
  readAheadPages: fc.integer({ min: 0, max: 2 }),
  maxInFlight: fc.integer({ min: 1, max: 5 }),
  maxFurther: fc.integer({ min: 0, max: 12 }),
  calls: fc.array(fc.record({ takesMs: fc.integer({ min: 0, max: 3_000 }), fails: fc.boolean() }), { maxLength: 20 }),
  sinkFails: fc.array(fc.boolean(), { maxLength: 4 }),
  diesInCall: fc.integer({ min: 0, max: 60 }),
  diesInSink: fc.integer({ min: 0, max: 6 }),
  diesInWrite: fc.record({ number: fc.integer({ min: 0, max: 12 }), isStored: fc.boolean() }),
  runsForMs: fc.integer({ min: 0, max: 30_000 }),
});

interface Plan {
  readonly policy: 'block' | 'skip' | 'dead-letter';
  readonly scope: 'record' | 'key';
  readonly byKey: boolean;
  readonly keys: readonly string[];
  readonly poison: ReadonlySet<number>;
}

/** One shard through several lives of a consumer, each of which begins where the row says. */
class Shard {
  stored: Checkpoint = TRIM_HORIZON;
  readonly processed = new Set<number>();
  readonly sink = new Set<number>();
  readonly skipped = new Set<number>();
  /** What was wrong: the code under test would swallow an exception. */
  readonly problems: string[] = [];
  #isDead = false;
  #calls = 0;
  #sinkCalls = 0;
  #writes = 0;
  #failures = new Map<number, number>();
  /** Of this life: records under way, and those that were done with, by key. */
  #inHand = new Map<string, number>();
  #doneInLife = new Set<number>();
  #begunInLife = 0;

  constructor(private readonly plan: Plan) {}

  isDone(number: number): boolean {
    return this.processed.has(number) || this.sink.has(number) || this.skipped.has(number);
  }

  /** Until it dies, or is told to stop, or the shard has ended. The last one meets no faults, and poison is mended where it would block. */
  async live(life: Life, isLast: boolean): Promise<void> {
    this.#isDead = false;
    [this.#calls, this.#sinkCalls, this.#writes] = [0, 0, 0];
    this.#failures = new Map();
    this.#inHand = new Map();
    this.#doneInLife = new Set();
    const from = coveredBy(this.stored);
    this.#begunInLife = from;
    const records = Array.from({ length: recordCount - from }, (_, index) => {
      const number = from + index + 1;
      return aRecord(number, bytes(`r${number}`), this.#keyOf(number));
    });
    const batches = Array.from({ length: Math.ceil(records.length / life.batchSize) }, (_, index) =>
      batch(...records.slice(index * life.batchSize, (index + 1) * life.batchSize)),
    );
    const { maxInFlight, maxFurther } = life;
    const made = aConsumer(
      this.#processor(life, isLast, (delayMs) => clock.sleep(delayMs)),
      feed(...batches, shardEnd),
      {
        checkpoint: this.stored,
        readAheadPages: life.readAheadPages,
        concurrency: this.plan.byKey
          ? { by: 'partitionKey', maxInFlight, maxAhead: maxInFlight + maxFurther }
          : { by: undefined, maxInFlight: 1, maxAhead: 1 },
        failurePolicy: this.#failurePolicy(life, isLast),
        emit: (name, payload) => {
          if (name === 'recordSkipped') this.#letGo(numberOf(payload as LetGoRecord), 'attempts', this.skipped);
        },
      },
    );
    const { consumer, lease } = made;
    const clock: ManualClock = made.clock;
    const { checkpoint } = lease;
    lease.checkpoint = async (goal) => {
      const dies = !isLast && this.#writes++ === life.diesInWrite.number;
      if (!this.#isDead && (!dies || life.diesInWrite.isStored)) this.#store(goal);
      if (this.#isDead || dies) return this.#die();
      return checkpoint.call(lease, goal);
    };
    const done = consumer.run();
    await clock.advance(isLast ? 600_000 : life.runsForMs);
    const hadBegun = this.#begunInLife;
    consumer.drain();
    await clock.advance(60_000);
    if (!isLast && this.#begunInLife > hadBegun) this.problems.push(`${this.#begunInLife} was begun after the stop`);
    expect(this.problems).toEqual([]);
    if (!this.#hasDied()) await done;
  }

  #keyOf(number: number): string {
    return this.plan.keys[number % this.plan.keys.length] ?? '';
  }

  #lane(number: number): string {
    return this.plan.byKey ? this.#keyOf(number) : '';
  }

  /** Everything before the checkpoint is done with. */
  #store(checkpoint: Checkpoint): void {
    for (let number = 1; number <= coveredBy(checkpoint); number++) {
      if (!this.isDone(number)) this.problems.push(`${coveredBy(checkpoint)} was stored, and ${number} is not done`);
    }
    if (coveredBy(checkpoint) < coveredBy(this.stored)) this.problems.push('a checkpoint moved back');
    this.stored = checkpoint;
  }

  /** One of a lane at a time, and none before those ahead of it in its lane are done with. */
  #begin(number: number): void {
    const lane = this.#lane(number);
    if (this.#inHand.has(lane)) this.problems.push(`${number} came while ${this.#inHand.get(lane)} was under way`);
    for (let earlier = coveredBy(this.stored) + 1; earlier < number; earlier++) {
      if (this.#lane(earlier) !== lane || this.#doneInLife.has(earlier)) continue;
      this.problems.push(`${number} came before ${earlier} was done with`);
    }
    if (this.#doneInLife.has(number)) this.problems.push(`${number} came again`);
    this.#inHand.set(lane, number);
    this.#wasBegun(number);
  }

  /** Also by letting it go: what comes before it is still begun after a stop. */
  #wasBegun(number: number): void {
    this.#begunInLife = Math.max(this.#begunInLife, number);
  }

  #settle(number: number, into?: Set<number>): void {
    this.#inHand.delete(this.#lane(number));
    if (into === undefined) return;
    into.add(number);
    this.#doneInLife.add(number);
  }

  /** Only what has failed by itself as often as it may, or comes behind such in a key that is let go. */
  #letGo(number: number, reason: DeadLetter['reason'], into: Set<number>): void {
    const failures = this.#failures.get(number) ?? 0;
    const isBehind =
      this.plan.scope === 'key' &&
      [...this.#failures].some(([failed, count]) => {
        return count >= maxAttempts && failed < number && this.#keyOf(failed) === this.#keyOf(number);
      });
    const isRight = reason === 'key' ? isBehind && failures === 0 : failures >= maxAttempts;
    if (!isRight) this.problems.push(`${number} was let go (${reason}), which has failed ${failures} times`);
    this.#settle(number, into);
  }

  /** Asked anew after an await. */
  #hasDied(): boolean {
    return this.#isDead;
  }

  #die(): Promise<never> {
    this.#isDead = true;
    return never();
  }

  #failurePolicy(life: Life, isLast: boolean): ResolvedFailurePolicy {
    const { policy, scope } = this.plan;
    if (policy !== 'dead-letter') return { kind: policy };
    const sink = async ({ record, reason }: DeadLetter): Promise<void> => {
      this.#wasBegun(numberOf(record));
      if (this.#isDead || (!isLast && this.#sinkCalls++ === life.diesInSink)) return this.#die();
      if (!isLast && life.sinkFails[this.#sinkCalls] === true) throw new Error('sink is down');
      this.#letGo(numberOf(record), reason, this.sink);
    };
    return { kind: 'dead-letter', scope, sink };
  }

  #processor(life: Life, isLast: boolean, sleep: (delayMs: number) => Promise<void>): SingleRecordProcessor {
    const isMended = isLast && this.plan.policy === 'block';
    return {
      processRecord: async ({ record }: ProcessRecordInput) => {
        const number = numberOf(record);
        if (this.#isDead) return never();
        this.#begin(number);
        if (!isLast && this.#calls === life.diesInCall) return this.#die();
        const call = isLast ? undefined : life.calls[this.#calls++];
        await sleep(call?.takesMs ?? 0);
        if (this.#hasDied()) return never();
        if (call?.fails === true || (!isMended && this.plan.poison.has(number))) {
          this.#settle(number);
          this.#failures.set(number, (this.#failures.get(number) ?? 0) + 1);
          throw new Error('no');
        }
        this.#settle(number, this.processed);
      },
    };
  }
}

describe('processing the records of one shard one by one, whatever fails and whoever dies', () => {
  it('keeps each key in order, stores nothing below which a record is open, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          policy: fc.constantFrom('block', 'skip', 'dead-letter'),
          scope: fc.constantFrom('record', 'key'),
          byKey: fc.boolean(),
          keys: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: recordCount }),
          poison: fc
            .uniqueArray(fc.integer({ min: 1, max: recordCount }), { maxLength: 3 })
            .map((numbers) => new Set(numbers)),
        }),
        fc.array(aLife, { minLength: 1, maxLength: 4 }),
        async (plan, lives) => {
          const shard = new Shard({ ...plan, scope: plan.byKey ? plan.scope : 'record' });
          for (const life of lives) if (shard.stored.kind !== 'shard-end') await shard.live(life, false);
          const [life] = lives;
          if (life !== undefined && shard.stored.kind !== 'shard-end') await shard.live(life, true);
          expect(shard.stored).toEqual(SHARD_END);
          for (let number = 1; number <= recordCount; number++) expect(shard.isDone(number)).toBe(true);
          if (plan.policy === 'block') expect([...shard.sink, ...shard.skipped]).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
