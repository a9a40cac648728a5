import { StopSignal, type AbortSignalLike } from '@millrace/core';
import { ShardCheckpointer } from '@millrace/checkpointer';
import { letsRecordsGo } from '@millrace/record-dispatcher';
import { asProcessor } from './as-processor';
import { CheckpointLoop, flushAtLast } from './checkpoint-loop';
import { HandlerSignal } from './handler-signal';
import { startBehind } from './initial-start';
import { ProgressWatchdog, type BusyCall } from './progress-watchdog';
import { untilDone, type RepeatedStep, type StepContext } from './repeated-step';
import { takesSingleRecords, type Processor, type ProcessorLease } from './record-processor';
import type { ShardConsumerParts } from './shard-consumer-parts';
import { ShardDelivery } from './shard-delivery';
import { ShardLag } from './shard-lag';
import { ShardReading, type ShardEnd } from './shard-reading';
import { nextShardState, type ShardState, type ShardTransition } from './shard-state';
import type { UnfinishedShard } from './stop-options';
import { watchedStep } from './watched-step';

/**
 * Reads one shard under one lease: fetch, deaggregate, dispatch, checkpoint; then shard end, a clean stop, or loss.
 *
 * How it works:
 * - One loop pulls batches, and one hands them to the user's code one after another. What was read ahead of it counts for nothing, and
 *   is dropped when reading is to end. In automatic mode, and where records may be let go, a second loop stores what was acknowledged, at an interval.
 * - Three signals end it. `draining` (stop or hand-over): the call under way is waited for, then `shutdownRequested`,
 *   then the lease is given up; `cutShort` makes the handler's signal abort at once. `lease.lost`: the call under way is waited
 *   for, then `leaseLost`; nothing is written. `abandon` (stop ran out of time): the handler's signal aborts, the lease is left
 *   to expire.
 * - Each wait for Millrace's own work is watched: work that stalls is begun anew, and if it stalls again, or if reading or
 *   starting fails for as long, this worker gives the lease up as for a hand-over. The user's code is waited for.
 * - Reading starts again from the last record handed over, or read ahead, after a fault of the source, so that no record is skipped or
 *   handed over twice within one life of the consumer.
 * - Of `shardEnded`, `shutdownRequested` and `leaseLost` exactly one call succeeds or is the last. Once `shardEnded` has
 *   resolved the shard is acknowledged to its end: a stop or hand-over waits until that is stored.
 *
 * Invariant: the lease is given up, and shard end is stored, only while no call of the user's code is under way.
 */
export class ShardConsumer {
  readonly shardId: string;
  readonly #parts: ShardConsumerParts;
  readonly #lease: ProcessorLease;
  readonly #checkpointer: ShardCheckpointer;
  readonly #lag: ShardLag;
  readonly #delivery: ShardDelivery;
  readonly #watchdog: ProgressWatchdog;
  readonly #draining = new StopSignal();
  /** Another worker should try. */
  readonly #givenUp = new StopSignal();
  readonly #abandoned = new StopSignal();
  readonly #cutShort = new StopSignal();
  /** Nothing can be written any more. */
  readonly #gone: StopSignal;
  /** Ends reading and retrying. */
  readonly #reading: StopSignal;
  /** Ends the attempts to store shard end. */
  readonly #storing: StopSignal;
  /** The signal that the user's code gets. */
  readonly #handler = new HandlerSignal();
  #state: ShardState = 'initializing';
  #problem: string | undefined;
  #handoverAsked = false;
  /** `shardEnded` has resolved: it was the processor's last word. */
  #hasSaidLast = false;
  /** What had not settled when it was abandoned. */
  #abandonedAt: string | undefined;
  #processor: Processor | undefined;
  readonly #checkpoints: CheckpointLoop;

