import { TRIM_HORIZON, type AttemptedRange, type Checkpoint, type UserRecord } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import type { Processor } from '../../src';
import { CarefulTurn } from '../../src/careful-turn';
import type { ResolvedFailurePolicy } from '../../src/failure-policy-option';
import { aConsumer, aRecord, batch, feed, type ConsumerOfATest, type ConsumerChanges } from './a-consumer';
import { FakeLease } from './fake-lease';

const never = (): Promise<never> => new Promise(() => undefined);
export const numberOf = ({ sequenceNumber }: { readonly sequenceNumber: string }): number => Number(sequenceNumber);

/** What the lease row of a shard says, and what became of its records. */
export interface Row {
  stored: Checkpoint;
  attempted: readonly AttemptedRange[];
  switches: number;
  wasTakenAway: boolean;
  readonly recordCount: number;
  /** So often each record was in hand when a process died, alone. */
  readonly diedAlone: Map<number, number>;
  /** Of these, since the shard got on. */
  readonly diedAloneSince: Map<number, number>;
  /** The processor's work on them is done. */
  readonly done: Set<number>;
  readonly letGo: Set<number>;
}

export function aRow(recordCount: number): Row {
  return {
    ...{ stored: TRIM_HORIZON, attempted: [], switches: 0, wasTakenAway: false, recordCount },
    ...{ diedAlone: new Map(), diedAloneSince: new Map(), done: new Set(), letGo: new Set() },
  };
}

export interface LifeSettings {
  readonly policy: 'block' | 'bisect' | 'skip' | 'dead-letter';
  readonly form: 'batch' | 'single' | 'by key';
  readonly checkpointing: 'manual' | 'automatic';
  /** Of a manual processor: so many batches until it acknowledges. */
  readonly acknowledgesEvery?: number;
  readonly batchSize: number;
  /** The process ends when it is given one of these. */
  readonly isDeadly: (shard: number, record: number) => boolean;
  readonly workMs: number;
  readonly diesInSink?: boolean;
  /** How long a write to the row of this shard takes. */
  readonly writeMs?: (shard: number) => number;
  /** So long it runs until it is told to stop. */
  readonly runsForMs: number;
  /** The machine dies at that time, whatever it is doing. */
  readonly killedAtMs?: number;
  readonly changes?: ConsumerChanges;
}

/** One life of a process that reads several shards, from what their rows say to its death or its clean stop. */
export class CrashingProcess {
  readonly clock = new ManualClock();
  readonly calls: { readonly shard: number; readonly numbers: readonly number[]; readonly atMs: number }[] = [];
  readonly made: (ConsumerOfATest & { readonly row: Row })[];
  readonly problems: string[] = [];
  isDead = false;
  /** Whatever comes. */
  fails = false;
  readonly #turn = new CarefulTurn(this.clock, 60_000);
  readonly #inHand: Map<string, readonly number[]>[];

  constructor(
    rows: readonly Row[],
    private readonly settings: LifeSettings,
  ) {
    this.#inHand = rows.map(() => new Map<string, readonly number[]>());
    this.made = rows.map((row, shard) => this.#consumer(row, shard));
  }

  async run(): Promise<void> {
    const { runsForMs, killedAtMs = Infinity } = this.settings;
    const done = this.made.map(({ consumer }) => consumer.run());
    const stepMs = 500;
    while (!this.isDead && this.clock.now() < runsForMs) {
      if (this.clock.now() >= killedAtMs) void this.#die();
      else await this.clock.advance(stepMs);
    }
    if (!this.#hasDied()) {
      for (const { consumer } of this.made) consumer.drain();
      await this.clock.advance(60_000);
    }
    if (!this.#hasDied()) await Promise.all(done);
    for (const { row } of this.made) {
      row.switches++;
      row.wasTakenAway = this.#hasDied();
    }
  }

  /** Asked anew after an await. */
  #hasDied(): boolean {
    return this.isDead;
  }

  #die(): Promise<never> {
    if (!this.isDead) {
      for (const [shard, calls] of this.#inHand.entries()) {
        const numbers = [...calls.values()].flat();
        const [number] = numbers;
        const row = this.made[shard]?.row;
        if (row === undefined || number === undefined || numbers.length > 1) continue;
        for (const count of [row.diedAlone, row.diedAloneSince]) count.set(number, (count.get(number) ?? 0) + 1);
      }
    }
    this.isDead = true;
    return never();
  }

