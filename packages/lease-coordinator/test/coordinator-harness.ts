import { type AbortSignalLike, type Clock, effectiveOwner, type Lease, LATEST, StopSignal } from '@millrace/core';
import { aLease, ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { type HeldLease, LeaseCoordinator, type LeaseOptions, resolveLeaseOptions, type WorkerStore } from '../src';
import type { LeaseObserverEvents } from '../src';
import { InMemoryLeaseStore, InMemoryLeaseTable } from '../src/testing';
import { identity } from './held-lease-harness';

export const failoverTimeMs = 10_000;
export const expiryMarginMs = 500;
export const settleMs = 250;
export const scanIntervalMs = 2_000;
export const mailIntervalMs = 250;

export function key(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

/** One process: its coordinator, and consumers that settle `drainMs` after they are asked to. */
export class TestWorker {
  readonly store: InMemoryLeaseStore;
  readonly coordinator: LeaseCoordinator;
  readonly events: { readonly name: string; readonly event: object }[] = [];
  readonly acquired: HeldLease[] = [];
  readonly logger = new RecordingLogger();
  readonly #stop = new StopSignal();
  readonly #registry: WorkerStore;
  #drainMs: number;
  #isDead = false;
  /** What goes wrong with the calls to the registry. */
  registryFault: (() => Error | undefined) | undefined;
  done: Promise<void> = Promise.resolve();

  constructor(
    readonly id: string,
    {
      clock,
      table,
      options,
      drainMs = 100,
      selectReadable = (leases) => leases.filter(({ checkpoint }) => checkpoint.kind !== 'shard-end'),
    }: {
      readonly clock: Clock;
      readonly table: InMemoryLeaseTable;
      readonly options?: LeaseOptions | undefined;
      readonly drainMs?: number;
      readonly selectReadable?: (leases: readonly Lease[]) => readonly Lease[];
    },
  ) {
    this.#drainMs = drainMs;
    this.store = new InMemoryLeaseStore({ clock, table });
    this.#registry = table.registry();
    this.coordinator = new LeaseCoordinator({
      store: this.store,
      workers: this.#workerStore(),
      host: 'host-1',
      version: '1.2.3',
      workerId: id,
      options: resolveLeaseOptions({ handoverTimeoutMs: 5_000, ...options }, []),
      identity,
      initialTimestampMs: 77,
      clock,
      random: seededRandom(id.length + id.charCodeAt(0)),
      logger: this.logger,
      selectReadable,
      isBarred: () => false,
      onAcquired: (held) => {
        this.acquired.push(held);
        void this.#consume(held, clock);
      },
      observer: this.#recordingObserver(),
    });
  }

  start(): this {
    this.done = this.coordinator.register().then(() => this.coordinator.run(this.#stop));
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
    this.#isDead = true;
  }

  /** Its row in the registry moves no more, but its leases are renewed. */
  muteRegistry(): void {
    this.#isDead = true;
  }

  set drainMs(value: number) {
    this.#drainMs = value;
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

  count(name: keyof LeaseObserverEvents): number {
    return this.events.filter((event) => event.name === name).length;
  }

  #workerStore(): WorkerStore {
    const answered = <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#isDead) return new Promise(() => undefined);
      const error = this.registryFault?.();
      return error === undefined ? call() : Promise.reject(error);
    };
    const registry = this.#registry;
    return {
      heartbeat: (worker, state) => answered(() => registry.heartbeat(worker, state)),
      readMail: (id) => answered(() => registry.readMail(id)),
      takeMail: (id, keys) => answered(() => registry.takeMail(id, keys)),
      sendMail: (id, keys) => answered(() => registry.sendMail(id, keys)),
      deregister: (id) => answered(() => registry.deregister(id)),
      removeWorker: (row) => answered(() => registry.removeWorker(row)),
    };
  }

  async #consume(held: HeldLease, clock: Clock): Promise<void> {
    await anyOf(held.handoverRequested, held.expiring, held.lost, this.#stop);
    await clock.sleep(this.#drainMs);
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
      evicted: record('evicted'),
      corrupt: record('corrupt'),
      tableThrottled: record('tableThrottled'),
      tableFailing: record('tableFailing'),
    };
  }
}

/** Resolves when one of the signals has aborted. */
export function anyOf(...signals: readonly AbortSignalLike[]): Promise<void> {
  const any = StopSignal.any(signals);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve());
  });
}

/** Several workers on one table, under one clock, watched for two that may deliver the same shard. */
export class TestFleet {
  readonly clock = new ManualClock();
  readonly table = new InMemoryLeaseTable();
  readonly workers: TestWorker[] = [];
  /** How often each lease has changed hands. */
  readonly moves = new Map<string, number>();

  constructor(leases: number) {
    this.table.onChange(({ leaseKey, before, after }) => {
      const from = before === undefined ? undefined : effectiveOwner(before);
      const to = after === undefined ? undefined : effectiveOwner(after);
      if (to !== undefined && from !== to) this.moves.set(leaseKey, (this.moves.get(leaseKey) ?? 0) + 1);
    });
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

  /** Returns how long it took until the workers, in the order of their joining, had so many leases. */
  async passUntilLoads(...loads: readonly number[]): Promise<number> {
    return this.passUntil(() => this.loads().join() === loads.join());
  }

  /** As many coordinators as ids, at the same moment. */
  joinAll(ids: readonly string[], options: Partial<ConstructorParameters<typeof TestWorker>[1]> = {}): TestWorker[] {
    return ids.map((id) => this.join(id, options));
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
