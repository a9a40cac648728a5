import type { CallFaults } from './call-faults';
import type { Chance } from './chance';
import { asError } from './event-loop';
import type { FaultKind } from './fault-kinds';
import type { Machine } from './machine';
import { isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import type { VirtualTime } from './virtual-time';

/** How an effect came out. */
type Outcome = { readonly output: unknown } | { readonly error: Error };

/** Who watches the calls; told in the order in which things happen. */
export interface CallWatch {
  /** The call leaves its machine. */
  sent(machine: Machine, call: ServiceCall): void;
  /** Right before it takes effect. May change it: that is how bugs are planted. */
  arriving(machine: Machine, call: ServiceCall): ServiceCall;
  /** It took effect, or was refused, just now. */
  performed(machine: Machine, call: ServiceCall, outcome: Outcome): void;
  met(kind: FaultKind, machine: Machine, call?: ServiceCall): void;
}

export interface NetworkParts {
  readonly time: VirtualTime;
  readonly aws: SimulatedAws;
  readonly faults: CallFaults;
  readonly chance: Chance;
  readonly watch: CallWatch;
}

const never = new Promise<never>(() => undefined);

/** Between the machines and the services: where calls take time, go wrong, and are seen. */
export class Network {
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** What a client's `send` comes to. A client that gives up goes on, whatever the call does. */
  send(machine: Machine, call: ServiceCall, signal?: AbortSignal): Promise<unknown> {
    const { time, faults, watch } = this.#parts;
    if (machine.isDown) return never;
    if (signal?.aborted === true) return Promise.reject(aborted());
    const { diesAtCall } = machine;
    const dies = diesAtCall !== undefined && (!diesAtCall.writesOnly || isWrite(call)) ? diesAtCall.when : undefined;
    if (dies === 'before-effect') {
      machine.goDown('kill-before-effect');
      return never;
    }
    watch.sent(machine, call);
    if (machine.cutOffUntilMs[call.service] > time.nowMs) {
      watch.met(call.service === 'dynamodb' ? 'partition-dynamodb' : 'partition-kinesis', machine, call);
      return orAborted(never, signal);
    }
    const fate = faults.fateOf(call, machine, time.nowMs);
    if (fate.kind !== undefined) watch.met(fate.kind, machine, call);
    const answer = new Promise<unknown>((resolve, reject) => {
      const settle = (outcome: Outcome): void => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.output);
      };
      const reply = (outcome: Outcome): void => {
        if (fate.instead === 'nothing') return;
        const seen = fate.instead === undefined ? outcome : { error: fate.instead };
        time.after(fate.replyMs, () => this.#isCutOff(machine, call) || settle(seen), machine);
      };
      time.after(fate.requestMs, () => {
        if (fate.effects === 0) {
          reply({ output: undefined });
          return;
        }
        const outcome = this.#perform(machine, call, fate.readLagMs);
        if (dies === 'after-effect') machine.goDown('kill-after-effect');
        else if (fate.effects === 1) reply(outcome);
        else time.after(this.#parts.chance.between(1, 1_500), () => reply(this.#perform(machine, call)));
      });
    });
    return orAborted(answer, signal);
  }

  #isCutOff(machine: Machine, { service }: ServiceCall): boolean {
    return machine.cutOffUntilMs[service] > this.#parts.time.nowMs;
  }

  #perform(machine: Machine, sent: ServiceCall, readLagMs?: number): Outcome {
    const { aws, watch } = this.#parts;
    const call = watch.arriving(machine, sent);
    let outcome: Outcome;
    try {
      outcome = { output: aws.perform(call, readLagMs) };
    } catch (error) {
      // Anything but a refusal of the service is a mistake of the simulation, and ends it.
      if (!(error instanceof Error && '$metadata' in error)) throw error;
      outcome = { error };
    }
    watch.performed(machine, call, outcome);
    const struck = machine.strike('output' in outcome && bringsRecords(outcome.output));
    if (struck !== undefined) watch.met(struck, machine, call);
    return outcome;
  }
}

function bringsRecords(output: unknown): boolean {
  const { Records } = output as { readonly Records?: readonly unknown[] };
  return Records !== undefined && Records.length > 0;
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted());
    signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(asError(error));
      },
    );
  });
}

function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
