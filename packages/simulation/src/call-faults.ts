import type { Chance } from './chance';
import { maxReadLagMs } from './fast-table';
import type { CallFaultKind, FaultKind } from './fault-kinds';
import type { Item } from './lease-row';
import type { Machine } from './machine';
import { Mishaps } from './mishaps';
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
  /** Only writes of this kind; all calls if absent. */
  readonly writes?: WriteKind | undefined;
}

/** What becomes of one call. */
export interface Fate {
  readonly kind?: FaultKind;
  /** How long the request travels. */
  readonly requestMs: number;
  /** How long the answer travels. */
  readonly replyMs: number;
  /** How often the request takes effect; the answer is that to the last time. */
  readonly effects: 0 | 1 | 2;
  /** How long after the first time it takes effect for the second time. */
  readonly repeatMs?: number;
  /** What the client sees instead of an answer; `'nothing'`: it waits. */
  readonly instead?: Error | 'nothing';
  readonly readLagMs?: number;
}

const holderWrites: ReadonlySet<WriteKind> = new Set<WriteKind>(['renews', 'checkpoints']);
const reads: ReadonlySet<string> = new Set(['Scan', 'GetItem', 'BatchGetItem']);
const readsRecords: ReadonlySet<string> = new Set(['GetShardIterator', 'GetRecords']);
const givesBack: ReadonlySet<WriteKind> = new Set<WriteKind>(['releases', 'releases to a successor', 'hands over']);

/** At its start, while it registers and fills the table, a worker says at once what is wrong, and ends. */
function mayEndWorker(call: ServiceCall): boolean {
  const { Item: row } = call.input as { readonly Item?: Item };
  const fillsTable = row?.['millraceRoot'] !== undefined && row['millraceHealed'] === undefined;
  return fillsTable || writeKindOf(call) === 'shows life';
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
  'unknown-error': (call) => (isWrite(call) && !mayEndWorker(call)) || call.operation === 'GetRecords',
  'late-read': ({ service, operation }) => service === 'dynamodb' && reads.has(operation),
  'stale-read': ({ operation, input }) =>
    (operation === 'Scan' || operation === 'GetItem') && input['ConsistentRead'] !== true,
};

/** A row that is created must not outlive its shard: the stream's retention is 40 s here, and a day or more at AWS. */
function maxLateMs(operation: string): number {
  return operation === 'PutItem' ? 30_000 : 180_000;
}

/** Which calls go wrong, and how. */
export class CallFaults {
  readonly mishaps: Mishaps;
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
  ) {
    this.mishaps = new Mishaps(chance);
  }

  open(window: FaultWindow): void {
    this.#windows = [...this.#windows, window];
  }

  fateOf(call: ServiceCall, machine: Machine, nowMs: number): Fate {
    const usual: Fate = { requestMs: this.chance.between(1, 8), replyMs: this.chance.between(1, 8), effects: 1 };
    const mishap = this.mishaps.fateOf(call, machine, nowMs);
    if (mishap === 'silence') return { ...usual, kind: 'doubt-then-silence', effects: 0, instead: 'nothing' };
    if (mishap !== undefined) return { ...usual, ...mishap };
    if (nowMs < machine.deniedUntilMs && readsRecords.has(call.operation)) {
      const instead = sdkError('AccessDeniedException', 'not authorized to read', 400);
      return { ...usual, kind: 'access-denied', effects: 0, instead };
    }
    if (this.#windows.length === 0) return usual;
    this.#windows = this.#windows.filter(({ untilMs }) => untilMs > nowMs);
    const window = this.#windows.find(
      ({ kind, machine: only, writes, probability }) =>
        (only === undefined || only === machine) &&
        (writes === undefined || (isWrite(call) && writeKindOf(call) === writes)) &&
        applies[kind](call) &&
        this.chance.happens(probability),
    );
    return window === undefined || this.#isSpared(window.kind, call, machine, nowMs)
      ? usual
      : { ...usual, kind: window.kind, ...this.#faulty(window.kind, call, this.overAtMs - nowMs) };
  }

  #isSpared(kind: CallFaultKind, call: ServiceCall, machine: Machine, nowMs: number): boolean {
    if (this.apartMs === 0) return false;
    // A holder repeats it. Others leave the lease to expire.
    if (kind === 'unknown-error' && isWrite(call) && !holderWrites.has(writeKindOf(call))) return true;
    const what = `${machine.name} ${rowKeyOf(call.input) ?? call.operation}`;
    const sparedUntilMs = Math.max(machine.sparedUntilMs, (this.#hurtAtMs.get(what) ?? -Infinity) + this.apartMs);
    if (nowMs < sparedUntilMs) return true;
    this.#hurtAtMs.set(what, nowMs);
    machine.hurtAtMs = nowMs;
    return false;
  }

  #faulty(kind: CallFaultKind, call: ServiceCall, leftMs: number): Partial<Fate> {
    const { chance } = this;
    const { service, operation } = call;
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
        // Later it may find the successor's row, and then nobody can tell it from a loss: known, and harmless.
        return {
          effects: 2,
          repeatMs: chance.between(1, this.apartMs > 0 && givesBack.has(writeKindOf(call)) ? 3 : 1_500),
        };
      case 'throttle-dynamodb':
      case 'throttle-kinesis':
        return { effects: 0, instead: sdkError('ProvisionedThroughputExceededException', 'slow down', 400) };
      case 'server-error': {
        const name = service === 'dynamodb' ? 'InternalServerError' : 'InternalFailure';
        return { effects: chance.happens(0.5) ? 0 : 1, instead: sdkError(name, 'it failed', 500) };
      }
      case 'unknown-error':
        return {
          effects: chance.happens(0.5) ? 0 : 1,
          instead: unknownError(chance.oneOf(['SocketError', 'SyntaxError', 'Error']) ?? 'Error'),
        };
      case 'late-read':
        return { requestMs: Math.min(leftMs, chance.between(200, 4_000)) };
      case 'stale-read':
        return { readLagMs: chance.between(10, maxReadLagMs) };
    }
  }
}
