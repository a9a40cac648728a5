import type { Chance } from './chance';
import { maxReadLagMs } from './fast-table';
import type { CallFaultKind } from './fault-kinds';
import type { Machine } from './machine';
import { connectionReset, isWrite, sdkError, type ServiceCall, type ServiceName } from './service-call';

/** A time in which calls go wrong. */
export interface FaultWindow {
  readonly kind: CallFaultKind;
  readonly untilMs: number;
  readonly probability: number;
  /** Only its calls; of all machines if absent. */
  readonly machine?: Machine | undefined;
}

/** What becomes of one call. */
export interface Fate {
  readonly kind?: CallFaultKind;
  /** How long the request travels. */
  readonly requestMs: number;
  /** How long the answer travels. */
  readonly replyMs: number;
  /** How often the request takes effect; the answer is that to the last time. */
  readonly effects: 0 | 1 | 2;
  /** What the client sees instead of an answer; `'nothing'`: it waits. */
  readonly instead?: Error | 'nothing';
  readonly readLagMs?: number;
}

const applies: Record<CallFaultKind, (call: ServiceCall) => boolean> = {
  'lost-request': () => true,
  'lost-reply': () => true,
  'delayed-reply': () => true,
  'late-write': isWrite,
  'repeated-write': isWrite,
  'throttle-dynamodb': ({ service }) => service === 'dynamodb',
  'throttle-kinesis': ({ service }) => service === 'kinesis',
  'server-error': () => true,
  'stale-read': ({ operation, input }) =>
    (operation === 'Scan' || operation === 'GetItem') && input['ConsistentRead'] !== true,
};

/** Which calls go wrong, and how. */
export class CallFaults {
  #windows: readonly FaultWindow[] = [];

  /** @param overAtMs what is late has arrived by then */
  constructor(
    private readonly chance: Chance,
    private readonly overAtMs: number,
  ) {}

  open(window: FaultWindow): void {
    this.#windows = [...this.#windows, window];
  }

  fateOf(call: ServiceCall, machine: Machine, nowMs: number): Fate {
    const usual: Fate = { requestMs: this.chance.between(1, 8), replyMs: this.chance.between(1, 8), effects: 1 };
    if (this.#windows.length === 0) return usual;
    this.#windows = this.#windows.filter(({ untilMs }) => untilMs > nowMs);
    const window = this.#windows.find(
      ({ kind, machine: only, probability }) =>
        (only === undefined || only === machine) && applies[kind](call) && this.chance.happens(probability),
    );
    return window === undefined
      ? usual
      : { ...usual, kind: window.kind, ...this.#faulty(window.kind, call.service, this.overAtMs - nowMs) };
  }

  #faulty(kind: CallFaultKind, service: ServiceName, leftMs: number): Partial<Fate> {
    const { chance } = this;
    switch (kind) {
      case 'lost-request':
        return { effects: 0, instead: chance.happens(0.5) ? 'nothing' : connectionReset() };
      case 'lost-reply':
        return { instead: chance.happens(0.5) ? 'nothing' : connectionReset() };
      case 'delayed-reply':
        return { replyMs: Math.min(leftMs, chance.between(200, chance.happens(0.6) ? 4_000 : 15_000)) };
      case 'late-write':
        // Sometimes inside of a lease's life, sometimes minutes later.
        return { requestMs: Math.min(leftMs, chance.between(1_000, chance.happens(0.5) ? 15_000 : 180_000)) };
      case 'repeated-write':
        return { effects: 2 };
      case 'throttle-dynamodb':
      case 'throttle-kinesis':
        return { effects: 0, instead: sdkError('ProvisionedThroughputExceededException', 'slow down', 400) };
      case 'server-error': {
        const name = service === 'dynamodb' ? 'InternalServerError' : 'InternalFailure';
        return { effects: chance.happens(0.5) ? 0 : 1, instead: sdkError(name, 'it failed', 500) };
      }
      case 'stale-read':
        return { readLagMs: chance.between(10, maxReadLagMs) };
    }
  }
}
