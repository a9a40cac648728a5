import { StopSignal, type UserRecord } from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom, settle } from '@millrace/core/testing';
import {
  KeyedDispatcher,
  resolveRetryOptions,
  type DeliveryFailure,
  type FailurePolicy,
  type KeyedTarget,
  type LostCause,
} from '../../src';
import { aRecord, numberOf } from './fake-target';

interface Settings {
  readonly policy?: FailurePolicy;
  readonly maxInFlight?: number;
  readonly quarantinesKeys?: boolean;
}

/** A dispatcher whose calls end when the test says so. Records are `key` and number. */
export class World implements KeyedTarget {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly #draining = new StopSignal();
  readonly #ended = new StopSignal();
  readonly dispatcher: KeyedDispatcher;
  /** What was begun, in order: `2`, again `2#2`, and the sink `2!`. */
  readonly begun: string[] = [];
  readonly settledNumbers: number[] = [];
  readonly failures: DeliveryFailure[] = [];
  readonly causes: LostCause[] = [];
  held = true;
  readonly #underWay = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();

  constructor({ policy = 'block', maxInFlight = 10, quarantinesKeys = false }: Settings = {}) {
    this.dispatcher = new KeyedDispatcher({
      ...{ target: this, policy, maxInFlight, quarantinesKeys, clock: this.clock, logger: this.logger },
      keyOf: ({ partitionKey }) => partitionKey,
      retry: resolveRetryOptions(policy === 'block' ? {} : { maxAttempts: 2 }, policy, []),
      draining: this.#draining,
      ended: this.#ended,
      random: seededRandom(1),
    });
  }

  /** `add('a', 'b', 'a')`: numbers go on from the last one. */
  add(...keys: string[]): void {
    for (const partitionKey of keys) {
      const number = this.#added++;
      this.dispatcher.add({ number, record: { ...aRecord(number), partitionKey } });
    }
  }

  #added = 0;

  drain(): void {
    this.#draining.abort();
  }

  end(): void {
    this.#ended.abort();
  }

  deliver(record: UserRecord, attempt: number): Promise<void> {
    return this.#call(record, attempt === 1 ? '' : `#${attempt}`);
  }

  letGo(record: UserRecord, cause: LostCause): Promise<void> {
    this.causes.push(cause);
    return this.#call(record, '!');
  }

  settled({ number }: { readonly number: number }): void {
    this.settledNumbers.push(number);
  }

  mayDeliver(): boolean {
    return this.held;
  }

  failed(failure: DeliveryFailure): void {
    this.failures.push(failure);
  }

  get underWay(): readonly number[] {
    return [...this.#underWay.keys()];
  }

  async resolve(...numbers: number[]): Promise<void> {
    for (const number of numbers) {
      this.#callOf(number).resolve();
      await this.clock.advance(0);
    }
  }

  async reject(...numbers: number[]): Promise<void> {
    for (const number of numbers) this.#callOf(number).reject(new Error(`no ${number}`));
    await this.clock.advance(0);
  }

  async resolveAll(): Promise<void> {
    for (const number of this.underWay) this.#callOf(number).resolve();
    await this.clock.advance(0);
  }

  /** Whether the promise has settled by now. */
  async isOver(promise: Promise<void>): Promise<boolean> {
    let isOver = false;
    void promise.then(() => (isOver = true));
    await settle();
    return isOver;
  }

  #callOf(number: number): { readonly resolve: () => void; readonly reject: (error: Error) => void } {
    const call = this.#underWay.get(number);
    if (call === undefined) throw new Error(`no call for ${number} is under way`);
    this.#underWay.delete(number);
    return call;
  }

  #call(record: UserRecord, how: string): Promise<void> {
    const number = numberOf(record);
    this.begun.push(`${number}${how}`);
    return new Promise((resolve, reject) => this.#underWay.set(number, { resolve, reject }));
  }
}
