import { Ambush } from './ambush';
import { CallFaults } from './call-faults';
import { Chance } from './chance';
import { CrashWatch } from './crash-watch';
import { DeliveryWatch } from './delivery-watch';
import { Disturbance } from './disturbance';
import { runSteps } from './event-loop';
import { harmlessKinds, type FaultKind } from './fault-kinds';
import { Fleet } from './fleet';
import {
  balanceLimitMs,
  drawSettings,
  faultsApartMs,
  minVirtualMs,
  restAfter,
  type FleetSettings,
  type Weather,
} from './fleet-settings';
import { ForeignRows } from './foreign-rows';
import { KclThief } from './kcl-thief';
import { describeRow } from './lease-row';
import { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import { ManualHarm } from './manual-harm';
import { Network, type CallWatch } from './network';
import { Producer } from './producer';
import { RecordWatch } from './record-watch';
import { RestWatch } from './rest-watch';
import { RunningCalls } from './running-calls';
import { isWrite, type ServiceCall } from './service-call';
import { SimulatedAws } from './simulated-aws';
import { StreamLog } from './stream-log';
import { Trace } from './trace';
import type { Violate, Violation } from './violation';
import { VirtualTime } from './virtual-time';

export interface SimulationOptions {
  readonly seed: number;
  /** How many workers begin. Default: the seed decides, 3 or more. */
  readonly workers?: number | undefined;
  /** How many shards there are at first. Default: the seed decides, 4 or more. */
  readonly shards?: number | undefined;
  /** Gets every line of the trace as it comes. */
  readonly onTraceLine?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  readonly weather: Weather;
  /** The first thing that was wrong, with what led to it. */
  readonly failure: (Violation & { readonly atMs: number; readonly trace: readonly string[] }) | undefined;
  readonly steps: number;
  readonly virtualMs: number;
  readonly records: number;
  readonly checkpoints: number;
  /** By owners that were asked, and by those that left, to the successors that they chose. */
  readonly handovers: number;
  readonly successors: number;
  readonly evictions: number;
  readonly cancellations: number;
  readonly duplicates: number;
  /** Records that were let go because processes had ended, those of them that were not the reason, and how often one was held back. */
  readonly crashes: { readonly letGo: number; readonly innocent: number; readonly heldBack: number };
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Of everything that happened: equal for two runs that were the same. */
  readonly hash: string;
}

const streamName = 'flights';
const tableName = 'flight-delays';

/** How long it may take to start a worker that met the last faults while starting. */
const startGraceMs = 25_000;
/** How long everything may take to be read and acknowledged after that: reads that failed are repeated within 30 s. */
const drainLimitMs = 180_000;
/** A record at which processes have ended may be held back for so long more. */
const heldBackMs = 200_000;
/** Longer than a clean stop's own time-out. */
const stopLimitMs = 40_000;
/** The fleet is well for so many readings of the table before it counts as well. */
const wellForScans = 1.5;
/** How often it is looked at whether the fleet is well. */
const lookEveryMs = 1_000;

/** Runs one seed from its beginning to its end, or to the first thing that is wrong. Rejects only by a fault of its own. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options);
  await runSteps(() => simulation.step());
  return simulation.result();
}

/**
 * A fleet, its services and its troubles under one clock.
 *
 * Four parts follow each other: trouble, while producers put records; then, without faults, until every shard has an
 * owner and the load is even (G6); until every record is acknowledged (G1); and until all workers have stopped. The
 * other guarantees are checked whenever something happens that they speak of.
 */
class Simulation {
  readonly #options: SimulationOptions;
  readonly #settings: FleetSettings;
  readonly #chance: Chance;
  readonly #time = new VirtualTime();
  readonly #aws = new SimulatedAws(this.#time, tableName);
  readonly #log = new StreamLog();
  readonly #trace: Trace;
  readonly #rest: RestWatch;
  readonly #leases: LeaseWatch;
  readonly #deliveries: DeliveryWatch;
  readonly #calls: RunningCalls;
  readonly #crashes: CrashWatch;
  readonly #fleet: Fleet;
  readonly #producer: Producer;
  readonly #disturbance: Disturbance;
  readonly #ambush: Ambush;
  readonly #thief: KclThief;
  readonly #foreignRows: ForeignRows;
  #violation: (Violation & { readonly atMs: number }) | undefined;
  #wellSinceMs = Infinity;
  #isOver = false;
  #isDone = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#settings = drawSettings(this.#chance.fork(), options);
    this.#trace = new Trace(options.onTraceLine);
    const violate: Violate = (guarantee, what, leaseKey) => {
      this.#violation ??= { guarantee, what, leaseKey, atMs: this.#time.nowMs };
    };
    this.#aws.kinesis.addStream(streamName, this.#settings.shards);
    const common = { time: this.#time, trace: this.#trace, violate, log: this.#log, settings: this.#settings };
    this.#rest = new RestWatch({ ...common, ...restAfter(this.#settings) });
    const suspendedForMs = Math.max(...this.#settings.failoverTimesMs);
    this.#calls = new RunningCalls({ ...common, suspendedForMs });
    const calls = this.#calls;
    this.#crashes = new CrashWatch(common);
    this.#leases = new LeaseWatch({
      ...{ ...common, calls, crashes: this.#crashes, aws: this.#aws, rest: this.#rest },
      workerOn: (machine) => this.#fleet.workerOn(machine),
    });
    const watched = { ...common, leases: this.#leases, crashes: this.#crashes };
    this.#deliveries = new DeliveryWatch(watched);
    const { concurrency, quarantinesKeys = false } = this.#settings.singleRecords ?? {};
    const records = new RecordWatch({
      ...{ ...watched, deliveries: this.#deliveries },
      laneOf: (key) => (concurrency === undefined ? '' : key),
      ...{ maxInFlight: 1, maxAhead: 1, ...concurrency },
      quarantinesKeys: quarantinesKeys && this.#settings.failurePolicy === 'dead-letter',
    });
    this.#producer = new Producer(this.#aws.kinesis, streamName, this.#log, this.#chance.fork(), this.#time);
    const { chaosEndsAtMs } = this.#settings;
    const faults = new CallFaults(this.#chance.fork(), chaosEndsAtMs, faultsApartMs(this.#settings));
    const network = new Network({
      ...{ time: this.#time, aws: this.#aws, faults, chance: this.#chance.fork(), watch: this.#callWatch() },
      holdsWritesUntilMs: this.#settings.weather === 'storm' ? chaosEndsAtMs : 0,
    });
    this.#fleet = new Fleet({
      ...common,
      ...{ network, streamName, tableName, chance: this.#chance.fork(), deliveries: this.#deliveries, records, calls },
      leases: this.#leases,
      isOver: () => this.#isOver,
      onChange: () => {
        this.#rest.fleetChanged();
        this.#wellSinceMs = Infinity;
      },
      onKilled: (_, how) => this.#onKilled(how),
      onStruck: (machine, kind) => this.#met(kind, machine),
    });
    const manual = new ManualHarm({
      ...{ ...common, aws: this.#aws, leases: this.#leases, chance: this.#chance.fork() },
      ...{ streamName, tableName },
    });
    const onHappening = (kind: FaultKind, what: string): void => {
      this.#disturbance.count(kind);
      this.#note(`fault: ${kind} ${what}`);
    };
    const services = { ...common, leases: this.#leases, aws: this.#aws, streamName, tableName, onHappening };
    this.#thief = new KclThief({ ...services, chance: this.#chance.fork() });
    this.#ambush = new Ambush({ ...services, manual, fleet: this.#fleet, producer: this.#producer });
    this.#foreignRows = new ForeignRows(services);
    this.#disturbance = new Disturbance({
      ...{ ...common, faults, aws: this.#aws, chance: this.#chance.fork(), fleet: this.#fleet },
      ...{ producer: this.#producer, manual, thief: this.#thief, leases: this.#leases },
      onHappening: (kind) => {
        if (!harmlessKinds.includes(kind)) this.#rest.disturbed();
      },
    });
    this.#begin();
  }

  /** Lets one thing happen; false when it is over. */
  step(): boolean {
    return this.#violation === undefined && !this.#isDone && this.#time.step(Infinity);
  }

  result(): SimulationResult {
    const violation = this.#violation;
    return {
      seed: this.#options.seed,
      weather: this.#settings.weather,
      failure: violation && { ...violation, trace: this.#trace.lastLines(violation.leaseKey) },
      steps: this.#time.steps,
      virtualMs: this.#time.nowMs,
      records: this.#log.count,
      checkpoints: this.#leases.checkpoints,
      handovers: this.#leases.handovers,
      successors: this.#leases.successors,
      evictions: this.#leases.evictions,
      cancellations: this.#leases.cancellations,
      duplicates: this.#deliveries.duplicates,
      crashes: {
        letGo: this.#crashes.letGo,
        innocent: this.#crashes.innocent,
        heldBack: this.#fleet.heldBack,
      },
      faults: this.#disturbance.counts,
      hash: this.#trace.hash,
    };
  }

  #begin(): void {
    const { workers, chaosEndsAtMs, reshardsBefore, initialPosition, startsFromMs, startsToMs } = this.#settings;
    for (let left = reshardsBefore; left > 0; left--) {
      const count = this.#chance.wholeBetween(0, 8);
      if (initialPosition === 'TRIM_HORIZON') this.#producer.put(count);
      else this.#producer.putUnread(count);
      if (this.#chance.happens(0.6)) this.#producer.split(Infinity);
      else this.#producer.merge();
    }
    if (initialPosition === 'LATEST') this.#log.begin();
    for (let index = 0; index < workers; index++) {
      this.#time.later(this.#chance.between(startsFromMs, startsToMs), () => this.#fleet.start());
    }
    this.#disturbance.begin();
    this.#ambush.begin();
    this.#thief.begin();
    this.#foreignRows.begin();
    this.#produce();
    this.#time.at(chaosEndsAtMs, () => this.#quieten());
  }

  /** From the first moment that LATEST can mean until the faults are over. */
  #produce(): void {
    if (this.#isOver) return;
    if (this.#leases.rows.size > 0) this.#producer.put(this.#chance.wholeBetween(1, 8));
    this.#time.later(this.#chance.between(500, 4_500), () => this.#produce());
  }

  #quieten(): void {
    this.#isOver = true;
    this.#disturbance.end();
    this.#ambush.end();
    this.#note('the faults are over');
    if (this.#fleet.up().length === 0) this.#fleet.start();
    this.#fleet.makeRoom();
    this.#untilWell(() => this.#drain());
  }

  #untilWell(then: () => void): void {
    this.#waitUntil(
      () => this.#isWell(),
      startGraceMs + balanceLimitMs(this.#settings) + wellForScans * this.#settings.scanIntervalMs,
      () => this.#violate('G6', this.#whyNotWell() || 'the fleet does not stay well'),
      then,
    );
  }

  #drain(): void {
    this.#note('every shard has an owner, and the load is even');
    this.#waitUntil(
      () => {
        this.#isWell();
        return this.#log.isHandled() && this.#time.nowMs >= minVirtualMs - 10_000;
      },
      drainLimitMs + (this.#settings.deadlyRecord === undefined ? 0 : heldBackMs),
      () => this.#violate('G1', `not everything was dealt with: ${this.#log.describeBacklog()}`, this.#behind()),
      () => this.#untilWell(() => this.#stop()),
    );
  }

  #stop(): void {
    this.#note('every record was dealt with');
    for (const worker of this.#fleet.live()) this.#fleet.stop(worker);
    this.#waitUntil(
      () => this.#fleet.up().length === 0 && this.#time.nowMs >= minVirtualMs,
      stopLimitMs,
      () => this.#violate('worker', `${this.#fleet.up()[0]?.machine.name ?? ''} does not stop`),
      () => this.#finish(),
    );
  }

  /** What processors had not acknowledged by then they have when they were told to stop. */
  #finish(): void {
    const behind = this.#behind();
    if (!this.#log.isAcknowledged()) this.#violate('G1', `lost: ${this.#log.describeBacklog()}`, behind);
    else if (behind !== undefined) this.#violate('G1', 'what was acknowledged is not in the table', behind);
    this.#isDone = true;
  }

  #waitUntil(condition: () => boolean, limitMs: number, onLate: () => void, then: () => void): void {
    const lateAtMs = this.#time.nowMs + limitMs;
    const look = (): void => {
      if (condition()) then();
      else if (this.#time.nowMs >= lateAtMs) onLate();
      else this.#time.later(lookEveryMs, look);
    };
    look();
  }

  /** Since a worker came or went, for long enough that everybody has read the table: shares may be even, and leases yet belong elsewhere. */
  #isWell(): boolean {
    if (this.#rest.isWell) return true;
    const { nowMs } = this.#time;
    this.#wellSinceMs = this.#whyNotWell() === '' ? Math.min(this.#wellSinceMs, nowMs) : Infinity;
    if (nowMs - this.#wellSinceMs >= wellForScans * this.#settings.scanIntervalMs) this.#rest.well();
    return this.#rest.isWell;
  }

  /** Every readable shard has an owner that is live, knows it, is not asked for it, and holds at most one more than any other. */
  #whyNotWell(): string {
    const loads = new Map(this.#fleet.live().map(({ machine }) => [machine, 0]));
    const owned = new Set(this.#fleet.live().flatMap(({ worker }) => worker.snapshot().ownedShardIds));
    const readable = this.#leases.readable();
    if (readable.length === 0) return 'there is no readable lease';
    for (const row of readable) {
      const holder = this.#leases.holder(row.leaseKey);
      const load = holder === undefined ? undefined : loads.get(holder);
      if (holder === undefined || load === undefined || !owned.has(row.leaseKey)) {
        return `${row.leaseKey} has no live owner: ${describeRow(row)}`;
      }
      if (row.checkpointOwner !== undefined) return `${row.leaseKey} is on its way: ${describeRow(row)}`;
      loads.set(holder, load + 1);
    }
    const beyond = this.#fleet.live().find(({ machine, maxLeases }) => (loads.get(machine) ?? 0) > maxLeases);
    if (beyond !== undefined) return `${beyond.machine.name} holds more than ${beyond.maxLeases} leases`;
    const outliving = this.#calls.outliving((shardId) => this.#leases.holder(shardId));
    if (outliving !== undefined) return `${outliving}, has not settled`;
    // Who is at its limit may have less than the others.
    const roomy = this.#fleet.live().filter(({ machine, maxLeases }) => (loads.get(machine) ?? 0) < maxLeases);
    const least = Math.min(...roomy.map(({ machine }) => loads.get(machine) ?? 0));
    if (loads.size > 0 && Math.max(...loads.values()) - least <= 1) return '';
    return `the load is not even: ${[...loads].map(([{ name }, load]) => `${name} ${load}`).join(', ')}`;
  }

  /** A shard whose row does not cover its last record. */
  #behind(): string | undefined {
    return this.#log.shards().find((shard) => {
      const row = this.#leases.rows.get(shard.shardId);
      if (row === undefined && this.#leases.isFinished(shard.shardId)) return false;
      const stored = row === undefined ? 0 : (this.#log.coveredBy(shard, row.checkpoint) ?? 0);
      return Math.max(stored, shard.agedOut) < shard.records.length;
    })?.shardId;
  }

  /** Somebody starts another one. */
  #onKilled(how: FaultKind): void {
    this.#disturbance.count(how);
    this.#time.later(this.#chance.between(500, 15_000), () => {
      if (this.#fleet.up().length < this.#settings.workers) this.#fleet.start();
    });
  }

  #callWatch(): CallWatch {
    return {
      sent: (machine, call) => {
        this.#leases.sent(machine, call);
        if (call.operation === 'GetRecords') this.#fleet.checkMemory(machine);
      },
      arriving: (_, call) => this.#foreignRows.arriving(call),
      cameLate: () => this.#rest.disturbed(),
      performed: (machine, call, outcome) => {
        if (call.service === 'dynamodb') this.#leases.performed(machine, call, outcome);
        // A late sign of life of a worker that is gone: for a while it counts as alive, and then as gone again.
        if (isWrite(call) && machine.isDown) this.#rest.disturbed();
        if ('error' in outcome) return {};
        this.#foreignRows.performed(machine, call);
        return { instead: this.#thief.performed(machine, call), heldUpMs: this.#ambush.performed(machine, call) };
      },
      met: (kind, machine, call) => this.#met(kind, machine, call),
    };
  }

  #met(kind: FaultKind, { name }: Machine, call?: ServiceCall): void {
    this.#disturbance.count(kind);
    const { Key } = (call?.input ?? {}) as { readonly Key?: { readonly leaseKey?: { readonly S?: string } } };
    const operation = call?.operation ?? '';
    this.#trace.add(this.#time.nowMs, Key?.leaseKey?.S, `${name} ${kind} ${operation}`, () => {
      return `${name} meets ${kind} with ${operation}`;
    });
  }

  #note(text: string): void {
    this.#trace.add(this.#time.nowMs, undefined, text, () => text);
  }

  #violate(...[guarantee, what, leaseKey]: Parameters<Violate>): void {
    this.#violation ??= { guarantee, what, leaseKey, atMs: this.#time.nowMs };
  }
}
