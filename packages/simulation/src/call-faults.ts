import type { Chance } from './chance';
import { maxReadLagMs } from './fast-table';
import type { CallFaultKind } from './fault-kinds';
import type { Machine } from './machine';
import { connectionReset, isWrite, sdkError, unknownError, type ServiceCall } from './service-call';
import { rowKeyOf } from './table-call';
import { writeKindOf, type WriteKind } from './write-kinds';

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

const holderWrites: ReadonlySet<WriteKind> = new Set<WriteKind>(['renews', 'checkpoints']);
const givesBack: ReadonlySet<WriteKind> = new Set<WriteKind>(['releases', 'releases to a successor', 'hands over']);

const applies: Record<CallFaultKind, (call: ServiceCall) => boolean> = {
  'lost-request': () => true,
  'lost-reply': () => true,
  'delayed-reply': () => true,
  'late-write': isWrite,
  'repeated-write': isWrite,
  'throttle-dynamodb': ({ service }) => service === 'dynamodb',
  'throttle-kinesis': ({ service }) => service === 'kinesis',
  'server-error': () => true,
  // Written by a holder, of whom no lease may be lost by it. One that gives the lease up leaves it to expire.
  'unknown-error': (call) => isWrite(call) && holderWrites.has(writeKindOf(call)),
  'stale-read': ({ operation, input }) =>
    (operation === 'Scan' || operation === 'GetItem') && input['ConsistentRead'] !== true,
};

/** A row that is created must not outlive its shard: the stream's retention is 40 s here, and a day or more at AWS. */
function maxLateMs(operation: string): number {
  return operation === 'PutItem' ? 30_000 : 180_000;
}

/** Which calls go wrong, and how. */
export class CallFaults {
  #windows: readonly FaultWindow[] = [];

  readonly #hurtAtMs = new Map<string, number>();

  /**
   * @param overAtMs what is late has arrived by then
   * @param apartMs calls of one machine about one row go wrong so far apart that no lease is lost by it
   */
  constructor(
    private readonly chance: Chance,
    private readonly overAtMs: number,
    private readonly apartMs = 0,
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
    return window === undefined || this.#isSpared(window.kind, call, machine, nowMs)
      ? usual
      : { ...usual, kind: window.kind, ...this.#faulty(window.kind, call, this.overAtMs - nowMs) };
  }

  #isSpared(kind: CallFaultKind, call: ServiceCall, machine: Machine, nowMs: number): boolean {
    if (this.apartMs === 0) return false;
    // The repeat may find the successor's row, and then nobody can tell it from a loss: known, and harmless.
    if (kind === 'repeated-write' && givesBack.has(writeKindOf(call))) return true;
    const what = `${machine.name} ${rowKeyOf(call.input) ?? call.operation}`;
    const sparedUntilMs = Math.max(machine.sparedUntilMs, (this.#hurtAtMs.get(what) ?? -Infinity) + this.apartMs);
    if (nowMs < sparedUntilMs) return true;
    this.#hurtAtMs.set(what, nowMs);
    machine.hurtAtMs = nowMs;
    return false;
  }

  #faulty(kind: CallFaultKind, { service, operation }: ServiceCall, leftMs: number): Partial<Fate> {
    const { chance } = this;
    switch (kind) {
      case 'lost-request':
        return { effects: 0, instead: chance.happens(0.5) ? 'nothing' : connectionReset() };
      case 'lost-reply':
        return { instead: chance.happens(0.5) ? 'nothing' : connectionReset() };
      case 'delayed-reply':
        return {
          replyMs: Math.min(leftMs, chance.between(200, this.apartMs > 0 || chance.happens(0.6) ? 4_000 : 15_000)),
        };
      case 'late-write':
        // Sometimes inside of a lease's life, sometimes minutes later.
        return {
          requestMs: Math.min(leftMs, chance.between(1_000, chance.happens(0.5) ? 15_000 : maxLateMs(operation))),
        };
      case 'repeated-write':
        return { effects: 2 };
      case 'throttle-dynamodb':
      case 'throttle-kinesis':
        return { effects: 0, instead: sdkError('ProvisionedThroughputExceededException', 'slow down', 400) };
      case 'server-error': {
        const name = service === 'dynamodb' ? 'InternalServerError' : 'InternalFailure';
        return { effects: chance.happens(0.5) ? 0 : 1, instead: sdkError(name, 'it failed', 500) };
      }
      case 'unknown-error':
        return { instead: unknownError(chance.oneOf(['SocketError', 'SyntaxError', 'Error']) ?? 'Error') };
      case 'stale-read':
        return { readLagMs: chance.between(10, maxReadLagMs) };
    }
  }
}
