import type { CrashWatch } from './crash-watch';
import type { FleetSettings } from './fleet-settings';
import { describeRow, effectiveOwnerOf, isBehind, isFinished, leaseRowOf, type Item, type LeaseRow } from './lease-row';
import type { Machine } from './machine';
import type { RestWatch } from './rest-watch';
import type { RunningCalls } from './running-calls';
import { isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import type { SimulatedWorker } from './simulated-worker';
import { isDone, type StreamLog } from './stream-log';
import type { Trace } from './trace';
import { UnreadWatch, type UnreadWatchParts } from './unread-watch';
import type { Violate } from './violation';
import type { VirtualTime } from './virtual-time';
import { writeKindOf, type WriteKind } from './write-kinds';

/** Who holds a lease, going by what was written into its row. */
interface Holder {
  readonly machine: Machine;
  readonly token: number;
  /** For so long it may count on a write: by its own clock that is the failover time. */
  readonly failoverMs: number;
  /** When the first attempt of its last write that was applied had started. */
  writtenAtMs: number;
  /** By a write that came so late that its sender had given it up, and may have taken another lease in its place; none came since. */
  isLate: boolean;
}

/** An answer to a write takes so long at most: the longest standstill of a machine, and the answer's own way. */
const answeredWithinMs = 120_000;

export interface LeaseWatchParts {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly violate: Violate;
  readonly log: StreamLog;
  readonly aws: SimulatedAws;
  readonly rest: RestWatch;
  readonly calls: RunningCalls;
  readonly crashes: CrashWatch;
  readonly settings: UnreadWatchParts['settings'] & Pick<FleetSettings, 'isCalm'>;
  readonly workerOn: (machine: Machine) => SimulatedWorker;
}

/** Sees every write to a lease row, and knows by that alone who holds what. Checks G3, G4 and G7 on the spot. */
export class LeaseWatch {
  readonly rows = new Map<string, LeaseRow>();
  checkpoints = 0;
  handovers = 0;
  evictions = 0;
  cancellations = 0;
  successors = 0;
  readonly #parts: LeaseWatchParts;
  readonly #holders = new Map<string, Holder>();
  /** The greatest counter that a lease had, also if its row is gone. */
  readonly #lastRows = new Map<string, LeaseRow>();
  readonly #firstSentAtMs = new Map<string, number>();
  /** How many records each holder has stored, and from how many on it was told that they are not, by lease and token. */
  readonly #voidedAtMs = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  readonly #denied = new Map<string, number>();
  /** Until when one that is no worker of ours may be reading, by what it has written into the row. */
  readonly #othersUntilMs = new Map<string, number>();

  readonly #unread: UnreadWatch;

  constructor(parts: LeaseWatchParts) {
    this.#parts = parts;
    this.#unread = new UnreadWatch({
      ...parts,
      isReadable: (row) => this.#isReadable(row),
      isHeld: (leaseKey) => this.#holders.has(leaseKey),
    });
  }

  holder(leaseKey: string): Machine | undefined {
    return this.#holders.get(leaseKey)?.machine;
  }

  /** Read to its end; or it left the stream before anybody had a row for it. */
  isFinished(leaseKey: string): boolean {
    const row = this.#lastRows.get(leaseKey);
    return row === undefined ? this.#parts.log.shard(leaseKey)?.hasLeft === true : isFinished(row);
  }

  /** The rows whose shards may be read: not finished, and all parents are. */
  readable(): readonly LeaseRow[] {
    return [...this.rows.values()].filter((row) => !isFinished(row) && this.#isReadable(row));
  }

  #isReadable({ parentShardIds }: LeaseRow): boolean {
    return parentShardIds.every((parent) => this.isFinished(parent));
  }

  sent(machine: Machine, call: ServiceCall): void {
    if (!isWrite(call)) return;
    const writeId = writeIdOf(call);
    if (writeId === undefined || this.#firstSentAtMs.has(writeId)) return;
    this.#firstSentAtMs.set(writeId, this.#parts.time.nowMs);
    if (writeKindOf(call) === 'releases')
      this.#unread.releasing(writeId, leaseKeyOf(call), this.#parts.workerOn(machine));
  }

  performed(
    machine: Machine,
    call: ServiceCall,
    outcome: { readonly output: unknown } | { readonly error: unknown },
  ): void {
    const leaseKey = isWrite(call) ? leaseKeyOf(call) : undefined;
    if (leaseKey === undefined) return;
    const kind = writeKindOf(call);
    // Rows of workers: they say who is counted on, and no lease depends on them.
    if (!leaseKey.startsWith('shardId-')) {
      this.#noteWorkerRow(machine, leaseKey, kind, call);
      return;
    }
    const { time, trace } = this.#parts;
    const before = this.rows.get(leaseKey);
    if ('error' in outcome) {
      const name = outcome.error instanceof Error ? outcome.error.name : String(outcome.error);
      trace.add(time.nowMs, leaseKey, `${machine.name} ${call.operation} ${name}`, () => {
        return `${machine.name} ${call.operation} ${writeIdOf(call) ?? ''} refused: ${name}, row is ${describeRow(before)}`;
      });
      return;
    }
    const after = this.#rowAfter(leaseKey, call, outcome.output);
    trace.add(time.nowMs, leaseKey, `${machine.name} ${call.operation} ${after?.counter ?? ''}`, () => {
      return `${machine.name} ${kind}: ${describeRow(before)} -> ${describeRow(after)}`;
    });
    if (after === undefined) {
      if (before !== undefined && !isFinished(before))
        this.#violate('G1', 'a row was deleted before shard end', leaseKey);
      this.rows.delete(leaseKey);
      this.#holders.delete(leaseKey);
      return;
    }
    this.#checkRow(after);
    this.#checkWriter(machine, kind, before, after);
    // It was missing, or is one lease more.
    if (before === undefined) this.#parts.rest.disturbed();
    this.rows.set(leaseKey, after);
    this.#lastRows.set(leaseKey, after);
    this.#unread.written(after, this.rows.values());
  }

  #noteWorkerRow(machine: Machine, workerId: string, kind: WriteKind, { input }: ServiceCall): void {
    if (kind === 'shows life') return;
    const { time, trace } = this.#parts;
    trace.add(time.nowMs, undefined, `${machine.name} ${kind} ${workerId}`, () => {
      const { ':mail': mail } = (input as WriteInput).ExpressionAttributeValues ?? {};
      return `${machine.name} ${kind}: ${workerId} ${mail?.SS?.join(' ') ?? ''}`;
    });
  }

  /** Voids what it says; its holder is inside of its deadline until it has passed. One that was finished stays so. */
  deletedByHand(leaseKey: string): void {
    const row = this.rows.get(leaseKey);
    this.rows.delete(leaseKey);
    if (row === undefined || isFinished(row)) return;
    // Nobody has ever held it: whoever ends its parent creates it as if it had never been there.
    if (row.counter === 0) {
      this.#lastRows.delete(leaseKey);
      return;
    }
    this.#voidedAtMs.set(leaseKey, this.#parts.time.nowMs);
    for (const key of this.#stored.keys()) if (key.startsWith(`${leaseKey} `)) this.#stored.delete(key);
    this.#lastRows.set(leaseKey, { ...row, checkpoint: { kind: 'trim-horizon' }, checkpointText: '' });
  }

  /**
   * Somebody has written to the row who is no worker of ours, and may count on that for so long if the lease is its own now. Its
   * holder is inside of its deadline until that has passed.
   */
  writtenByOthers(leaseKey: string, failoverMs: number): void {
    const item = this.#parts.aws.item(leaseKey) as Item | undefined;
    const row = item === undefined ? undefined : leaseRowOf(item);
    if (row === undefined) return;
    const { time, trace, rest } = this.#parts;
    trace.add(time.nowMs, leaseKey, `others write ${row.counter}`, () => {
      return `not one of ours writes: ${describeRow(this.rows.get(leaseKey))} -> ${describeRow(row)}`;
    });
    rest.disturbed();
    if (effectiveOwnerOf(row) === undefined) this.#othersUntilMs.delete(leaseKey);
    else this.#othersUntilMs.set(leaseKey, time.nowMs + failoverMs);
    this.rows.set(leaseKey, row);
    this.#lastRows.set(leaseKey, row);
  }

  /** How long ago its holder began to write to it. */
  writtenAgoMs(leaseKey: string): number {
    return this.#parts.time.nowMs - (this.#holders.get(leaseKey)?.writtenAtMs ?? -Infinity);
  }

  /** By the row, the machine's worker holds the lease with this token: only somebody else can have ended that. */
  isHolder(machine: Machine, leaseKey: string, token: number): boolean {
    const [holder, row] = [this.#holders.get(leaseKey), this.rows.get(leaseKey)];
    const isIts = row !== undefined && effectiveOwnerOf(row) === this.#parts.workerOn(machine).worker.workerId;
    return isIts && holder?.machine === machine && holder.token === token;
  }

  /** Says what is wrong with a call of the user's code on this machine, under a lease with this token. */
  checkCall(machine: Machine, leaseKey: string, token: number, call: string): void {
    const { time } = this.#parts;
    const holder = this.#holders.get(leaseKey);
    if (holder?.machine !== machine || holder.token !== token) {
      const now = holder === undefined ? 'given up' : `that of ${holder.machine.name}, token ${holder.token}`;
      this.#violate('G4', `${machine.name} began ${call} with token ${token}, but the lease is ${now}`, leaseKey);
    } else if (time.nowMs > holder.writtenAtMs + holder.failoverMs) {
      const lateMs = time.nowMs - holder.writtenAtMs - holder.failoverMs;
      this.#violate('G4', `${machine.name} began ${call} ${lateMs.toFixed(0)} ms past its deadline`, leaseKey);
    }
  }

  /** The user's code was told that its checkpoint, of so many records, is stored. */
  checkStored(leaseKey: string, records: number): void {
    const row = this.#lastRows.get(leaseKey);
    const shard = this.#parts.log.shard(leaseKey);
    const covered =
      row === undefined || shard === undefined ? 0 : (this.#parts.log.coveredBy(shard, row.checkpoint) ?? 0);
    const isVoided = this.#parts.time.nowMs < (this.#voidedAtMs.get(leaseKey) ?? -Infinity) + answeredWithinMs;
    if (covered < records && !isVoided)
      this.#violate('G3', `a checkpoint of ${records} records resolved, but was not stored`, leaseKey);
  }

  /** The user's code was told that its checkpoint is proven not to be stored. */
  deny(leaseKey: string, token: number, records: number): void {
    const key = `${leaseKey} ${token}`;
    this.#denied.set(key, Math.min(records, this.#denied.get(key) ?? Infinity));
    this.#checkDenied(leaseKey, token);
  }

  #checkDenied(leaseKey: string, token: number): void {
    const key = `${leaseKey} ${token}`;
    const [stored, denied] = [this.#stored.get(key) ?? 0, this.#denied.get(key) ?? Infinity];
    if (stored >= denied)
      this.#violate('G3', `a checkpoint was stored that was said not to be, token ${token}`, leaseKey);
  }

  #rowAfter(leaseKey: string, call: ServiceCall, output: unknown): LeaseRow | undefined {
    if (call.operation === 'DeleteItem') return undefined;
    const { Attributes } = (call.input['ReturnValues'] === 'ALL_NEW' ? output : {}) as { readonly Attributes?: Item };
    const item = Attributes ?? (this.#parts.aws.item(leaseKey) as Item | undefined);
    return item === undefined ? undefined : leaseRowOf(item);
  }

  /** G3: counters grow and checkpoints never move back. G7: nothing that was not acknowledged is passed. */
  #checkRow(after: LeaseRow): void {
    const { leaseKey } = after;
    const { log } = this.#parts;
    const before = this.#lastRows.get(leaseKey);
    if (before !== undefined) {
      const isRequest = after.counter === before.counter && after.receiver !== undefined;
      if (after.counter <= before.counter && !isRequest) {
        this.#violate('G3', `the counter went from ${before.counter} to ${after.counter}`, leaseKey);
      }
      if (isBehind(after, before)) {
        this.#violate('G3', `the checkpoint moved back: ${describeRow(before)} -> ${describeRow(after)}`, leaseKey);
      }
    }
    if (before?.checkpointText === after.checkpointText) return;
    if (after.checkpoint.kind !== 'sequence-number' && after.checkpoint.kind !== 'shard-end') return;
    this.checkpoints++;
    // One lease less to share, and children.
    if (isFinished(after)) this.#parts.rest.disturbed();
    const shard = log.shard(leaseKey);
    const covered = shard === undefined ? undefined : log.coveredBy(shard, after.checkpoint);
    if (shard === undefined || covered === undefined) {
      this.#violate('G7', `the checkpoint names no record of the shard: ${after.checkpointText}`, leaseKey);
    } else if (covered > shard.acknowledged && !(isFinished(after) && isDone(shard))) {
      const text = `the checkpoint covers ${covered} records, but only ${shard.acknowledged} are acknowledged`;
      this.#violate('G7', text, leaseKey);
    }
    const token = this.#holders.get(leaseKey)?.token;
    if (covered === undefined || token === undefined) return;
    this.#stored.set(`${leaseKey} ${token}`, covered);
    this.#checkDenied(leaseKey, token);
  }

  /** G3 and G4: who writes as a holder is the holder, and nobody else acquires a lease before its deadline. */
  #checkWriter(machine: Machine, kind: WriteKind, before: LeaseRow | undefined, after: LeaseRow): void {
    const { time } = this.#parts;
    const { leaseKey } = after;
    const holder = this.#holders.get(leaseKey);
    const writtenAtMs = this.#firstSentAtMs.get(after.writeId ?? '') ?? time.nowMs;
    if (kind === 'asks' && before !== undefined && effectiveOwnerOf(before) !== effectiveOwnerOf(after)) {
      this.#violate('G3', `a request of ${machine.name} changed who may write`, leaseKey);
    }
    if (acquires(kind, after)) {
      const isInside = holder !== undefined && time.nowMs < holder.writtenAtMs + holder.failoverMs;
      if (isInside && holder.machine !== machine) {
        const text = `${machine.name} acquired the lease while ${holder.machine.name} was inside its deadline`;
        this.#violate('G4', text, leaseKey);
      }
      if (time.nowMs < (this.#othersUntilMs.get(leaseKey) ?? -Infinity)) {
        this.#violate('G4', `${machine.name} acquired the lease while a KCL was inside its deadline`, leaseKey);
      }
      if (holder !== undefined && holder.machine !== machine) {
        this.#parts.rest.moved(leaseKey, holder.machine, machine);
        this.#checkKept(leaseKey, `${machine.name} took the lease, which ${holder.machine.name} had not given up`);
      }
      this.#parts.calls.acquired(machine, leaseKey);
      this.#unread.acquired(before, after, machine.name);
      const { failoverTimeMs, worker } = this.#parts.workerOn(machine);
      if (effectiveOwnerOf(after) !== worker.workerId) {
        this.#violate('G3', `${machine.name} acquired a lease that names another`, leaseKey);
      }
      if ((after.failoverMs ?? 0) < failoverTimeMs) {
        this.#violate('G4', `the row does not say for how long ${machine.name} may count on it`, leaseKey);
      }
      const failoverMs = machine.realMs(failoverTimeMs);
      const isLate = time.nowMs - writtenAtMs > failoverMs / 4;
      this.#holders.set(leaseKey, { machine, token: after.counter, failoverMs, writtenAtMs, isLate });
      this.#parts.crashes.acquired(after);
      this.#checkLimit(machine, after);
      return;
    }
    if (before === undefined || after.counter === before.counter) return;
    if (kind === 'cancels') this.cancellations++;
    const changesHands = effectiveOwnerOf(before) !== effectiveOwnerOf(after);
    if (changesHands) {
      if (after.marks.includes('HandedOver')) this.handovers++;
      if (kind === 'releases to a successor') this.successors++;
      if (kind === 'evicts') {
        this.evictions++;
        this.#checkKept(leaseKey, `${machine.name} evicted the owner`);
      } else if (!before.marks.includes('HandedOver')) {
        // One that was handed to the machine in vain goes back unread: what still runs there is of an earlier life.
        this.#parts.calls.givenAway(machine, leaseKey);
      } else if (kind === 'releases') this.#unread.declined(before, after, this.#parts.workerOn(machine));
      // An eviction, by another: the owner may still be inside of its deadline.
      if (holder !== undefined && !isFinished(after)) this.#parts.rest.moved(leaseKey, holder.machine);
      if (holder?.machine === machine) {
        this.#holders.delete(leaseKey);
        this.#parts.crashes.gaveUp(leaseKey);
      } else if (holder !== undefined && kind !== 'evicts') {
        this.#violate('G3', `${machine.name} gave away a lease that ${holder.machine.name} holds`, leaseKey);
      }
      return;
    }
    if (holder?.machine !== machine) {
      const who = holder === undefined ? 'nobody holds' : `${holder.machine.name} holds`;
      this.#violate('G3', `${machine.name} wrote as the holder of a lease that ${who}`, leaseKey);
      return;
    }
    holder.writtenAtMs = Math.max(holder.writtenAtMs, writtenAtMs);
    holder.isLate = false;
    this.#parts.crashes.written(after);
  }

  /** G6: who acquires a lease has no more then than its limit. What others have asked for is theirs already. */
  #checkLimit(machine: Machine, acquired: LeaseRow): void {
    const { maxLeases } = this.#parts.workerOn(machine);
    if (maxLeases === Infinity) return;
    const { nowMs } = this.#parts.time;
    // Of what it has lost by its deadline, or because somebody deleted the row, it knows; the row may not.
    const isHeld = ([leaseKey, holder]: readonly [string, Holder]): boolean => {
      const row = leaseKey === acquired.leaseKey ? acquired : this.rows.get(leaseKey);
      const isIts = holder.machine === machine && row?.leaseOwner === acquired.leaseOwner;
      const isOver = row === undefined || row.receiver !== undefined || isFinished(row);
      return isIts && !isOver && !holder.isLate && nowMs < holder.writtenAtMs + holder.failoverMs;
    };
    const count = [...this.#holders].filter(isHeld).length;
    if (count > maxLeases) {
      const text = `${machine.name} holds ${count} leases, and may have ${maxLeases}`;
      this.#violate('G6', text, acquired.leaseKey);
    }
  }

  /** But in storms nobody loses a lease. */
  #checkKept(leaseKey: string, what: string): void {
    if (this.#parts.settings.isCalm) this.#violate('G5', what, leaseKey);
  }

  #violate(...args: Parameters<Violate>): void {
    this.#parts.violate(...args);
  }
}

interface WriteInput {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly ExpressionAttributeValues?: Item;
}

function leaseKeyOf({ input }: ServiceCall): string | undefined {
  const { Key, Item: item } = input as WriteInput;
  return (Key ?? item)?.['leaseKey']?.S;
}

function writeIdOf({ input }: ServiceCall): string | undefined {
  const { ExpressionAttributeValues, Item: item } = input as WriteInput;
  return ExpressionAttributeValues?.[':write']?.S ?? item?.['millraceWrite']?.S;
}

function acquires(kind: WriteKind, after: LeaseRow): boolean {
  return kind === 'takes' || kind === 'adopts' || (kind === 'creates' && after.leaseOwner !== undefined);
}
