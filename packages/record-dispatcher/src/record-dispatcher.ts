import {
  backoffDelayMs,
  checkpointAt,
  compareCheckpoints,
  type Checkpoint,
  type Clock,
  type Logger,
  type Random,
  type UserRecord,
} from '@millrace/core';
import type { ResolvedRetryOptions } from './retry-options';

/** What the dispatcher needs to know of the shard that it works for. */
export interface DispatchTarget {
  /** Hands records to the user's code; settles when that code has. `records` is never empty. */
  deliver(records: readonly UserRecord[]): Promise<void>;
  /** Up to where the user's code has acknowledged. */
  acknowledged(): Checkpoint;
  /** Whether the lease is ours for certain at this very moment. Asked in the same turn as {@link deliver}. */
  mayDeliver(): boolean;
  /** Told of every failure of the user's code. */
  failed(failure: DeliveryFailure): void;
}

export interface DeliveryFailure {
  readonly error: unknown;
  /** How often the records now at the front of the batch have failed in a row; 1 for the first time. */
  readonly attempt: number;
  /** Records that will be handed over again. */
  readonly recordCount: number;
  readonly firstSequenceNumber: string;
  readonly retryInMs: number;
}

/** How often the lease is asked again while it cannot be proven ours, e.g. after the machine was suspended. */
const recheckLeaseMs = 100;

/** From this failure in a row on, a person is called: the log line becomes an error. */
const loudAttempt = 5;

/**
 * Hands the batches of one shard to the user's code, one after another.
 *
 * A batch that fails is handed over again, from behind the last acknowledged record of it, after a delay that grows;
 * for as long as it takes. Nothing behind it is delivered before it has succeeded, and the position never moves because
 * of a failure.
 */
export class RecordDispatcher {
  readonly #target: DispatchTarget;
  readonly #retry: ResolvedRetryOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;

  constructor({
    target,
    retry,
    clock,
    random,
    logger,
  }: {
    readonly target: DispatchTarget;
    readonly retry: ResolvedRetryOptions;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
  }) {
    this.#target = target;
    this.#retry = retry;
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
  }

  /**
   * Resolves with `'delivered'` once the user's code has taken the whole batch, or with `'aborted'` when `signal` ended
   * the attempts before that; the records not acknowledged by then are for whoever reads the shard next. A call of the
   * user's code that is under way is always waited for. Must not overlap with itself.
   */
  async dispatch(batch: readonly UserRecord[], signal: AbortSignal): Promise<'delivered' | 'aborted'> {
    let rest = batch;
    for (let attempt = 1; rest.length > 0; attempt++) {
      while (!signal.aborted && !this.#target.mayDeliver()) await this.#sleep(recheckLeaseMs, signal);
      if (signal.aborted) return 'aborted';
      // No await stands between the check of the lease and this call.
      try {
        // A copy: code that takes records off its array must not take them out of the retry.
        await this.#target.deliver([...rest]);
        return 'delivered';
      } catch (error) {
        const remaining = after(rest, this.#target.acknowledged());
        // Progress was made: what failed now is another record than before.
        if (remaining.length < rest.length) attempt = 1;
        rest = remaining;
        if (!(await this.#waitAfter(error, attempt, rest, signal))) return 'aborted';
      }
    }
    return 'delivered';
  }

  async #waitAfter(
    error: unknown,
    attempt: number,
    rest: readonly UserRecord[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const [first] = rest;
    if (first === undefined) {
      this.#logger.warn({ err: error }, 'record processor failed after it had acknowledged the whole batch');
      return true;
    }
    const { baseDelayMs, maxDelayMs } = this.#retry;
    const retryInMs = backoffDelayMs(attempt - 1, { baseMs: baseDelayMs, maxMs: maxDelayMs }, this.#random);
    const failure = { attempt, recordCount: rest.length, firstSequenceNumber: first.sequenceNumber, retryInMs };
    const log = attempt < loudAttempt ? 'warn' : 'error';
    this.#logger[log]({ err: error, ...failure }, 'record processor failed, its records will be delivered again');
    this.#target.failed({ error, ...failure });
    return this.#sleep(retryInMs, signal);
  }

  async #sleep(delayMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(delayMs, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** The records that come after `acknowledged`. */
function after(records: readonly UserRecord[], acknowledged: Checkpoint): readonly UserRecord[] {
  return records.filter((record) => compareCheckpoints(acknowledged, checkpointAt(record)) < 0);
}
