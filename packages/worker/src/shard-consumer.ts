import {
  backoffDelayMs,
  checkpointAt,
  compareCheckpoints,
  isFatal,
  type Checkpoint,
  type RecordPosition,
  type StartPosition,
  type UserRecord,
} from '@millrace/core';
import { ShardCheckpointer } from '@millrace/checkpointer';
import { deaggregate, type DeaggregationCounts } from '@millrace/record-deaggregator';
import { RecordDispatcher, type DispatchTarget } from '@millrace/record-dispatcher';
import type { RecordBatch } from '@millrace/record-fetcher';
import { sleepOrAbort, untilDone, type RepeatedStep, type StepContext } from './repeated-step';
import type { ProcessorLease, RecordProcessor } from './record-processor';
import type { ShardConsumerParts } from './shard-consumer-parts';
import { nextShardState, type ShardState, type ShardTransition } from './shard-state';

type ShardEnd = Extract<RecordBatch, { kind: 'shard-end' }>;

/** Delays between attempts to read a shard after a fault. */
const readBackoff = { baseMs: 500, maxMs: 30_000 };

/**
 * Reads one shard under one lease: fetch, deaggregate, dispatch, checkpoint; then shard end, a clean stop, or loss.
 *
 * How it works:
 * - One loop pulls batches and hands them to the user's code one after another; nothing is fetched meanwhile. In
 *   automatic mode a second loop stores what was acknowledged, at an interval.
 * - Three signals end it. `draining` (stop or hand-over): the call under way is waited for, then `shutdownRequested`,
 *   then the lease is given up. `lease.lost`: the call under way is waited for, then `leaseLost`; nothing is written.
 *   `abandon` (stop ran out of time): the handler's signal aborts, the lease is left to expire.
 * - The position is that of the last record handed over. Reading starts again from it after a fault of the source, so
 *   no record is skipped or handed over twice within one life of the consumer.
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
  readonly #dispatcher: RecordDispatcher;
  readonly #draining = new AbortController();
  readonly #abandoned = new AbortController();
  /** Nothing can be written any more. */
  readonly #gone: AbortSignal;
  /** Ends reading and retrying. */
  readonly #reading: AbortSignal;
  /** The signal that the user's code gets. */
  readonly #handler: AbortSignal;
  #state: ShardState = 'initializing';
  #position: Checkpoint;
  /** The last record of the last call of `processRecords` that resolved: a call that failed acknowledges nothing. */
  #resolved: RecordPosition | undefined;
  #lag: { readonly millisBehindLatest: number; readonly readAtMs: number } | undefined;
  #isBatchInHand = false;
  #problem: string | undefined;
  #handoverAsked = false;
  /** `shardEnded` has resolved: it was the processor's last word. */
  #hasSaidLast = false;
  #processor: RecordProcessor | undefined;

  constructor(parts: ShardConsumerParts) {
    const { lease, retry, clock, random, logger } = parts;
    this.shardId = lease.leaseKey;
    this.#parts = parts;
    this.#lease = { shardId: lease.leaseKey, fencingToken: lease.fencingToken };
    this.#position = parts.checkpoint;
    this.#checkpointer = new ShardCheckpointer({ shardId: lease.leaseKey, start: parts.checkpoint, store: lease });
    this.#dispatcher = new RecordDispatcher({ target: this.#target(), retry, clock, random, logger });
    this.#gone = AbortSignal.any([lease.lost, this.#abandoned.signal]);
    this.#reading = AbortSignal.any([this.#draining.signal, this.#gone]);
    this.#handler = AbortSignal.any([lease.expiring, this.#abandoned.signal]);
  }

  get state(): ShardState {
    return this.#state;
  }

  /** Why the shard is not getting on right now; `undefined` when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get ownsLease(): boolean {
    return !this.#gone.aborted;
  }

  /**
   * How far behind the tip of the shard the last read was, and for how long the user's code has been at its records
   * since; `undefined` before the first read.
   */
  get millisBehindLatest(): number | undefined {
    if (this.#lag === undefined) return undefined;
    const { millisBehindLatest, readAtMs } = this.#lag;
    return this.#isBatchInHand ? millisBehindLatest + this.#parts.clock.now() - readAtMs : millisBehindLatest;
  }

  /** Finish the call under way, let the processor flush, give the lease up. */
  drain(): void {
    this.#draining.abort();
  }

  /** The user's code must stop now; the lease is not given up but left to expire. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** Resolves when the shard is ended, released or lost. Rejects only with a fault that ends the worker. */
  async run(): Promise<void> {
    const { lease } = this.#parts;
    const onHandover = (): void => {
      this.#handoverAsked = true;
      this.#parts.emit('handoverRequested', { shardId: this.shardId });
      this.drain();
    };
    if (lease.handoverRequested.aborted) onHandover();
    else lease.handoverRequested.addEventListener('abort', onHandover, { once: true });
    const flushing = new AbortController();
    const flushLoop = this.#flushAtInterval(flushing.signal);
    let hasEnded = false;
    try {
      hasEnded = await this.#work();
    } finally {
      // Also after a fault that ends the worker: no call of the user's code is under way then.
      flushing.abort();
      await flushLoop;
      if (!hasEnded) await this.#leave();
      lease.handoverRequested.removeEventListener('abort', onHandover);
    }
  }

  /** Returns whether shard end is stored; if not, the lease is to be left. */
  async #work(): Promise<boolean> {
    if (!(await this.#untilDone('initialize', { of: 'user', run: () => this.#initialize() }))) return false;
    this.#move('initialized');
    const end = await this.#readToEnd();
    return end !== undefined && (await this.#endShard(end));
  }

  async #initialize(): Promise<void> {
    const { createProcessor, checkpoint } = this.#parts;
    this.#processor ??= asProcessor(createProcessor());
    await this.#processor.initialize?.({ lease: this.#lease, checkpoint, signal: this.#handler });
  }

  /** Reads until shard end, or until reading is to end; opens the source again after a fault. */
  async #readToEnd(): Promise<ShardEnd | undefined> {
    const { clock, random, logger, emit } = this.#parts;
    for (let attempt = 0; this.#mayGoOn(); attempt++) {
      const before = this.#position;
      try {
        return await this.#readOnce();
      } catch (error) {
        if (!this.#mayGoOn()) return undefined;
        if (isFatal(error)) throw error;
        if (before !== this.#position) attempt = 0;
        this.#problem = 'the shard cannot be read';
        logger.error({ err: error, attempt: attempt + 1 }, 'shard cannot be read, it will be tried again');
        emit('shardFailed', { shardId: this.shardId, error });
        await sleepOrAbort(clock, backoffDelayMs(attempt, readBackoff, random), this.#reading);
      }
    }
    return undefined;
  }

  async #readOnce(): Promise<ShardEnd | undefined> {
    const { openSource, clock } = this.#parts;
    const source = openSource(this.#start(), (problem) => (this.#problem = problem));
    for await (const batch of source.batches(this.#reading)) {
      this.#problem = undefined;
      if (batch.kind === 'shard-end') return batch;
      this.#lag = { millisBehindLatest: batch.millisBehindLatest, readAtMs: clock.now() };
      const records = this.#newRecords(batch);
      const last = records.at(-1);
      if (last === undefined) continue;
      this.#isBatchInHand = true;
      const outcome = await this.#dispatcher.dispatch(records, this.#reading);
      this.#isBatchInHand = false;
      if (outcome === 'aborted') return undefined;
      this.#position = checkpointAt(last);
    }
    return undefined;
  }

  #start(): StartPosition {
    return this.#position.kind === 'sequence-number'
      ? { kind: 'at-sequence-number', sequenceNumber: this.#position.sequenceNumber }
      : this.#parts.initialStart;
  }

  /** Deaggregates, and leaves out what lies at or before the position: the start of a partly acknowledged aggregate. */
  #newRecords({ records }: { readonly records: Parameters<typeof deaggregate>[0] }): readonly UserRecord[] {
    const deaggregated = deaggregate(records, this.#parts.aggregation);
    this.#reportCounts(deaggregated.counts);
    const position = this.#position;
    return deaggregated.records.filter((record) => compareCheckpoints(position, checkpointAt(record)) < 0);
  }

  #reportCounts(counts: DeaggregationCounts): void {
    if (Object.values(counts).every((count: number) => count === 0)) return;
    this.#parts.emit('recordsDeaggregated', { shardId: this.shardId, counts });
  }

  #target(): DispatchTarget {
    const { lease, emit } = this.#parts;
    return {
      acknowledged: () => this.#checkpointer.acknowledged,
      mayDeliver: () => lease.mayDeliver(),
      failed: ({ error, ...failure }) => emit('processingFailed', { shardId: this.shardId, error, ...failure }),
      deliver: (records) => this.#deliver(records),
    };
  }

  /** Reaches the user's code before its first await: the lease was found ours in this very turn. */
  async #deliver(records: readonly UserRecord[]): Promise<void> {
    const { checkpointing, clock, emit } = this.#parts;
    const last: RecordPosition | undefined = records.at(-1);
    if (last === undefined) return;
    const startedAtMs = clock.now();
    const millisBehindLatest = this.#lag?.millisBehindLatest ?? 0;
    // Before the user's code has them: it may take them off the array.
    const recordCount = records.length;
    const byteCount = records.reduce((sum, { data }) => sum + data.byteLength, 0);
    this.#checkpointer.deliver(last);
    await this.#processor?.processRecords({
      records,
      checkpointer: this.#checkpointer.handle(),
      millisBehindLatest,
      signal: this.#handler,
      lease: this.#lease,
    });
    this.#resolved = last;
    if (checkpointing === 'automatic') this.#checkpointer.acknowledge(last);
    emit('recordsProcessed', {
      shardId: this.shardId,
      recordCount,
      byteCount,
      millisBehindLatest,
      durationMs: clock.now() - startedAtMs,
    });
  }

  /** Everything was handed over. Returns whether shard end is stored. */
  async #endShard({ childShards, agedOut }: ShardEnd): Promise<boolean> {
    const { lease, logger, emit, createChildren } = this.#parts;
    if (!this.#mayGoOn()) return false;
    this.#move('shard-end-reached');
    if (agedOut) {
      logger.error({}, 'shard was trimmed before it was read to its end, records are lost');
      emit('recordsAgedOut', { shardId: this.shardId, wanted: undefined, found: undefined });
    }
    if (!(await this.#untilDone('shardEnded', { of: 'user', run: () => this.#callShardEnded() }))) return false;
    this.#hasSaidLast = true;
    // Children first: after shard end is stored nobody would come back to create them.
    const isStored =
      (await this.#untilStored('createChildren', () => createChildren(childShards, this.#gone))) &&
      (await this.#untilStored('storeShardEnd', () => this.#checkpointer.finish()));
    if (!isStored) return false;
    this.#move('shard-end-stored');
    emit('shardEnded', { shardId: this.shardId });
    logger.info({}, 'shard ended');
    await lease.release();
    return true;
  }

  /** A processor that does not say when it is done with a shard must acknowledge its last record. */
  async #callShardEnded(): Promise<void> {
    if (this.#processor?.shardEnded !== undefined) {
      const checkpointer = this.#checkpointer.handleUpTo(this.#resolved);
      await this.#processor.shardEnded({ checkpointer, signal: this.#handler, lease: this.#lease });
    } else if (this.#checkpointer.hasUnacknowledged) {
      throw new Error(
        `shard ${this.shardId} has ended, but its last records are not acknowledged and the processor has no ` +
          'shardEnded: checkpoint them, implement shardEnded, or use checkpointing: automatic',
      );
    }
  }

  /** A clean stop, a hand-over, a lost lease, or a fault that ends the worker. */
  async #leave(): Promise<void> {
    const { lease } = this.#parts;
    const wasInitialized = this.#state !== 'initializing';
    if (!this.#gone.aborted) {
      this.#move('shutdown-requested');
      if (wasInitialized && !this.#hasSaidLast) {
        await this.#once('shutdownRequested', async () =>
          this.#processor?.shutdownRequested?.({
            checkpointer: this.#checkpointer.handleUpTo(this.#resolved),
            signal: this.#handler,
            lease: this.#lease,
            reason: this.#handoverAsked ? 'handover' : 'stop',
          }),
        );
        await this.#once('checkpoint', () => this.#checkpointer.flush());
      }
    }
    if (this.#isGone()) {
      this.#move('lease-lost');
      if (wasInitialized)
        await this.#once('leaseLost', async () => this.#processor?.leaseLost?.({ lease: this.#lease }));
      return;
    }
    await lease.release();
    // A release that could not be written leaves the lease to expire.
    this.#move(this.#isGone() ? 'lease-lost' : 'lease-given-up');
  }

  #mayGoOn(): boolean {
    return !this.#reading.aborted;
  }

  /** Asked anew after an await. */
  #isGone(): boolean {
    return this.#gone.aborted;
  }

  /** A step that a stop or hand-over ends, and that waits while the lease is not certain. */
  #untilDone(name: string, action: RepeatedStep['action']): Promise<boolean> {
    const { lease } = this.#parts;
    return untilDone({ name, action, signal: this.#reading, mayBegin: () => lease.mayDeliver() }, this.#stepContext());
  }

  /** A write that only the loss of the lease ends. */
  #untilStored(name: string, run: () => Promise<void>): Promise<boolean> {
    const action = { of: 'millrace', run } as const;
    return untilDone({ name, action, signal: this.#gone, mayBegin: () => true }, this.#stepContext());
  }

  #stepContext(): StepContext {
    const { clock, random, logger } = this.#parts;
    return { clock, random, logger, setProblem: (problem) => (this.#problem = problem) };
  }

  /** Runs a step of the way out. Its failure must not keep the lease: what was not acknowledged comes again elsewhere. */
  async #once(step: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#isGone()) this.#parts.logger.warn({ err: error, step }, 'step failed while the lease was given up');
    }
  }

  async #flushAtInterval(signal: AbortSignal): Promise<void> {
    const { checkpointing, checkpointIntervalMs, clock, logger } = this.#parts;
    while (checkpointing === 'automatic' && !signal.aborted) {
      if (!(await sleepOrAbort(clock, checkpointIntervalMs, signal))) return;
      try {
        await this.#checkpointer.flush();
      } catch (error) {
        if (this.#isGone()) return;
        logger.warn({ err: error }, 'checkpoint was not stored, it will be repeated');
      }
    }
  }

  #move(transition: ShardTransition): void {
    const from = this.#state;
    this.#state = nextShardState(from, transition);
    this.#parts.emit('shardStateChanged', { shardId: this.shardId, from, to: this.#state });
  }
}

/** What the factory gave may come from code without types. */
function asProcessor(value: RecordProcessor | undefined): RecordProcessor {
  if (typeof value?.processRecords === 'function') return value;
  throw new TypeError('processorFactory must return an object with a processRecords method');
}
