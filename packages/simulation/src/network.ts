import type { CallFaults, Fate } from './call-faults';
import type { Chance } from './chance';
import type { FaultKind } from './fault-kinds';
import { never, type Machine } from './machine';
import { connectionReset, isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import type { VirtualTime } from './virtual-time';
import { WaitingWrites } from './waiting-writes';
import { writeKindOf, type WriteKind } from './write-kinds';

/** How an effect came out. */
type Outcome = { readonly output: unknown } | { readonly error: Error };

/** `instead`: what is seen in its place; an answer comes later by `heldUpMs`. */
export interface AnswerFate {
  readonly instead?: Error | undefined;
  readonly heldUpMs?: number | undefined;
}

/** Who watches the calls; told in the order in which things happen. */
export interface CallWatch {
  /** The call leaves its machine. */
  sent(machine: Machine, call: ServiceCall): void;
  /** Right before it takes effect. */
  arriving(machine: Machine, call: ServiceCall): void;
  /** It took effect, or was refused, just now. Returns what becomes of the answer. */
  performed(machine: Machine, call: ServiceCall, outcome: Outcome): AnswerFate;
  /** A write that was sent long ago is about to take effect. */
  cameLate(): void;
  met(kind: FaultKind, machine: Machine, call?: ServiceCall): void;
}

export interface NetworkParts {
  readonly time: VirtualTime;
  readonly aws: SimulatedAws;
  readonly faults: CallFaults;
  readonly chance: Chance;
  readonly watch: CallWatch;
  /** Until then many of the late writes to leases come when they could do the most harm. Default: never. */
  readonly holdsWritesUntilMs?: number | undefined;
}

/** So many of the writes by which leases change hands are late in any case. */
const lateShare = 0.1;

const changesHands: ReadonlySet<WriteKind> = new Set<WriteKind>([
  ...(['asks', 'hands over', 'cancels', 'evicts', 'releases', 'releases to a successor'] as const),
]);

/** Between the machines and the services: where calls take time, go wrong, and are seen. */
export class Network {
  readonly #parts: NetworkParts;
  readonly #waiting: WaitingWrites;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    this.#waiting = new WaitingWrites(parts);
  }

  /** What a client's `send` comes to. A client that gives up goes on, whatever the call does. */
  send(machine: Machine, call: ServiceCall, signal?: AbortSignal): Promise<unknown> {
    const { time, faults, watch } = this.#parts;
    if (machine.isDown) return never();
    if (signal?.aborted === true) return untilAborted(signal);
    const { diesAtCall } = machine;
    const dies = diesAtCall !== undefined && (!diesAtCall.writesOnly || isWrite(call)) ? diesAtCall.when : undefined;
    if (dies === 'before-effect') {
      machine.goDown('kill-before-effect');
      return never();
    }
    watch.sent(machine, call);
    if (machine.cutOffUntilMs[call.service] > time.nowMs) {
      watch.met(call.service === 'dynamodb' ? 'partition-dynamodb' : 'partition-kinesis', machine, call);
      machine.called(call.operation, false);
      return untilAborted(signal);
    }
    const fate = this.#delayed(call, faults.fateOf(call, machine, time.nowMs));
    if (fate.kind !== undefined) watch.met(fate.kind, machine, call);
    machine.called(call.operation, fate.kind === undefined);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => void afterLayers().then(() => reject(aborted()));
      signal?.addEventListener('abort', onAbort, { once: true });
      const replyAfter = (delayMs: number, outcome: Outcome): void => {
        if (fate.instead === 'nothing') return;
        const seen: Outcome = fate.instead === undefined ? outcome : { error: fate.instead };
        const arrive = (): void => {
          if (this.#isCutOff(machine, call)) return;
          signal?.removeEventListener('abort', onAbort);
          if ('error' in seen) reject(seen.error);
          else resolve(seen.output);
        };
        time.later(delayMs, arrive, machine);
      };
      const takeEffect = (replyMs: number): void => {
        if (fate.effects === 0) {
          replyAfter(replyMs, { output: undefined });
          return;
        }
        const { outcome, heldUpMs = 0 } = this.#perform(machine, call, fate.readLagMs);
        if (dies === 'after-effect') machine.goDown('kill-after-effect');
        else if (fate.effects === 1) replyAfter(replyMs + heldUpMs, outcome);
        else time.later(fate.repeatMs ?? 0, () => replyAfter(replyMs, this.#perform(machine, call).outcome));
      };
      const arriveLate = (): void => {
        watch.cameLate();
        takeEffect(fate.replyMs);
      };
      if (this.#waits(call, fate, arriveLate)) return;
      // When a read takes effect nobody but its sender can tell, and that only by how old, or how new, the answer is.
      if (isWrite(call) || fate.kind === 'late-read')
        time.later(fate.requestMs, fate.kind === 'late-write' ? arriveLate : () => takeEffect(fate.replyMs));
      else takeEffect(fate.requestMs + fate.replyMs);
    });
  }

  /** Windows of faults seldom meet the writes by which leases change hands: of these some more are late. */
  #delayed(call: ServiceCall, fate: Fate): Fate {
    const { time, chance, holdsWritesUntilMs = 0 } = this.#parts;
    if (fate.kind !== undefined || time.nowMs >= holdsWritesUntilMs || !isWrite(call)) return fate;
    if (!changesHands.has(writeKindOf(call)) || !chance.happens(lateShare)) return fate;
    return { ...fate, kind: 'late-write', requestMs: holdsWritesUntilMs - time.nowMs };
  }

  #waits(call: ServiceCall, { kind, requestMs }: Fate, takeEffect: () => void): boolean {
    const { time, chance, holdsWritesUntilMs = 0 } = this.#parts;
    if (kind !== 'late-write' || time.nowMs >= holdsWritesUntilMs) return false;
    return (
      (changesHands.has(writeKindOf(call)) || chance.happens(0.5)) && this.#waiting.hold(call, requestMs, takeEffect)
    );
  }

  #isCutOff(machine: Machine, { service }: ServiceCall): boolean {
    return machine.cutOffUntilMs[service] > this.#parts.time.nowMs;
  }

  #perform(
    machine: Machine,
    call: ServiceCall,
    readLagMs?: number,
  ): { readonly outcome: Outcome; readonly heldUpMs?: number | undefined } {
    const { aws, watch, chance } = this.#parts;
    const kind = isWrite(call) ? writeKindOf(call) : undefined;
    if (kind !== undefined) this.#waiting.arriving(call);
    watch.arriving(machine, call);
    let outcome: Outcome;
    try {
      outcome = { output: aws.perform(call, readLagMs) };
    } catch (error) {
      // Anything but a refusal of the service is a mistake of the simulation, and ends it.
      if (!(error instanceof Error && '$metadata' in error)) throw error;
      outcome = { error };
    }
    const { instead, heldUpMs } = watch.performed(machine, call, outcome);
    if (kind !== undefined && 'output' in outcome) this.#waiting.applied(call);
    const applied = 'output' in outcome ? kind : undefined;
    const struck = machine.strike('output' in outcome && bringsRecords(outcome.output) ? 'records' : applied);
    if (instead !== undefined) outcome = { error: instead };
    if (struck === undefined) return { outcome, heldUpMs };
    watch.met(struck, machine, call);
    // A connection does not always outlive it.
    return { outcome: kind !== undefined && chance.happens(0.5) ? { error: connectionReset() } : outcome, heldUpMs };
  }
}

function bringsRecords(output: unknown): boolean {
  const { Records } = output as { readonly Records?: readonly unknown[] };
  return Records !== undefined && Records.length > 0;
}

/** There will be no answer. */
async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  if (signal?.aborted !== true) {
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }
  await afterLayers();
  throw aborted();
}

/** What comes out of the SDK's client has gone through layers, each of which takes a turn of the promises. */
async function afterLayers(): Promise<void> {
  for (let layer = 0; layer < 6; layer++) await Promise.resolve();
}

function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
