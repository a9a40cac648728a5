import assert from 'node:assert';
import type { AbortSignalLike, Clock, Logger, Random, UserRecord } from '@millrace/core';
import {
  logFailure,
  logSinkFailure,
  recheckLeaseMs,
  retryDelayMs,
  type DeliveryFailure,
  type LostCause,
} from './failed-delivery';
import { decideOnFailure, type FailureDecision, type FailurePolicy } from './failure-policy';
import { OldestFirst } from './oldest-first';
import type { ResolvedRetryOptions } from './retry-options';

/** One record of a shard, and its place among those that were taken. */
export interface NumberedRecord {
  readonly record: UserRecord;
  readonly number: number;
}

/** What the dispatcher needs to know of the shard that it works for. */
export interface KeyedTarget {
  /** Hands one record to the user's code; settles when that code has. `attempt`: 1 for the first time. */
  deliver(record: UserRecord, attempt: number): Promise<void>;
  /** The record is done with: its call resolved, or it was let go. */
  settled(record: NumberedRecord): void;
  /** Whether the lease is ours for certain at this very moment. Asked in the same turn as {@link deliver}. */
  mayDeliver(): boolean;
  /** Told of every failure of the user's code. */
  failed(failure: DeliveryFailure): void;
  /** Lets the record go, and resolves once it is safe. Called again if it rejects, and under the same condition as {@link deliver}. */
  letGo(record: UserRecord, cause: LostCause): Promise<void>;
}

export interface KeyedDispatcherParts {
  readonly target: KeyedTarget;
  readonly policy: FailurePolicy;
  readonly retry: ResolvedRetryOptions;
  /** Records with the same key are handed over one after another, in their order. */
  readonly keyOf: (record: UserRecord) => string;
  /** So many calls are under way at once, at most. */
  readonly maxInFlight: number;
  /** What comes behind a record that was let go, with the same key, is let go as well. */
  readonly quarantinesKeys: boolean;
  /** No further record is to be begun, but for those that come before one that was. */
  readonly draining: AbortSignalLike;
  /** Nothing is to be begun any more. */
  readonly ended: AbortSignalLike;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** So long calls may follow each other before timers get their turn. */
const breatheEveryMs = 50;

/** So many keys that are let go are remembered, those of last and those whose records are here: in an outage they may be all there are. */
const maxQuarantined = 10_000;

/** The records of one key that were taken and are not settled. Its first one is under way, waits for its turn, or for its delay. */
interface KeyQueue {
  readonly key: string;
  readonly records: NumberedRecord[];
  /** Of its first record. */
  attempts: number;
  /** Why its first record is to be let go. */
  lost: LostCause | undefined;
  sinkFailures: number;
}

/**
 * Hands the records of one shard to the user's code one by one: those of one key in their order and never at once, those of
 * different keys side by side.
 *
 * Of the keys whose turn it may be, the one with the oldest record is next, so that as few records as can be are done with
 * ahead of one that is not. A key whose record failed waits for its delay, and holds up no other.
 *
 * When `draining` aborts, what comes before a record that was begun is still begun: a shard that is handed over then goes on
 * behind all that was done, and nothing is done twice. Not so behind a record that has failed, which is left alone.
 */
export class KeyedDispatcher {
  readonly #parts: KeyedDispatcherParts;
  readonly #keys = new Map<string, KeyQueue>();
  readonly #ready = new OldestFirst<KeyQueue>(({ records: [first] }) => first?.number ?? Infinity);
  /** Keys of which a record was let go, and why. */
  readonly #quarantined = new Map<string, unknown>();
  #inFlight = 0;
  /** The greatest number of a record that was begun. */
  #begun = -1;
  /** Keys whose first record has failed, and waits. */
  readonly #resting = new Set<KeyQueue>();
  #isLookingAgain = false;
  #breathedAtMs: number;
  #fault: { readonly error: unknown } | undefined;
  /** Who wants to look again. */
  #waiting: (() => void)[] = [];

