import type { CallFaults } from './call-faults';
import type { Chance } from './chance';
import type { FaultKind } from './fault-kinds';
import type { Fleet } from './fleet';
import { faultsApartMs, isCallFault, type FleetSettings, type PlannedFault } from './fleet-settings';
import type { KclThief } from './kcl-thief';
import type { LeaseWatch } from './lease-watch';
import type { Machine, StoppingCall } from './machine';
import type { ManualHarm } from './manual-harm';
import type { Producer } from './producer';
import type { SimulatedAws } from './simulated-aws';
import type { SimulatedWorker } from './simulated-worker';
import type { Trace } from './trace';
import type { VirtualTime } from './virtual-time';
import { leaseWriteKinds } from './write-kinds';

export interface DisturbanceParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly fleet: Fleet;
  readonly faults: CallFaults;
  readonly producer: Producer;
  readonly aws: SimulatedAws;
  readonly manual: ManualHarm;
  readonly thief: KclThief;
  readonly leases: Pick<LeaseWatch, 'rows'>;
  /** Told of whatever may have an effect on the fleet. */
  readonly onHappening: (kind: FaultKind) => void;
}

const withoutWrites: readonly FaultKind[] = ['late-read', 'stale-read', 'throttle-kinesis'];

function mayMeetWrites(kind: FaultKind): boolean {
  return !withoutWrites.includes(kind);
}

/** Where a machine stops, between effect and reply: most is told apart by what a worker may believe then. */
const stoppingCalls: readonly StoppingCall[] = [
  ...(['records', 'records', 'any', 'takes', 'adopts', 'checkpoints', 'checkpoints', 'renews'] as const),
];

/** What a worker that is told to stop may be about just then. */
const lastCalls: readonly StoppingCall[] = ['creates', 'creates', 'checkpoints', 'takes', 'adopts', 'asks', 'records'];

/** A worker that is told to stop stores what it has to in so long. */
const lastCheckpointsWithinMs = 5_000;

/** As long as there is no row, a reshard waits so long at a time. */
const reshardAgainMs = 2_000;

/** The number of open shards is at most this much more than at the beginning. */
const maxMoreShards = 4;

/** Carries out what was planned against the fleet, and counts what really happened. */
export class Disturbance {
  readonly counts: Partial<Record<FaultKind, number>> = {};
  readonly #parts: DisturbanceParts;
  #lastHarmed: Machine | undefined;

  constructor(parts: DisturbanceParts) {
    this.#parts = parts;
  }

  /** Puts everything that was planned into time. */
  begin(): void {
    const { time, settings } = this.#parts;
    for (const fault of settings.faults) time.at(fault.atMs, () => this.#happen(fault));
  }

  count(kind: FaultKind): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.#parts.onHappening(kind);
  }

  /** All that still lasts, or waits for its moment, ends now. */
  end(): void {
    const { fleet, faults, thief } = this.#parts;
    faults.mishaps.end();
    thief.end();
    for (const { machine } of fleet.workers) {
      machine.diesAtNextTimer = false;
      machine.diesAtCall = undefined;
      machine.stopsAtCall = undefined;
      machine.leavesAtCall = undefined;
      machine.cutOffUntilMs.dynamodb = 0;
      machine.cutOffUntilMs.kinesis = 0;
      machine.deniedUntilMs = 0;
    }
  }

