import { type Clock, type Lease, LATEST } from '@millrace/core';
import { aLease, ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { type HeldLease, LeaseCoordinator, type LeaseOptions, resolveLeaseOptions } from '../src';
import type { LeaseObserverEvents } from '../src';
import { InMemoryLeaseStore, InMemoryLeaseTable } from '../src/testing';
import { identity } from './held-lease-harness';

export const failoverTimeMs = 10_000;
export const expiryMarginMs = 500;

export function key(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

/** One process: its coordinator, and consumers that settle `settleMs` after they are asked to. */
export class TestWorker {
  readonly store: InMemoryLeaseStore;
  readonly coordinator: LeaseCoordinator;
  readonly events: { readonly name: string; readonly event: object }[] = [];
  readonly acquired: HeldLease[] = [];
  readonly logger = new RecordingLogger();
  readonly #stop = new AbortController();
  #settleMs: number;
  done: Promise<void> = Promise.resolve();

  constructor(
    readonly id: string,
    {
      clock,
      table,
      options,
      settleMs = 100,
      selectReadable = (leases) => leases.filter(({ checkpoint }) => checkpoint.kind !== 'shard-end'),
    }: {
      readonly clock: Clock;
      readonly table: InMemoryLeaseTable;
      readonly options?: LeaseOptions | undefined;
      readonly settleMs?: number;
      readonly selectReadable?: (leases: readonly Lease[]) => readonly Lease[];
    },
  ) {
    this.#settleMs = settleMs;
    this.store = new InMemoryLeaseStore({ clock, table });
    this.coordinator = new LeaseCoordinator({
      store: this.store,
      workerId: id,
      options: resolveLeaseOptions({ handoverTimeoutMs: 5_000, ...options }, []),
      identity,
      initialTimestampMs: 77,
      clock,
      random: seededRandom(id.length + id.charCodeAt(0)),
      logger: this.logger,
      selectReadable,
      onAcquired: (held) => {
        this.acquired.push(held);
        void this.#consume(held, clock);
      },
      observer: this.#recordingObserver(),
    });
  }

  start(): this {
    this.done = this.coordinator.run(this.#stop.signal);
    this.done.catch(() => undefined);
    return this;
  }

  /** As `Worker.stop()`: nothing new, and what is held is given back when its handler has settled. */
  stop(): void {
    this.#stop.abort(new Error('stopped'));
  }

  /** The process dies: nothing that it sends arrives any more. */
  kill(): void {
    this.store.fault = () => ({ kind: 'lost-before' });
  }

  set settleMs(value: number) {
    this.#settleMs = value;
  }

  get deliverable(): readonly string[] {
    return this.coordinator
      .heldLeases()
      .filter((held) => held.mayDeliver())
      .map(({ leaseKey }) => leaseKey)
      .sort();
  }

  eventNames(): string[] {
    return this.events.map(({ name }) => name);
  }

  async #consume(held: HeldLease, clock: Clock): Promise<void> {
    await anyOf(held.handoverRequested, held.expiring, held.lost, this.#stop.signal);
    await clock.sleep(this.#settleMs);
    await held.release();
  }

  #recordingObserver(): LeaseObserverEvents {
    const record = (name: string) => (event: object) => this.events.push({ name, event });
    return {
      taken: record('taken'),
      adopted: record('adopted'),
      handoverRequested: record('handoverRequested'),
      handedOver: record('handedOver'),
      released: record('released'),
      lost: record('lost'),
      corrupt: record('corrupt'),
      tableThrottled: record('tableThrottled'),
    };
  }
}

/** Resolves when one of the signals has aborted. */
export function anyOf(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Several workers on one table, under one clock, watched for two that may deliver the same shard. */
export class TestFleet {
  readonly clock = new ManualClock();
  readonly table = new InMemoryLeaseTable();
  readonly workers: TestWorker[] = [];

  constructor(leases: number) {
    for (let index = 0; index < leases; index++) this.table.put(aLease({ leaseKey: key(index) }));
  }

  join(id: string, options: Partial<ConstructorParameters<typeof TestWorker>[1]> = {}): TestWorker {
    const worker = new TestWorker(id, { clock: this.clock, table: this.table, ...options }).start();
    this.workers.push(worker);
    return worker;
  }

  /** Lets time pass, looking for overlap every 50 ms. */
  async pass(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
      await this.clock.advance(Math.min(50, durationMs - passedMs));
      this.checkOverlap();
    }
  }

  async passUntil(condition: () => boolean, limitMs = 120_000): Promise<number> {
    const fromMs = this.clock.now();
    while (!condition()) {
      if (this.clock.now() - fromMs > limitMs) throw new Error('condition not met in time');
      await this.pass(50);
    }
    return this.clock.now() - fromMs;
  }

  checkOverlap(): void {
    const delivered = this.workers.flatMap((worker) => worker.deliverable);
    if (new Set(delivered).size !== delivered.length) throw new Error('two workers may deliver the same shard');
  }

  loads(): number[] {
    return this.workers.map((worker) => worker.deliverable.length);
  }

  row(index: number): Lease {
    const row = this.table.get(key(index));
    if (row === undefined) throw new Error('no such row');
    return row;
  }

  async end(): Promise<void> {
    for (const worker of this.workers) {
      worker.stop();
      for (const held of worker.coordinator.heldLeases()) held.abandon();
    }
    await this.clock.advance(60_000);
  }
}

export const aLatestLease = (): Lease => aLease({ leaseKey: key(0), checkpoint: LATEST });