  constructor(parts: KeyedDispatcherParts) {
    this.#parts = parts;
    this.#breathedAtMs = parts.clock.now();
    // Not on `ended`, which may never abort and would keep this: what waits for it is looked at when calls end.
    parts.draining.addEventListener('abort', () => this.#goOn(), { once: true });
  }

  /**
   * The number must be greater than those of all records before it. `lost`: it is to be let go without being handed over, and
   * none with its key may be open.
   */
  add(record: NumberedRecord, lost?: LostCause): void {
    if (this.#fault !== undefined) throw this.#fault.error;
    const key = this.#parts.keyOf(record.record);
    const queue = this.#keys.get(key);
    if (queue !== undefined) {
      assert(lost === undefined, 'records with the same key are open');
      queue.records.push(record);
      return;
    }
    const added: KeyQueue = { key, records: [record], attempts: 0, lost, sinkFailures: 0 };
    this.#keys.set(key, added);
    this.#ready.push(added);
    this.#goOn();
  }

  /**
   * Resolves when all is settled; or, once `draining` has aborted, when no call is under way and none is to begin. Rejects with a
   * fault of our own.
   */
  async settled(): Promise<void> {
    while (!this.#isSettled()) await this.#change();
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  /** Resolves when the condition holds, which is looked at after each record and signal. Rejects with a fault of our own. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#fault !== undefined) throw this.#fault.error;
      await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #isSettled(): boolean {
    const { draining, ended } = this.#parts;
    if (this.#inFlight > 0) return false;
    if (ended.aborted || this.#fault !== undefined) return true;
    return draining.aborted ? this.#next() === undefined : this.#keys.size === 0;
  }

  /** The key whose record is to be begun next. */
  #next(): KeyQueue | undefined {
    const { draining, ended } = this.#parts;
    const queue = this.#ready.first;
    if (ended.aborted || this.#fault !== undefined) return undefined;
    if (draining.aborted && (queue?.records[0]?.number ?? Infinity) > this.#lastToBegin()) return undefined;
    return queue;
  }

  /** While the shard is drained: what lies behind a record that has failed comes again elsewhere in any case. */
  #lastToBegin(): number {
    const failed = [...this.#resting].map(({ records: [first] }) => first?.number ?? Infinity);
    return Math.min(this.#begun, ...failed);
  }

  /** Begins what may be begun. No await stands between the question whether the lease is ours and the call. */
  #goOn(): void {
    const { target, maxInFlight } = this.#parts;
    for (let next = this.#next(); next !== undefined && this.#inFlight < maxInFlight; next = this.#next()) {
      if (!target.mayDeliver()) {
        void this.#lookAgain();
        break;
      }
      this.#ready.pop();
      this.#attempt(next).catch((error: unknown) => {
        this.#fault = { error };
        this.#tellChanged();
      });
    }
    this.#tellChanged();
  }

  #tellChanged(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #lookAgain(): Promise<void> {
    if (this.#isLookingAgain) return;
    this.#isLookingAgain = true;
    await this.#sleep(recheckLeaseMs, this.#parts.ended);
    this.#isLookingAgain = false;
    this.#goOn();
  }

  /** Hands over, or lets go, the first record of the key. */
  async #attempt(queue: KeyQueue): Promise<void> {
    const { target } = this.#parts;
    const [first] = queue.records;
    if (first === undefined) return;
    this.#begun = Math.max(this.#begun, first.number);
    if (this.#quarantined.has(queue.key)) {
      queue.lost ??= { reason: 'key', attempts: 0, error: this.#quarantined.get(queue.key) };
    }
    this.#inFlight++;
    let failure: { readonly error: unknown } | undefined;
    try {
      if (queue.lost === undefined) await target.deliver(first.record, queue.attempts + 1);
      else await target.letGo(first.record, queue.lost);
    } catch (error) {
      failure = { error };
    }
    this.#inFlight--;
    if (failure === undefined) this.#settle(queue, first);
    else if (queue.lost === undefined) this.#deliveryFailed(queue, first, failure.error);
    else this.#sinkFailed(queue, first, failure.error);
    await this.#breathe();
    this.#goOn();
  }

  #settle(queue: KeyQueue, record: NumberedRecord): void {
    const { target, quarantinesKeys } = this.#parts;
    if (quarantinesKeys && queue.lost !== undefined) this.#quarantine(queue.key, queue.lost.error);
    target.settled(record);
    queue.records.shift();
    queue.attempts = 0;
    queue.lost = undefined;
    queue.sinkFailures = 0;
    if (queue.records.length > 0) this.#ready.push(queue);
    else this.#keys.delete(queue.key);
  }

  #quarantine(key: string, error: unknown): void {
    // Behind all others, which come before it in the order in which they are forgotten.
    this.#quarantined.delete(key);
    this.#quarantined.set(key, error);
    // More than one is added, so that they become fewer again when the records of many are done with.
    for (let looked = 0; looked < 2 && this.#quarantined.size > maxQuarantined; looked++) this.#forgetOldest();
  }

  /** Unless records of the key are here, which would be handed over then. */
  #forgetOldest(): void {
    const [oldest] = this.#quarantined;
    if (oldest === undefined) return;
    const [key, error] = oldest;
    this.#quarantined.delete(key);
    if (this.#keys.has(key)) this.#quarantined.set(key, error);
  }

  #deliveryFailed(queue: KeyQueue, { record }: NumberedRecord, error: unknown): void {
    const { target, policy, retry, random, clock, draining, ended, logger } = this.#parts;
    const attempts = ++queue.attempts;
    const ageMs = clock.wallTime() - record.approximateArrivalTimestamp.getTime();
    const failed = { failures: attempts, attempts, recordCount: 1, named: undefined, ageMs };
    // Who was told to stop may have failed because of that.
    const isOver = draining.aborted || ended.aborted;
    const decision: FailureDecision = isOver ? { kind: 'retry' } : decideOnFailure(policy, failed, retry);
    const retryInMs = decision.kind === 'let-go' ? 0 : retryDelayMs(attempts, retry, random);
    const failure: DeliveryFailure = {
      ...{ error, attempt: attempts, action: decision.kind, recordCount: 1 },
      ...{ firstSequenceNumber: record.sequenceNumber, retryInMs },
    };
    logFailure(logger, failure);
    target.failed(failure);
    if (decision.kind === 'let-go') {
      queue.lost = { reason: decision.reason, attempts, error };
      this.#ready.push(queue);
    } else void this.#readyAfter(retryInMs, queue);
  }

  #sinkFailed(queue: KeyQueue, { record }: NumberedRecord, error: unknown): void {
    const { retry, random, logger } = this.#parts;
    const attempt = ++queue.sinkFailures;
    const retryInMs = retryDelayMs(attempt, retry, random);
    const { sequenceNumber, subSequenceNumber } = record;
    logSinkFailure(logger, { error, sequenceNumber, subSequenceNumber, attempt, retryInMs });
    void this.#readyAfter(retryInMs, queue);
  }

  /** While the shard is drained a key that has failed is left alone: it may go on failing for longer than anybody waits. */
  async #readyAfter(delayMs: number, queue: KeyQueue): Promise<void> {
    this.#resting.add(queue);
    if (!(await this.#sleep(delayMs, this.#parts.draining))) return;
    this.#resting.delete(queue);
    this.#ready.push(queue);
    this.#goOn();
  }

  /** Calls that never wait for anything would follow each other without letting a timer run, renewals among them. */
  async #breathe(): Promise<void> {
    const { clock } = this.#parts;
    if (clock.now() - this.#breathedAtMs < breatheEveryMs) return;
    await clock.sleep(0);
    this.#breathedAtMs = clock.now();
  }

  async #sleep(delayMs: number, signal: AbortSignalLike): Promise<boolean> {
    try {
      await this.#parts.clock.sleep(delayMs, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}