  #consumer(row: Row, shard: number): ConsumerOfATest & { readonly row: Row } {
    const { settings, clock } = this;
    const lease = new FakeLease();
    this.#connect(lease, row, this.settings.writeMs?.(shard) ?? 0);
    const from = row.stored.kind === 'sequence-number' ? Number(row.stored.sequenceNumber) : 0;
    const records = Array.from({ length: row.recordCount - from }, (_, index) =>
      aRecord(from + index + 1, undefined, `key${(from + index) % 3}`),
    );
    const batches = Array.from({ length: Math.ceil(records.length / settings.batchSize) }, (_, index) =>
      batch(...records.slice(index * settings.batchSize, (index + 1) * settings.batchSize)),
    );
    const isByKey = settings.form === 'by key';
    const made = aConsumer(this.#processor(row, shard), feed(...batches), {
      ...{ lease, clock, carefulTurn: this.#turn, checkpoint: row.stored, attempted: row.attempted },
      checkpointing: settings.checkpointing,
      failurePolicy: this.#failurePolicy(row),
      concurrency: isByKey
        ? { by: 'partitionKey', maxInFlight: 4, maxAhead: 40 }
        : { by: undefined, maxInFlight: 1, maxAhead: 1 },
      emit: (name, payload) => {
        if (name === 'recordSkipped') this.#letGo(row, payload as { readonly sequenceNumber: string });
      },
      ...settings.changes,
    });
    return { ...made, lease, row };
  }

  #connect(lease: FakeLease, row: Row, writeMs: number): void {
    lease.mayBeCrashLoop = row.wasTakenAway && row.switches >= 2;
    lease.attempted = row.attempted;
    const { checkpoint, attempt } = lease;
    const arrives = async (): Promise<void> => {
      if (writeMs > 0) await this.clock.sleep(writeMs);
      if (this.isDead) await never();
    };
    lease.checkpoint = async (goal) => {
      await arrives();
      const outcome = await checkpoint.call(lease, goal);
      row.stored = goal;
      row.switches = 0;
      row.diedAloneSince.clear();
      row.attempted = lease.attempted;
      return outcome;
    };
    lease.attempt = async (attempted) => {
      await arrives();
      const isRecorded = await attempt.call(lease, attempted);
      row.attempted = lease.attempted;
      return isRecorded;
    };
  }

  #letGo(row: Row, record: { readonly sequenceNumber: string }): void {
    if (!this.isDead) row.letGo.add(numberOf(record));
  }

  #failurePolicy(row: Row): ResolvedFailurePolicy {
    const { policy, diesInSink } = this.settings;
    if (policy !== 'dead-letter') return { kind: policy };
    const sink = async ({ record }: { readonly record: UserRecord }): Promise<void> => {
      if (this.isDead || diesInSink === true) return this.#die();
      this.#letGo(row, record);
    };
    return { kind: 'dead-letter', scope: 'record', sink };
  }

  #processor(row: Row, shard: number): Processor {
    const { form, checkpointing, acknowledgesEvery = 1 } = this.settings;
    let batches = 0;
    if (form !== 'batch') return { processRecord: ({ record }) => this.#process(row, shard, [record]) };
    return {
      processRecords: async ({ records, checkpointer }) => {
        await this.#process(row, shard, records);
        if (checkpointing === 'manual' && ++batches % acknowledgesEvery === 0) await checkpointer.checkpoint();
      },
      shutdownRequested: ({ checkpointer }) => (this.isDead ? never() : checkpointer.checkpoint()),
    };
  }

  async #process(row: Row, shard: number, records: readonly UserRecord[]): Promise<void> {
    if (this.isDead) return never();
    const numbers = records.map(numberOf);
    const inHand = this.#inHand[shard] ?? new Map<string, readonly number[]>();
    const call = numbers.join();
    inHand.set(call, numbers);
    this.calls.push({ shard, numbers, atMs: this.clock.now() });
    await this.clock.sleep(this.settings.workMs);
    if (this.#hasDied() || numbers.some((number) => this.settings.isDeadly(shard, number))) return this.#die();
    inHand.delete(call);
    if (this.fails) throw new Error('no');
    for (const number of numbers) row.done.add(number);
  }
}