  #happen({ kind }: PlannedFault): void {
    const { time, trace } = this.#parts;
    const machine = this.#victim();
    const what = this.#cause(kind, machine);
    if (what === undefined) return;
    trace.add(time.nowMs, undefined, `${kind} ${what}`, () => `fault: ${kind} ${what}`);
  }

  /** Often the one that was harmed last: troubles seldom come alone. */
  #victim(): Machine | undefined {
    const { fleet, chance } = this.#parts;
    const again = chance.happens(0.5) && this.#lastHarmed?.isDown === false ? this.#lastHarmed : undefined;
    this.#lastHarmed = again ?? chance.oneOf(fleet.up())?.machine;
    return this.#lastHarmed;
  }

  /** Returns what it came to, or nothing if it could not be. */
  #cause(kind: FaultKind, machine: Machine | undefined): string | undefined {
    const { time, fleet, aws, manual, thief, chance, settings, faults } = this.#parts;
    if (isCallFault(kind)) {
      const only = chance.happens(0.5) ? machine : undefined;
      const lastsMs = Math.min(chance.between(3_000, 40_000), settings.chaosEndsAtMs - time.nowMs);
      const writes = mayMeetWrites(kind) && chance.happens(0.3) ? chance.oneOf(leaseWriteKinds) : undefined;
      const usually = kind === 'late-write' || kind === 'repeated-write' ? 0.3 : chance.between(0.1, 0.6);
      const probability = writes === undefined ? usually : 0.8;
      faults.open({ kind, machine: only, writes, untilMs: time.nowMs + lastsMs, probability });
      const calls = writes === undefined ? 'everything' : `whatever ${writes}`;
      return `for ${only?.name ?? 'all'} and ${calls}, ${(lastsMs / 1_000).toFixed(1)} s long`;
    }
    switch (kind) {
      case 'split':
      case 'merge':
        return this.#reshard(kind);
      case 'expired-iterator':
        aws.kinesis.expireIterators();
        return this.#counted(kind, 'of all');
      case 'row-deleted':
        return this.#counted(kind, manual.deleteRow());
      case 'kcl-steals':
        return thief.plan();
      case 'trim':
        return this.#counted(kind, manual.trim());
      case 'age-out':
        return this.#counted(kind, manual.ageOut());
      case 'join':
        if (!fleet.hasRoom) return undefined;
        fleet.start();
        return this.#counted(kind, '');
      case 'deploy':
        fleet.deploy();
        return this.#counted(kind, '');
      case 'leave': {
        const worker = fleet.live().length > 1 ? chance.oneOf(fleet.live()) : undefined;
        if (worker === undefined) return undefined;
        if (chance.happens(0.5)) return this.#leaveAtCall(worker);
        this.#stop(worker);
        return this.#counted(kind, worker.machine.name);
      }
      default:
        return machine === undefined ? undefined : this.#harm(kind, machine);
    }
  }

  /** Not before the moment that LATEST means, which the first row fixes: nobody would read what is closed by then. */
  #reshard(kind: 'split' | 'merge'): string | undefined {
    const { time, leases, producer, settings } = this.#parts;
    if (settings.initialPosition === 'LATEST' && leases.rows.size === 0) {
      const atMs = time.nowMs + reshardAgainMs;
      if (atMs < settings.chaosEndsAtMs) time.at(atMs, () => this.#happen({ kind, atMs }));
      return undefined;
    }
    return this.#counted(kind, kind === 'split' ? producer.split(settings.shards + maxMoreShards) : producer.merge());
  }

  /** A clean stop in the middle of something. */
  #leaveAtCall(worker: SimulatedWorker): string {
    const { time, fleet, chance, settings } = this.#parts;
    const { machine } = worker;
    const at = chance.oneOf(lastCalls) ?? 'records';
    const leave = (): void => {
      if (!worker.isLive || fleet.live().length < 2 || time.nowMs >= settings.chaosEndsAtMs) return;
      this.#counted('leave', machine.name);
      this.#stop(worker);
    };
    machine.leavesAtCall = { at, leave: () => void time.later(chance.between(0, 20), leave) };
    return `${machine.name}, at a call: ${at}`;
  }

  /** Under showers the last checkpoints often fail, each once. */
  #stop(worker: SimulatedWorker): void {
    const { time, fleet, faults, chance, settings } = this.#parts;
    if (settings.weather === 'showers' && chance.happens(0.5)) {
      const untilMs = time.nowMs + lastCheckpointsWithinMs;
      faults.open({ kind: 'unknown-error', machine: worker.machine, writes: 'checkpoints', untilMs, probability: 1 });
    }
    fleet.stop(worker);
  }

  #harm(kind: FaultKind, machine: Machine): string | undefined {
    const { time, chance, settings, faults } = this.#parts;
    const failoverMs = Math.max(...settings.failoverTimesMs);
    const leftMs = settings.chaosEndsAtMs - time.nowMs;
    if (settings.weather === 'showers') return this.#harmGently(kind, machine);
    switch (kind) {
      // These are counted when they strike.
      case 'kill-before-effect':
        machine.diesAtCall = { when: 'before-effect', writesOnly: chance.happens(0.7) };
        return machine.name;
      case 'kill-after-effect':
        machine.diesAtCall = { when: 'after-effect', writesOnly: chance.happens(0.7) };
        return machine.name;
      case 'kill-at-timer':
        machine.diesAtNextTimer = true;
        return machine.name;
      case 'doubt-then-silence':
        faults.mishaps.plan(machine, 1.3 * failoverMs);
        return machine.name;
      case 'access-denied': {
        // Long enough for a worker that gives up early to do so, take the lease again, and give it up again.
        const lastsMs = chance.between(20_000, 60_000);
        machine.deniedUntilMs = time.nowMs + lastsMs;
        return `${machine.name} for ${lastsMs.toFixed(0)} ms`;
      }
      case 'partition-dynamodb':
      case 'partition-kinesis': {
        const service = kind === 'partition-dynamodb' ? 'dynamodb' : 'kinesis';
        const lastsMs = chance.between(0.3, 3) * failoverMs;
        machine.cutOffUntilMs[service] = time.nowMs + lastsMs;
        return `${machine.name} for ${lastsMs.toFixed(0)} ms`;
      }
      case 'pause':
      case 'suspend': {
        const lastsMs = Math.min(chance.between(kind === 'pause' ? 0.9 : 0.1, 2.5) * failoverMs, leftMs);
        const text = `${machine.name} for ${lastsMs.toFixed(0)} ms`;
        // At any moment, or at the worst: counted when it strikes.
        if (chance.happens(0.6)) {
          const givesUp = settings.failurePolicy === 'dead-letter' && chance.happens(0.5);
          const at = givesUp ? 'giving up' : (chance.oneOf(stoppingCalls) ?? 'any');
          machine.stopsAtCall = { kind, lastsMs, at, untilMs: settings.chaosEndsAtMs };
          return `${text}, at a call: ${at}`;
        }
        machine[kind](lastsMs);
        return this.#counted(kind, text);
      }
      default: {
        const deltaMs = chance.between(-7_200_000, 7_200_000);
        machine.setWallClockBy(deltaMs);
        return this.#counted('wall-clock-set', `${machine.name} by ${deltaMs.toFixed(0)} ms`);
      }
    }
  }

  /** For a third of the failover time at most, and only if nothing else was wrong just before. */
  #harmGently(kind: FaultKind, machine: Machine): string | undefined {
    const { time, chance, settings } = this.#parts;
    const apartMs = faultsApartMs(settings);
    if (time.nowMs < Math.max(machine.sparedUntilMs, machine.hurtAtMs + apartMs)) return undefined;
    const lastsMs = chance.between(0.1, 0.5) * apartMs;
    const untilMs = time.nowMs + lastsMs;
    machine.sparedUntilMs = untilMs + apartMs;
    const text = `${machine.name} for ${lastsMs.toFixed(0)} ms`;
    if (kind === 'partition-dynamodb' || kind === 'partition-kinesis') {
      machine.cutOffUntilMs[kind === 'partition-dynamodb' ? 'dynamodb' : 'kinesis'] = untilMs;
      return text;
    }
    if (kind === 'pause' || kind === 'suspend') machine[kind](lastsMs);
    return this.#counted(kind, text);
  }

  #counted(kind: FaultKind, what: string | undefined): string | undefined {
    if (what !== undefined) this.count(kind);
    return what;
  }
}
