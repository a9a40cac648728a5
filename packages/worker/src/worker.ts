import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import {
  retryPassing,
  systemClock,
  systemRandom,
  WorkerStoppedError,
  type Clock,
  type Logger,
  type Random,
} from '@millrace/core';
import { LeaseCoordinator, openAttempts, type HeldLease } from '@millrace/lease-coordinator';
import { type KinesisReader, MemoryBudget, SdkKinesisReader } from '@millrace/record-fetcher';
import pino from 'pino';
import { deriveClients, type DerivedClients } from './aws-clients';
import { BatchLimits } from './batch-limits';
import { blockSuspects } from './block-suspects';
import { CarefulTurn } from './careful-turn';
import { EventLoopWatch } from './event-loop-watch';
import { LeaseCooldown } from './lease-cooldown';
import { initialStart } from './initial-start';
import { keepRows } from './keep-rows';
import { leaseEvents } from './lease-events';
import { defaultBudgetBytes, memoryLimitBytes } from './memory-option';
import { MemoryWatch } from './memory-watch';
import { openSource } from './open-source';
import { packageVersion } from './package-version';
import { ShardConsumer } from './shard-consumer';
import type { ConsumerSettings } from './shard-consumer-parts';
import { startUp, type Started } from './startup';
import { resolveStopOptions, stopResult, type StopOptions, type StopResult } from './stop-options';
import { TableHealth } from './table-health';
import { OpeningLimit, UnhurriedReader } from './unhurried-reader';
import { WorkerEmitter } from './worker-emitter';
import type { BlockSuspect, WorkerEvents } from './worker-events';
import { shardHealth, type ShardHealth, type WorkerHealth, type WorkerSnapshot } from './worker-health';
import { newWorkerId } from './worker-identity';
import { resolveWorkerOptions, type ResolvedWorkerOptions, type WorkerOptions } from './worker-options';

/**
 * One process's part in reading a stream.
 *
 * How it works:
 * - {@link Worker.run} checks options, stream and lease table, then runs three things side by side until it is told to
 *   stop: the lease coordinator (takes and renews leases), the shard audit, and one {@link ShardConsumer} per held lease.
 * - A lease that is acquired starts a consumer; the consumer ends by giving the lease up, or because it was lost.
 * - {@link Worker.stop} ends the taking of leases at once, drains all consumers side by side, and gives up their leases.
 *   What has not finished in time is abandoned: its lease expires by itself.
 * - A fatal fault (the stream or the table is gone) stops the worker the same way, and `run()` rejects with it.
 *
 * Nothing of a worker keeps the process alive once `run()` has settled, except user code that has not.
 */
export class Worker {
  /** Stands in the lease rows; new at every construction. */
  readonly workerId: string;
  readonly #options: ResolvedWorkerOptions;
  readonly #raw: WorkerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #emitter: WorkerEmitter;
  readonly #stopping = new AbortController();
  readonly #consumers = new Map<string, { readonly consumer: ShardConsumer; readonly done: Promise<void> }>();
  readonly #table: TableHealth;
  readonly #eventLoop: EventLoopWatch;
  readonly #batchLimits = new BatchLimits();
  readonly #memory: MemoryBudget;
  readonly #memoryWatch: MemoryWatch;
  readonly #carefulTurn: CarefulTurn;
  readonly #openings: OpeningLimit;
  readonly #cooldown: LeaseCooldown;
  #phase: 'new' | 'starting' | 'running' | 'ended' = 'new';
  #ended: Promise<void> = Promise.resolve();
  /** Resolves once every consumer has ended or was abandoned. */
  #drained: Promise<StopResult> | undefined;
  readonly #abandonment = new AbortController();
  #coordinator: LeaseCoordinator | undefined;
  #fatal: { readonly error: unknown } | undefined;

