import {
  backoffDelayMs,
  checkpointAt,
  compareCheckpoints,
  type Checkpoint,
  type Clock,
  type Logger,
  type Random,
  type RecordPosition,
  type Shard,
  type StartPosition,
  type UserRecord,
} from '@millrace/core';
import { ShardCheckpointer, type CheckpointStore } from '@millrace/checkpointer';
import { deaggregate, type DeaggregateOptions, type DeaggregationCounts } from '@millrace/record-deaggregator';
import { RecordDispatcher, type DispatchTarget, type ResolvedRetryOptions } from '@millrace/record-dispatcher';
import type { RecordBatch, RecordSource } from '@millrace/record-fetcher';
import type { ProcessorLease, RecordProcessor } from './record-processor';
import { nextShardState, type ShardState, type ShardTransition } from './shard-state';
import type { WorkerEvents } from './worker-events';

/** What a shard consumer needs of its lease. */
export interface ConsumerLease extends CheckpointStore {
  readonly leaseKey: string;
  readonly fencingToken: number;
  /** The lease is not ours any longer. */
  readonly lost: AbortSignal;
  /** The lease may be another's soon: the user's code must come to an end. */
  readonly expiring: AbortSignal;
  /** Another worker has asked for the lease. */
  readonly handoverRequested: AbortSignal;
  mayDeliver(): boolean;
  /** Gives the lease up, to the worker that asked or to nobody. Only once the user's code has settled. */
  release(): Promise<void>;
}

export interface ShardConsumerParts {
  readonly lease: ConsumerLease;
  /** Called before `initialize`, and again if it throws. */
  readonly createProcessor: () => RecordProcessor;
  readonly checkpointing: 'manual' | 'automatic';
  readonly checkpointIntervalMs: number;
  readonly retry: ResolvedRetryOptions;
  readonly aggregation: DeaggregateOptions;
  /** Where the lease row says the shard was left. */
  readonly checkpoint: Checkpoint;
  /** Where to start reading when no record was acknowledged yet. */
  readonly initialStart: StartPosition;
  readonly openSource: (start: StartPosition) => RecordSource;
  readonly createChildren: (childShards: readonly Shard[], signal: AbortSignal) => Promise<void>;
  readonly emit: <Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]) => void;
  /** A fault that ends the whole worker, such as a stream that is gone. */
  readonly isFatal: (error: unknown) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

type ShardEnd = Extract<RecordBatch, { kind: 'shard-end' }>;

