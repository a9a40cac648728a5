import type { StartPosition } from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import {
  PollingRecordSource,
  type MemoryShare,
  resolveFetchOptions,
  type FetchObserver,
  type FetchOptions,
  type RecordBatch,
  type ShardStatus,
} from '@millrace/record-fetcher';
import { InMemoryKinesisReader, type ReaderCall } from '@millrace/record-fetcher/testing';

export const SHARD = 'shardId-000000000000';

type Events = { [Name in keyof Required<FetchObserver>]: Parameters<Required<FetchObserver>[Name]>[0][] };

/** One shard in memory and a consumer of it, who asks for the next batch as soon as it has dealt with one. */
export class Reading {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly reader: InMemoryKinesisReader;
  readonly abort = new AbortController();
  readonly batches: RecordBatch[] = [];
  readonly events: Events = {
    ...{ throttled: [], iteratorRefreshed: [], failing: [], recovered: [], startAgedOut: [], waiting: [] },
    waitingForMemory: [],
  };
  /** When the source said that it waits, and how long it was to be. */
  readonly waits: { readonly atMs: number; readonly untilMs: number }[] = [];
  status: () => ShardStatus = () => 'listed';
  /** What the consumer does with a batch before it asks for the next one. */
  deal: (batch: RecordBatch) => Promise<void> = () => Promise.resolve();
  outcome: 'reading' | 'ended' | { readonly error: unknown } = 'reading';
  /** Given to sources that are made from then on. */
  memory: MemoryShare | undefined;
  readonly #seed: number;
  #batchesSince = { atMs: 0, count: 0 };

  constructor({ enforceReadLimits = false, seed = 1 }: { enforceReadLimits?: boolean; seed?: number } = {}) {
    this.#seed = seed;
    this.reader = new InMemoryKinesisReader({ clock: this.clock, enforceReadLimits });
    this.reader.addShard(SHARD);
  }

  source(start: StartPosition = { kind: 'trim-horizon' }, fetch: FetchOptions = {}): PollingRecordSource {
    const observer: Required<FetchObserver> = {
      throttled: (event) => this.events.throttled.push(event),
      iteratorRefreshed: (event) => this.events.iteratorRefreshed.push(event),
      failing: (event) => this.events.failing.push(event),
      recovered: (event) => this.events.recovered.push(event),
      waiting: (event) => {
        this.events.waiting.push(event);
        this.waits.push({ atMs: this.clock.now(), untilMs: this.clock.now() + event.delayMs });
      },
      startAgedOut: (event) => this.events.startAgedOut.push(event),
      waitingForMemory: (event) => this.events.waitingForMemory.push(event),
    };
    return new PollingRecordSource({
      reader: this.reader,
      shardStatus: async () => this.status(),
      stream: 'flights',
      shardId: SHARD,
      start,
      options: resolveFetchOptions(fetch, []),
      clock: this.clock,
      random: seededRandom(this.#seed),
      logger: this.logger,
      observer,
      ...(this.memory && { memory: this.memory }),
    });
  }

  /** Starts the consumer; time has to be moved for it to get far. */
  begin(start?: StartPosition, fetch?: FetchOptions): void {
    void this.#consume(this.source(start, fetch));
  }

  async #consume(source: PollingRecordSource): Promise<void> {
    try {
      for await (const batch of source.batches(this.abort.signal)) {
        this.batches.push(batch);
        this.#refuseToSpin();
        await this.deal(batch);
      }
      this.outcome = 'ended';
    } catch (error) {
      this.outcome = { error };
    }
  }

  /** Without it a source that forgets to wait would hang the test instead of failing it. */
  #refuseToSpin(): void {
    if (this.clock.now() !== this.#batchesSince.atMs) this.#batchesSince = { atMs: this.clock.now(), count: 0 };
    if (++this.#batchesSince.count > 100) throw new Error('more than 100 batches while no time passed');
  }

  async untilDone(limitMs = 3_600_000): Promise<void> {
    await this.clock.advanceUntil(() => this.outcome !== 'reading', { stepMs: 1_000, limitMs });
  }

  /** The sequence numbers that the consumer was given. */
  get delivered(): string[] {
    return this.batches.flatMap((batch) =>
      batch.kind === 'records' ? batch.records.map(({ sequenceNumber }) => sequenceNumber) : [],
    );
  }

  /** Puts `count` small records and returns their sequence numbers. */
  put(count: number, bytes = 1): string[] {
    const records = Array.from({ length: count }, (_, index) => ({ data: new Uint8Array(bytes).fill(index) }));
    return this.reader.put(SHARD, ...records).map(({ sequenceNumber }) => sequenceNumber);
  }

  callsTo(operation: ReaderCall['operation']): ReaderCall[] {
    return this.reader.calls.filter((call) => call.operation === operation);
  }

  get positions(): unknown[] {
    return this.callsTo('GetShardIterator').map(({ position }) => position);
  }

  /** The most GetRecords calls in any one second. */
  get busiestSecond(): number {
    const times = this.callsTo('GetRecords').map(({ atMs }) => atMs);
    return Math.max(...times.map((from) => times.filter((atMs) => atMs >= from && atMs < from + 1_000).length));
  }

  logged(level: 'debug' | 'info' | 'warn' | 'error'): string[] {
    return this.logger.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}