  constructor(parts: ShardConsumerParts) {
    const { settings, lease, aggregation, checkpoint: start, attempted, logger } = parts;
    const { stallTimeoutMs, clock } = settings;
    this.shardId = lease.leaseKey;
    this.#parts = parts;
    this.#lease = { shardId: lease.leaseKey, fencingToken: lease.fencingToken };
    this.#checkpointer = new ShardCheckpointer({
      ...{ shardId: lease.leaseKey, start, store: lease, blockedMs: settings.blockedMs },
    });
    this.#watchdog = new ProgressWatchdog({
      onBlocked: (event) => settings.emit('handlerBlocked', { shardId: this.shardId, ...event }),
      ...{ stallTimeoutMs, clock, logger },
    });
    this.#gone = StopSignal.any([lease.lost, this.#abandoned]);
    this.#reading = StopSignal.any([this.#draining, this.#gone]);
    this.#storing = StopSignal.any([this.#givenUp, this.#gone]);
    this.#handler.follow([lease.expiring, this.#cutShort, this.#abandoned]);
    this.#checkpoints = new CheckpointLoop({
      hasUnstored: () => this.#checkpointer.unstored !== undefined,
      flush: () => this.#flush(),
      intervalMs: settings.checkpointIntervalMs,
      everyRecords: settings.checkpointEveryRecords,
      clock,
      logger,
    });
    // Nothing can be stored any more, however long the user's code is waited for.
    this.#gone.addEventListener('abort', () => void this.#checkpoints.end());
    this.#lag = new ShardLag(clock, () => this.#delivery.isBusy);
    this.#delivery = new ShardDelivery({
      settings,
      lease: this.#lease,
      heldLease: lease,
      aggregation,
      start,
      attempted,
      checkpointer: this.#checkpointer,
      watchdog: this.#watchdog,
      signal: this.#handler,
      reading: this.#reading,
      lag: this.#lag,
      acknowledged: (count) => this.#checkpoints.acknowledged(count),
      logger,
    });
  }

  get state(): ShardState {
    return this.#state;
  }

  /** Why the shard is not getting on right now; `undefined` when it is. */
  get problem(): string | undefined {
    return this.#watchdog.problem ?? this.#delivery.problem ?? this.#problem;
  }

  /** The shard could not be read here, or not be started on. */
  get hasGivenUp(): boolean {
    return this.#givenUp.aborted;
  }

  get ownsLease(): boolean {
    return !this.#gone.aborted;
  }

  /**
   * How far behind the tip of the shard the last read was, and for how long the user's code has been at its records
   * since; `undefined` before the first read.
   */
  get millisBehindLatest(): number | undefined {
    return this.#lag.now;
  }

  /** A call of the user's code that was under way since then, or is: of several the one that held the thread for longest. */
  busySince(sinceMs: number): BusyCall | undefined {
    return this.#watchdog.busySince(sinceMs);
  }

  /** Finish the call under way, let the processor flush, give the lease up. */
  drain(): void {
    this.#draining.abort();
  }

  /** The user's code must stop now. It is waited for, and the lease given up then. */
  cutShort(): void {
    // First: what fails now has not failed at its records.
    this.drain();
    this.#cutShort.abort();
  }

  /** The user's code must stop now; the lease is not given up but left to expire. */
  abandon(): void {
    this.#abandonedAt = this.#watchdog.userStep ?? 'release';
    this.#abandoned.abort();
    // Code of the user's that never ends must not keep the process alive by being watched.
    this.#watchdog.end();
  }

  /** What a stop has left undone; `undefined` if that is nothing. For one that has ended, or was abandoned. */
  get unfinished(): UnfinishedShard | undefined {
    const unacknowledged = this.#checkpointer.toBeRedelivered(this.#delivery.handedOver);
    if (this.#abandonedAt === undefined && unacknowledged === undefined) return undefined;
    return { shardId: this.shardId, inFlight: this.#abandonedAt, unacknowledged };
  }

  /** Resolves when the shard is ended, released or lost. Rejects only with a fault that ends the worker. */
  async run(): Promise<void> {
    const { lease } = this.#parts;
    const onHandover = (): void => {
      this.#handoverAsked = true;
      this.#parts.settings.emit('handoverRequested', { shardId: this.shardId });
      this.drain();
    };
    if (lease.handoverRequested.aborted) onHandover();
    else lease.handoverRequested.addEventListener('abort', onHandover, { once: true });
    let hasEnded = false;
    try {
      hasEnded = await this.#work();
    } catch (error) {
      // Said at once: calls of the user's code that are under way are waited for first.
      this.#parts.logger.error({ err: error }, 'shard cannot go on, and the worker will end');
      throw error;
    } finally {
      // Also after a fault that ends the worker: no call of the user's code is under way then.
      this.drain();
      try {
        await this.#delivery.settled();
      } finally {
        await this.#checkpoints.end();
        if (!hasEnded) await this.#leave();
        this.#watchdog.end();
      }
      lease.handoverRequested.removeEventListener('abort', onHandover);
    }
  }

  /** Returns whether shard end is stored; if not, the lease is to be left. */
  async #work(): Promise<boolean> {
    const failed = (failingMs: number): void => {
      if (failingMs >= this.#parts.settings.stallTimeoutMs) this.#giveUp('initialize', Math.round(failingMs));
    };
    if (!(await this.#untilDone('initialize', () => this.#initialize(), failed))) return false;
    this.#move('initialized');
    this.#beginCheckpoints();
    const end = await this.#readToEnd();
    await this.#delivery.settled();
    return end !== undefined && (await this.#endShard(end));
  }

  async #initialize(): Promise<void> {
    const { settings, createProcessor, checkpoint } = this.#parts;
    if (this.#processor === undefined) {
      this.#processor = asProcessor(createProcessor(), settings.concurrency);
      this.#delivery.begin(this.#processor);
    }
    await this.#processor.initialize?.({ lease: this.#lease, checkpoint, signal: this.#handler.forUsers });
  }

  #readToEnd(): Promise<ShardEnd | undefined> {
    const { settings, openSource, initialStart, logger } = this.#parts;
    const reading = new ShardReading({
      settings,
      shardId: this.shardId,
      openSource,
      start: () => startBehind(this.#delivery.position, initialStart),
      watchdog: this.#watchdog,
      signal: this.#reading,
      logger,
      take: (batch, readAtMs) => this.#delivery.take(batch, readAtMs),
      nothingRead: (batch, readAtMs) => this.#delivery.nothingRead(batch, readAtMs),
      setProblem: (problem) => (this.#problem = problem),
      giveUp: (stalledMs) => this.#giveUp('reading', stalledMs),
    });
    return reading.untilEnd();
  }

  /** Everything was handed over. Returns whether shard end is stored. */
  async #endShard({ childShards, agedOut }: ShardEnd): Promise<boolean> {
    const { settings, logger, createChildren } = this.#parts;
    if (this.#reading.aborted) return false;
    this.#move('shard-end-reached');
    if (agedOut) {
      logger.error({}, 'shard was trimmed before it was read to its end, records are lost');
      settings.emit('recordsAgedOut', { shardId: this.shardId, wanted: undefined, found: undefined });
    }
    if (!(await this.#untilDone('shardEnded', () => this.#callShardEnded()))) return false;
    this.#hasSaidLast = true;
    // Children first: after shard end is stored nobody would come back to create them.
    const isStored =
      (await this.#untilStored('createChildren', (signal) => createChildren(childShards, signal))) &&
      (await this.#untilStored('storeShardEnd', () => this.#checkpointer.finish()));
    if (!isStored) return false;
    this.#move('shard-end-stored');
    settings.emit('shardEnded', { shardId: this.shardId });
    logger.info({}, 'shard ended');
    await this.#release();
    return true;
  }

  /** A processor that does not say when it is done with a shard must acknowledge its last record. */
  async #callShardEnded(): Promise<void> {
    if (this.#processor?.shardEnded !== undefined) {
      const checkpointer = this.#checkpointer.handleUpTo(this.#delivery.resolved);
      await this.#processor.shardEnded({ checkpointer, signal: this.#handler.forUsers, lease: this.#lease });
    } else if (this.#checkpointer.hasUnacknowledged) {
      throw new Error(
        `shard ${this.shardId} has ended, but its last records are not acknowledged and the processor has no ` +
          'shardEnded: checkpoint them, implement shardEnded, or use checkpointing: automatic',
      );
    }
  }

  /** A clean stop, a hand-over, a lost lease, a shard that is not read here, or a fault that ends the worker. */
  async #leave(): Promise<void> {
    const wasInitialized = this.#state !== 'initializing';
    if (!this.#gone.aborted) {
      this.#move('shutdown-requested');
      if (wasInitialized && !this.#hasSaidLast) {
        await this.#callOnce('shutdownRequested', () =>
          this.#processor?.shutdownRequested?.({
            checkpointer: this.#checkpointer.handleUpTo(this.#delivery.resolved),
            signal: this.#handler.forUsers,
            lease: this.#lease,
            reason: this.#handoverAsked || this.hasGivenUp ? 'handover' : 'stop',
          }),
        );
      }
      // Shard end was tried until it was in vain.
      if (wasInitialized && this.#checkpointer.acknowledged.kind !== 'shard-end') {
        await this.#once('checkpoint', () => flushAtLast(() => this.#flush(), this.#stepContext(), this.#storing));
      }
    }
    if (this.#isGone()) {
      this.#move('lease-lost');
      if (wasInitialized) await this.#callOnce('leaseLost', () => this.#processor?.leaseLost?.({ lease: this.#lease }));
      return;
    }
    await this.#release();
    // A release that could not be written leaves the lease to expire.
    this.#move(this.#isGone() ? 'lease-lost' : 'lease-given-up');
  }

  /** For another worker to try. */
  #giveUp(step: string, stalledMs: number): void {
    if (this.hasGivenUp) return;
    this.#givenUp.abort();
    this.#parts.logger.warn({ step, stalledMs }, 'shard does not get on here, its lease is given up');
    this.#parts.settings.emit('shardStalled', { shardId: this.shardId, stalledMs, action: 'given-up' });
    this.drain();
  }

  /** A release that never settles leaves the lease to expire. */
  async #release(): Promise<void> {
    const { lease } = this.#parts;
    const outcome = await this.#watchdog.watch(this.#abandoned, () => lease.release());
    if (outcome.kind === 'stalled') lease.abandon();
  }

  /** Asked anew after an await. */
  #isGone(): boolean {
    return this.#gone.aborted;
  }

  /** A step of the user's code that a stop or hand-over ends, and that waits while the lease is not certain. */
  #untilDone(name: string, call: () => Promise<void>, failed?: RepeatedStep['failed']): Promise<boolean> {
    const { lease } = this.#parts;
    const action = { of: 'user', run: () => this.#watchdog.userCall(name, call) } as const;
    const step = { name, action, signal: this.#reading, mayBegin: () => lease.mayDeliver(), ...(failed && { failed }) };
    return untilDone(step, this.#stepContext());
  }

  /** A write that only the loss of the lease ends, or that it stalls twice. */
  #untilStored(name: string, run: (signal: AbortSignalLike) => Promise<void>): Promise<boolean> {
    const stalled = ({ count, stalledMs }: { readonly count: number; readonly stalledMs: number }): void => {
      if (count > 1) this.#giveUp(name, stalledMs);
      else this.#parts.settings.emit('shardStalled', { shardId: this.shardId, stalledMs, action: 'reopened' });
    };
    const step = watchedStep({ name, watchdog: this.#watchdog, ended: this.#abandoned, stalled }, (left) =>
      run(StopSignal.any([this.#gone, left])),
    );
    const action = { of: 'millrace', run: step } as const;
    return untilDone({ name, action, signal: this.#storing, mayBegin: () => true }, this.#stepContext());
  }

  #stepContext(): StepContext {
    const { settings, logger } = this.#parts;
    const { clock, random } = settings;
    return { clock, random, logger, setProblem: (problem) => (this.#problem = problem) };
  }

  #callOnce(step: string, call: () => Promise<void> | void): Promise<void> {
    return this.#once(step, () => this.#watchdog.userCall(step, call));
  }

  /** Runs a step of the way out. Its failure must not keep the lease: what was not acknowledged comes again elsewhere. */
  async #once(step: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#isGone()) this.#parts.logger.warn({ err: error, step }, 'step failed while the lease was given up');
    }
  }

  #beginCheckpoints(): void {
    const { settings, lease } = this.#parts;
    const { checkpointing, failurePolicy } = settings;
    const isManual =
      checkpointing === 'manual' && this.#processor !== undefined && !takesSingleRecords(this.#processor);
    // By itself the user's code stores all that it acknowledges, but nothing that was let go.
    if (isManual && !letsRecordsGo(failurePolicy.kind)) return;
    lease.carry({
      unstored: () => this.#checkpointer.unstored,
      stored: (checkpoint) => {
        this.#checkpoints.stored();
        this.#checkpointer.noteStored(checkpoint);
      },
    });
    this.#checkpoints.begin();
  }

  /** Stores what is acknowledged. Writes queue up behind one that stalls: the lease is of no more use here. */
  #flush(): Promise<void> {
    this.#checkpoints.stored();
    const parts = { name: 'checkpoint', watchdog: this.#watchdog, ended: this.#abandoned };
    const stalled = ({ stalledMs }: { readonly stalledMs: number }): void => this.#giveUp('checkpoint', stalledMs);
    return watchedStep({ stalled, ...parts }, () => this.#checkpointer.flush())();
  }

  #move(transition: ShardTransition): void {
    const from = this.#state;
    this.#state = nextShardState(from, transition);
    this.#parts.settings.emit('shardStateChanged', { shardId: this.shardId, from, to: this.#state });
  }
}