/** Delays between attempts of Millrace's own steps (initialize, shard end, reading again after a fault). */
const stepBackoff = { baseMs: 500, maxMs: 30_000 };

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
  /** Ends reading and retrying. */
  readonly #reading: AbortSignal;
  /** The signal that the user's code gets. */
  readonly #handler: AbortSignal;
  #state: ShardState = 'initializing';
  #position: Checkpoint;
  #millisBehindLatest: number | undefined;
  #handoverAsked = false;
  #processor: RecordProcessor | undefined;

  constructor(parts: ShardConsumerParts) {
    const { lease, retry, clock, random, logger } = parts;
    this.shardId = lease.leaseKey;
    this.#parts = parts;
    this.#lease = { shardId: lease.leaseKey, fencingToken: lease.fencingToken };
    this.#position = parts.checkpoint;
    this.#checkpointer = new ShardCheckpointer({ shardId: lease.leaseKey, start: parts.checkpoint, store: lease });
    this.#dispatcher = new RecordDispatcher({ target: this.#target(), retry, clock, random, logger });
    this.#reading = AbortSignal.any([this.#draining.signal, lease.lost, this.#abandoned.signal]);
    this.#handler = AbortSignal.any([lease.expiring, this.#abandoned.signal]);
  }

  get state(): ShardState {
    return this.#state;
  }

  /** How far behind the tip of the shard the last read was; `undefined` before the first. */
  get millisBehindLatest(): number | undefined {
    return this.#millisBehindLatest;
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
    try {
      const initialized = await this.#untilDone('initialize', () => this.#initialize());
      if (initialized) this.#move('initialized');
      const end = initialized ? await this.#readToEnd() : undefined;
      flushing.abort();
      await flushLoop;
      const ended = end !== undefined && (await this.#endShard(end));
      if (!ended) await this.#leave(initialized);
    } finally {
      flushing.abort();
      lease.handoverRequested.removeEventListener('abort', onHandover);
    }
  }

  async #initialize(): Promise<void> {
    const { createProcessor, checkpoint } = this.#parts;
    this.#processor ??= asProcessor(createProcessor());
    await this.#processor.initialize?.({ lease: this.#lease, checkpoint, signal: this.#handler });
  }

  /** Reads until shard end, or until reading is to end; opens the source again after a fault. */
  async #readToEnd(): Promise<ShardEnd | undefined> {
    const { clock, random, logger, emit, isFatal } = this.#parts;
    for (let attempt = 0; this.#mayGoOn(); attempt++) {
      const before = this.#position;
      try {
        return await this.#readOnce();
      } catch (error) {
        if (!this.#mayGoOn()) return undefined;
        if (isFatal(error)) throw error;
        if (before !== this.#position) attempt = 0;
        logger.error({ err: error, attempt: attempt + 1 }, 'shard cannot be read, it will be tried again');
        emit('shardFailed', { shardId: this.shardId, error });
        await ignoreAbort(clock.sleep(backoffDelayMs(attempt, stepBackoff, random), this.#reading));
      }
    }
    return undefined;
  }

  async #readOnce(): Promise<ShardEnd | undefined> {
    const source = this.#parts.openSource(this.#start());
    for await (const batch of source.batches(this.#reading)) {
      if (batch.kind === 'shard-end') return batch;
      this.#millisBehindLatest = batch.millisBehindLatest;
      const records = this.#newRecords(batch);
      const last = records.at(-1);
      if (last === undefined) continue;
      if ((await this.#dispatcher.dispatch(records, this.#reading)) === 'aborted') return undefined;
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
    const millisBehindLatest = this.#millisBehindLatest ?? 0;
    this.#checkpointer.deliver(last);
    await this.#processor?.processRecords({
      records,
      checkpointer: this.#checkpointer.handle(),
      millisBehindLatest,
      signal: this.#handler,
      lease: this.#lease,
    });
    if (checkpointing === 'automatic') this.#checkpointer.acknowledge(last);
    emit('recordsProcessed', {
      shardId: this.shardId,
      recordCount: records.length,
      byteCount: records.reduce((sum, { data }) => sum + data.byteLength, 0),
      millisBehindLatest,
      durationMs: clock.now() - startedAtMs,
    });
  }

  /** Everything was handed over. Returns whether shard end is stored; if not, the lease is to be left. */
  async #endShard({ childShards, agedOut }: ShardEnd): Promise<boolean> {
    const { lease, logger, emit, createChildren } = this.#parts;
    if (!this.#mayGoOn()) return false;
    this.#move('shard-end-reached');
    if (agedOut) {
      logger.error({}, 'shard was trimmed before it was read to its end, records are lost');
      emit('recordsAgedOut', { shardId: this.shardId, wanted: undefined, found: undefined });
    }
    const flushed = await this.#untilDone('shardEnded', async () =>
      this.#processor?.shardEnded?.({
        checkpointer: this.#checkpointer.handle(),
        signal: this.#handler,
        lease: this.#lease,
      }),
    );
    // Children first: after shard end is stored nobody would come back to create them.
    if (!flushed || !(await this.#untilDone('createChildren', () => createChildren(childShards, this.#reading)))) {
      return false;
    }
    if (!(await this.#untilDone('storeShardEnd', () => this.#checkpointer.finish()))) return false;
    this.#move('shard-end-stored');
    emit('shardEnded', { shardId: this.shardId });
    logger.info({}, 'shard ended');
    await lease.release();
    return true;
  }

  /** A clean stop, a hand-over, or a lost lease. */
  async #leave(initialized: boolean): Promise<void> {
    const { lease } = this.#parts;
    if (!this.#isLost()) {
      this.#move('shutdown-requested');
      if (initialized) {
        await this.#once('shutdownRequested', async () =>
          this.#processor?.shutdownRequested?.({
            checkpointer: this.#checkpointer.handle(),
            signal: this.#handler,
            lease: this.#lease,
            reason: this.#handoverAsked ? 'handover' : 'stop',
          }),
        );
        await this.#once('checkpoint', () => this.#checkpointer.flush());
      }
    }
    if (this.#isLost()) {
      this.#move('lease-lost');
      if (initialized) await this.#once('leaseLost', async () => this.#processor?.leaseLost?.({ lease: this.#lease }));
      return;
    }
    await lease.release();
    this.#move('lease-given-up');
  }

  #mayGoOn(): boolean {
    return !this.#reading.aborted;
  }

  #isLost(): boolean {
    return this.#parts.lease.lost.aborted || this.#abandoned.signal.aborted;
  }

  /** Runs a step until it succeeds; false when reading is to end first. The lease is asked before every attempt. */
  async #untilDone(step: string, action: () => Promise<void>): Promise<boolean> {
    const { clock, random, logger, lease, isFatal } = this.#parts;
    for (let attempt = 0; this.#mayGoOn(); attempt++) {
      try {
        if (lease.mayDeliver()) {
          await action();
          return true;
        }
      } catch (error) {
        if (isFatal(error)) throw error;
        // A lost lease is no fault of the step: the lost signal says so, and the loop ends.
        if (this.#mayGoOn())
          logger.warn({ err: error, step, attempt: attempt + 1 }, 'step failed, it will be repeated');
      }
      await ignoreAbort(clock.sleep(backoffDelayMs(attempt, stepBackoff, random), this.#reading));
    }
    return false;
  }

  /** Runs a step of the way out. Its failure must not keep the lease: what was not acknowledged comes again elsewhere. */
  async #once(step: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#isLost()) this.#parts.logger.warn({ err: error, step }, 'step failed while the lease was given up');
    }
  }

  async #flushAtInterval(signal: AbortSignal): Promise<void> {
    const { checkpointing, checkpointIntervalMs, clock, logger } = this.#parts;
    while (checkpointing === 'automatic' && !signal.aborted) {
      if (!(await ignoreAbort(clock.sleep(checkpointIntervalMs, signal)))) return;
      try {
        await this.#checkpointer.flush();
      } catch (error) {
        if (this.#isLost()) return;
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

/** False when the sleep was cut short. */
async function ignoreAbort(sleep: Promise<void>): Promise<boolean> {
  return sleep.then(
    () => true,
    () => false,
  );
}