  /** @throws ConfigError with everything that is wrong with the options. No call is made. */
  constructor(options: WorkerOptions) {
    this.#options = resolveWorkerOptions(options);
    this.#raw = options;
    this.workerId = newWorkerId(options.workerId);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    const logger = options.logger ?? pino({ name: 'millrace', level: 'warn' }, pino.destination({ fd: 2, sync: true }));
    this.#logger = logger.child({ applicationName: options.applicationName, workerId: this.workerId });
    this.#emitter = new WorkerEmitter(this.#logger);
    const { signal: stopping } = this.#stopping;
    // One listener per shard and call that is under way: many, and all of them are removed again.
    setMaxListeners(0, stopping);
    this.#openings = new OpeningLimit(this.#clock, () => this.#coordinator?.sharing ?? 'gathering', stopping);
    this.#memory = this.#options.memory ?? new MemoryBudget(defaultBudgetBytes(memoryLimitBytes()));
    this.#memoryWatch = new MemoryWatch({
      emit: (name, payload) => this.#emitter.emit(name, payload),
      ...{ budget: this.#memory, clock: this.#clock, logger: this.#logger },
    });
    const { failoverTimeMs } = this.#options.leases;
    this.#table = new TableHealth(this.#clock, failoverTimeMs);
    this.#carefulTurn = new CarefulTurn(this.#clock, this.#options.stallTimeoutMs);
    this.#cooldown = new LeaseCooldown(this.#clock, failoverTimeMs);
    this.#eventLoop = new EventLoopWatch({
      onBlocked: ({ blockedMs }) => this.#wasBlocked(blockedMs),
      ...{ failoverTimeMs, clock: this.#clock, logger: this.#logger },
    });
  }

  /** Adds a listener; every event is described in {@link WorkerEvents}. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: (payload: WorkerEvents[Name]) => void): this {
    this.#emitter.on(name, listener);
    return this;
  }

  /** Removes a listener. */
  off<Name extends keyof WorkerEvents>(name: Name, listener: (payload: WorkerEvents[Name]) => void): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /**
   * Works until {@link Worker.stop} is called or `signal` aborts, and resolves when the leases are given up.
   *
   * Rejects at the start with what is wrong (`StreamNotFoundError`, `MissingPermissionError`, `LeaseTableMissingError`,
   * `NotALeaseTableError`, `StreamRecreatedError`, `CorruptLeaseError`, or the AWS error as it came), and later only
   * with a fault that no retry can mend: the stream or the lease table is gone. May be called once.
   */
  async run(signal?: AbortSignal): Promise<void> {
    if (this.#phase !== 'new') throw new Error('a worker runs once: make another one');
    this.#phase = 'starting';
    this.#ended = this.#run(signal);
    return this.#ended;
  }

  /**
   * Stops cleanly: takes no more leases, lets every call of the user's code finish, or tells it to (`inFlight`), calls
   * `shutdownRequested`, stores what was acknowledged and nothing else, gives the leases up. Resolves once that is done and
   * `run()` has settled, with what was left undone. May be called at any time and more than once: the shortest time-out
   * counts, so that `stop({ timeoutMs: 0 })` ends a stop that takes too long, and what was told to abort stays told. Do not
   * await it in a record processor: it waits for that.
   *
   * @throws ConfigError when an option is out of range; nothing was stopped. Never rejects otherwise.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeoutMs, inFlight } = resolveStopOptions(options);
    const drained = this.#drain();
    if (inFlight === 'abort') for (const { consumer } of this.#consumers.values()) consumer.cutShort();
    const cancel = this.#clock.after(timeoutMs, () => this.#abandonment.abort());
    const result = await drained;
    cancel();
    // What run() rejects with is for its caller.
    await this.#ended.catch(() => undefined);
    return result;
  }

  /** For probes. Synchronous, and makes no call. */
  health(): WorkerHealth {
    const shards = this.#shards();
    const running = this.#phase === 'running' && !this.#stopping.signal.aborted;
    return {
      live: this.#phase !== 'ended',
      ready: running && this.#table.problem === undefined && shards.every(({ problem }) => problem === undefined),
      problem: this.#table.problem,
      eventLoopDelayMs: this.#eventLoop.greatestDelayMs,
      shards,
    };
  }

  /** For autoscaling. Synchronous, and makes no call. */
  snapshot(): WorkerSnapshot {
    const shards = this.#shards();
    return {
      workerId: this.workerId,
      ownedShardIds: [...this.#consumers.values()].flatMap(({ consumer: { ownsLease, shardId } }) =>
        ownsLease ? [shardId] : [],
      ),
      maxMillisBehindLatest: Math.max(0, ...shards.map(({ millisBehindLatest }) => millisBehindLatest ?? 0)),
      eventLoopDelayMs: this.#eventLoop.greatestDelayMs,
      memory: {
        budgetBytes: this.#memory.bytes,
        usedBytes: this.#memory.usedBytes,
        waitingShards: this.#memory.waitingShares,
      },
      shards,
    };
  }

  async #run(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = (): void => void this.stop();
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopping = this.#stopping.signal;
    let clients: DerivedClients | undefined;
    try {
      clients = deriveClients(this.#raw.kinesis, this.#raw.dynamodb, this.#options.awsCalls);
      const started = await startUp({
        options: this.#options,
        clients,
        workerId: this.workerId,
        clock: this.#clock,
        random: this.#random,
        logger: this.#logger,
        observer: {
          leasesCreated: (payload) => this.#emitter.emit('leasesCreated', payload),
          leasesDeleted: (payload) => this.#emitter.emit('leasesDeleted', payload),
          auditFailed: (payload) => this.#emitter.emit('auditFailed', payload),
        },
        signal: stopping,
      });
      const coordinator = this.#newCoordinator(started, clients);
      this.#coordinator = coordinator;
      await retryPassing({ clock: this.#clock, random: this.#random, signal: stopping }, () => coordinator.register());
      this.#phase = 'running';
      this.#logger.info({ streamArn: started.identity.streamArn, calls: clients.calls }, 'worker started');
      this.#emitter.emit('workerStarted', { workerId: this.workerId, streamArn: started.identity.streamArn });
      await this.#eventLoop.during(() => this.#work(started, coordinator));
    } catch (error) {
      // A start that was cut short by stop() is a clean end.
      if (!stopping.aborted || this.#phase === 'running') throw error;
    } finally {
      this.#phase = 'ended';
      signal?.removeEventListener('abort', onAbort);
      clients?.destroy();
    }
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }

  async #work({ shardSync }: Started, coordinator: LeaseCoordinator): Promise<void> {
    const stopping = this.#stopping.signal;
    const guard = (loop: Promise<void>): Promise<void> => loop.catch((error: unknown) => this.#fail(error));
    const rows = keepRows({ shardSync, coordinator, logger: this.#logger, signal: stopping });
    await Promise.all([guard(coordinator.run(stopping)), guard(rows)]);
    const { unfinishedShardIds, unfinished } = await this.#drain();
    if (unfinishedShardIds.length === 0) this.#logger.info({ unfinished }, 'worker stopped');
    else this.#logger.warn({ unfinished }, 'worker stopped before everything had finished');
    this.#emitter.emit('workerStopped', { workerId: this.workerId, unfinishedShardIds, unfinished });
  }

  #newCoordinator(started: Started, clients: DerivedClients): LeaseCoordinator {
    const { kinesis } = clients;
    const { callTimeoutMs } = this.#options.fetch;
    const { streamArn } = started.identity;
    const reader = new SdkKinesisReader({ kinesis, streamArn, clock: this.#clock, callTimeoutMs });
    const settings = this.#consumerSettings(started);
    return new LeaseCoordinator({
      store: started.store,
      workers: started.workers,
      workerId: this.workerId,
      host: hostname(),
      version: packageVersion,
      options: started.leases,
      identity: started.identity,
      initialTimestampMs: started.initialTimestampMs,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
      selectReadable: (leases) => started.shardSync.selectReadable(leases),
      isBarred: (leaseKey) => this.#isBarred(leaseKey),
      onAcquired: (held) => this.#consume(held, started, reader, settings),
      observer: leaseEvents(this.#emitter, this.#table, () => this.#eventLoop.costlyBlockMs),
    });
  }

  /** It has given the lease up just now, or lost it while user code of that time has not settled. */
  #isBarred(leaseKey: string): boolean {
    return this.#consumers.has(leaseKey) || !this.#cooldown.isOver(leaseKey);
  }

  /** Names who may have done it, and hands less over at a time to whoever has. */
  #wasBlocked(blockedMs: number): { readonly suspects: readonly BlockSuspect[] } {
    const sinceMs = this.#clock.now() - blockedMs;
    const calls = [...this.#consumers.values()].flatMap(({ consumer }) => {
      const call = consumer.busySince(sinceMs);
      return call === undefined ? [] : [{ shardId: consumer.shardId, ...call }];
    });
    const { suspects, areCertain } = blockSuspects(calls, blockedMs);
    for (const { shardId, step, recordCount } of areCertain ? suspects : []) {
      if (step === 'processRecords') this.#batchLimits.blocked(shardId, recordCount);
    }
    this.#emitter.emit('eventLoopBlocked', { blockedMs, suspects });
    return { suspects };
  }

  #consumerSettings({ identity, leases }: Started): ConsumerSettings {
    const { applicationName, checkpointing, checkpointIntervalMs, checkpointEveryRecords, concurrency } = this.#options;
    const { batch, failurePolicy, retry, stallTimeoutMs, fetch } = this.#options;
    return {
      ...{ checkpointing, checkpointIntervalMs, checkpointEveryRecords, concurrency, batch, failurePolicy, retry },
      batchLimits: this.#batchLimits,
      blockedMs: () => this.#eventLoop.costlyBlockMs,
      letterhead: { applicationName, streamArn: identity.streamArn, workerId: this.workerId },
      stallTimeoutMs,
      readAheadPages: fetch.readAheadPages,
      carefulTurn: this.#carefulTurn,
      failoverTimeMs: leases.failoverTimeMs,
      emit: (name, payload) => this.#emitter.emit(name, payload),
      clock: this.#clock,
      random: this.#random,
    };
  }

  #consume(held: HeldLease, started: Started, reader: KinesisReader, settings: ConsumerSettings): void {
    const shardId = held.leaseKey;
    const { lease } = held;
    const logger = this.#logger.child({ shardId });
    const memory = this.#memory.open();
    const consumer = new ShardConsumer({
      settings,
      lease: held,
      createProcessor: () => this.#options.processorFactory({ shardId }),
      aggregation: { hashKeyRange: lease.hashKeyRange, outOfRange: this.#options.aggregationOutOfRange },
      checkpoint: lease.checkpoint,
      attempted: openAttempts(lease.attempted, lease.checkpoint),
      initialStart: initialStart(lease, started.initialTimestampMs),
      openSource: (start, listener) =>
        openSource({
          reader: new UnhurriedReader(reader, this.#openings, listener.waiting),
          ...{ shardId, start, listener, started, options: this.#options.fetch, emitter: this.#emitter, logger },
          ...{ memory, memoryWatch: this.#memoryWatch, clock: this.#clock, random: this.#random },
        }),
      createChildren: (childShards, signal) => started.shardSync.createChildren(shardId, childShards, signal),
      logger,
    });
    const done = consumer
      .run()
      .catch((error: unknown) => {
        // Nothing to do for a lease that was given up before; any other expires.
        held.abandon();
        this.#fail(error);
      })
      .finally(() => {
        this.#consumers.delete(shardId);
        memory.close();
        if (consumer.millisBehindLatest !== undefined) this.#cooldown.end(shardId);
        if (consumer.hasGivenUp) this.#cooldown.begin(shardId);
        // Its children may be readable now.
        if (consumer.state === 'ended') this.#coordinator?.wake();
      });
    this.#consumers.set(shardId, { consumer, done });
    if (this.#stopping.signal.aborted) consumer.drain();
  }

  #fail(error: unknown): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = { error };
    this.#logger.error({ err: error }, 'worker cannot go on');
    void this.stop();
  }

  /** Begins the stop, once. */
  #drain(): Promise<StopResult> {
    this.#drained ??= this.#drainConsumers();
    return this.#drained;
  }

  async #drainConsumers(): Promise<StopResult> {
    this.#stopping.abort(new WorkerStoppedError());
    const all = [...this.#consumers.values()];
    for (const { consumer } of all) consumer.drain();
    const abandoned = new Promise<void>((resolve) => {
      const onAbort = (): void => {
        this.#abandon();
        resolve();
      };
      this.#abandonment.signal.addEventListener('abort', onAbort, { once: true });
    });
    await Promise.race([Promise.all(all.map(({ done }) => done)), abandoned]);
    return stopResult(all.flatMap(({ consumer }) => consumer.unfinished ?? []));
  }

  #abandon(): void {
    this.#carefulTurn.end();
    for (const { consumer } of this.#consumers.values()) consumer.abandon();
    for (const held of this.#coordinator?.heldLeases() ?? []) held.abandon();
  }

  #shards(): readonly ShardHealth[] {
    return [...this.#consumers.values()].map(({ consumer }) => shardHealth(consumer));
  }
}
