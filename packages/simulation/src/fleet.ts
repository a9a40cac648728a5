import { MemoryBudget, StreamRecreatedError, type DeadLetterSink, type WorkerOptions } from 'millrace';
import type { Chance } from './chance';
import type { DeliveryWatch } from './delivery-watch';
import { maxReadLagMs } from './fast-table';
import type { FaultKind } from './fault-kinds';
import { dealtPlan } from './dealt-plan';
import { inTurn, leastForAnyRead, type FleetSettings } from './fleet-settings';
import type { LeaseWatch } from './lease-watch';
import { Machine } from './machine';
import type { Network } from './network';
import type { RecordWatch } from './record-watch';
import type { RunningCalls } from './running-calls';
import { SimulatedWorker } from './simulated-worker';
import { SingleRecordCode } from './single-record-code';
import type { StreamLog } from './stream-log';
import type { Trace } from './trace';
import { describeError, tracedLogger } from './traced-logger';
import { maxAttempts, UserCode } from './user-code';
import type { Violate } from './violation';
import type { VirtualTime } from './virtual-time';

/** In place of the 20 s that a stop has by default. */
const patientStopMs = 120_000;

export interface FleetParts {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly settings: FleetSettings;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly violate: Violate;
  readonly deliveries: DeliveryWatch;
  readonly records: RecordWatch;
  readonly log: StreamLog;
  readonly calls: RunningCalls;
  readonly streamName: string;
  readonly tableName: string;
  /** The faults are over: whoever fails to start now has no excuse, and user code behaves. */
  readonly isOver: () => boolean;
  /** A worker begins, has begun, is told to stop, or has ended. */
  readonly onChange: () => void;
  readonly leases: Pick<LeaseWatch, 'holder' | 'isHolder'>;
  readonly onKilled: (machine: Machine, how: FaultKind) => void;
  /** It stands still, in the middle of the user's code. */
  readonly onStruck: (machine: Machine, kind: FaultKind) => void;
}

const hourMs = 3_600_000;

/** What a worker that could not start has met, so that it is begun anew. */
const restartAfterMs = 4_000;

/** A worker that has read the table is told of what was in it so much later at most. */
const startsWithinMs = 10_000;

/** As far as a monotonic clock may be off: with the margin of an expiry that is allowed. */
const maxClockError = 0.02;

/** Twice the time-out of a call, and the least that a worker allows. */
const leastStallTimeoutMs = 10_000;

/** A fleet is never bigger. */
const maxWorkers = 6;

/** The workers, each on a machine of its own: those that were, and those that are. */
export class Fleet {
  readonly workers: SimulatedWorker[] = [];
  /** How often a record was held back because a process has ended. */
  heldBack = 0;
  readonly #parts: FleetParts;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  live(): readonly SimulatedWorker[] {
    return this.workers.filter((worker) => worker.isLive);
  }

  /** Up, whether they are stopping or not. */
  up(): readonly SimulatedWorker[] {
    return this.workers.filter(({ machine, end }) => !machine.isDown && end === undefined);
  }

  get hasRoom(): boolean {
    return this.up().length < maxWorkers;
  }

  start(): void {
    const { time, chance, trace, network, settings, streamName, tableName, isOver } = this.#parts;
    const name = `w${this.workers.length + 1}`;
    const machine = new Machine({
      name,
      time,
      originMs: chance.between(1_000, 10_000_000),
      skewMs: chance.between(-6, 6) * hourMs,
      driftRate: chance.between(-0.002, 0.002),
      clockRate: chance.between(1 - maxClockError, 1 + maxClockError),
      onDown: (down, how) => {
        trace.add(time.nowMs, undefined, `${down.name} ${how}`, () => `${down.name} is gone: ${how}`);
        this.#parts.onKilled(down, how);
      },
    });
    const { checkpointing, checkpointEveryRecords, initialPosition, givesUpEarly } = settings;
    const { idleTimeBetweenReadsMs, auditIntervalMs } = settings;
    const failoverTimeMs = inTurn(settings.failoverTimesMs, this.workers.length, 10_000);
    const codes = new Map<string, UserCode | SingleRecordCode>();
    const codeOf = (shardId: string): UserCode | SingleRecordCode => {
      const code = codes.get(shardId);
      if (code === undefined) throw new Error(`${name} has never had ${shardId}`);
      return code;
    };
    const worker = new SimulatedWorker({
      ...{ machine, workerId: this.#workerIdFor(name), network, time, streamName, tableName, chance: chance.fork() },
      logger: this.#loggerOf(machine),
      onAgedOut: ({ shardId, wanted }) => {
        // Who has lost the lease may be far behind.
        const { log, leases } = this.#parts;
        if (leases.holder(shardId) !== machine || log.isGone(shardId, wanted)) return;
        this.#parts.violate('G1', `${name} says that records have aged out`, shardId);
      },
      options: {
        checkpointing,
        checkpointEveryRecords,
        initialPosition,
        auditIntervalMs,
        leases: {
          failoverTimeMs,
          ...leaseOptions(settings, this.workers.length),
          ...(isOver() ? { maxLeases: Infinity } : {}),
        },
        fetch: { idleTimeBetweenReadsMs, callTimeoutMs: 5_000, readAheadPages: settings.readAheadPages },
        memory: new MemoryBudget(settings.memoryBytes),
        ...(givesUpEarly ? { stallTimeoutMs: Math.max(leastStallTimeoutMs, failoverTimeMs) } : {}),
        ...(settings.singleRecords?.concurrency && { concurrency: settings.singleRecords.concurrency }),
        ...failureOptions(settings, (letter, context) => codeOf(letter.shardId).deadLetter(letter, context)),
        processorFactory: ({ shardId }) => {
          const code = this.#userCode(machine, shardId);
          codes.set(shardId, code);
          return code;
        },
      },
    });
    worker.worker.on('recordHeldBack', () => this.heldBack++);
    worker.worker.on('recordSkipped', (record) => codeOf(record.shardId).skipped(record));
    this.workers.push(worker);
    this.#parts.onChange();
    worker.worker.on('workerStarted', () => this.#parts.onChange());
    trace.add(time.nowMs, undefined, `${name} starts`, () => `${name} starts as ${worker.worker.workerId}`);
    worker.run((ended) => this.#onEnd(ended));
  }

  workerOn(machine: Machine): SimulatedWorker {
    const worker = this.workers.find((each) => each.machine === machine);
    if (worker === undefined) throw new Error(`no worker was ever started on ${machine.name}`);
    return worker;
  }

  /** It is about to read: what that may cost is reserved, within the budget; or beyond it while nothing else is held. */
  checkMemory(machine: Machine): void {
    const { budgetBytes, usedBytes } = this.workerOn(machine).worker.snapshot().memory;
    if (usedBytes > 0 && usedBytes <= Math.max(budgetBytes, leastForAnyRead)) return;
    this.#parts.violate('worker', `${machine.name} reads with ${usedBytes} of ${budgetBytes} bytes reserved`);
  }

  /** Whoever looks after the fleet sees to it that it has room for every lease. */
  makeRoom(): void {
    if (!this.live().some(({ maxLeases }) => maxLeases === Infinity)) this.start();
  }

  /** In some fleets that of a worker that is gone, as a supervisor does that starts it anew. */
  #workerIdFor(name: string): string {
    if (!this.#parts.settings.reusesNames) return name;
    const isTaken = (workerId: string): boolean => this.up().some((worker) => worker.workerId === workerId);
    return this.workers.findLast(({ workerId }) => !isTaken(workerId))?.workerId ?? name;
  }

  /** A clean stop. */
  stop(worker: SimulatedWorker): void {
    const { time, trace } = this.#parts;
    const { name } = worker.machine;
    this.#parts.onChange();
    trace.add(time.nowMs, undefined, `${name} stops`, () => `${name} is told to stop`);
    const { weather, stopsAtOnce } = this.#parts.settings;
    // In showers no lease may be lost, and one reply after another may be: what it takes to wait for each is more than usual.
    const patience = weather === 'showers' ? { timeoutMs: patientStopMs } : {};
    worker.stop({ inFlight: stopsAtOnce ? 'abort' : 'finish', ...patience });
  }

  /** Replaces all that are live, one after another, by new ones. */
  deploy(): void {
    const { time, chance } = this.#parts;
    const startsFirst = chance.happens(0.5);
    let delayMs = 0;
    for (const worker of this.live()) {
      time.later(delayMs, () => {
        if (startsFirst) this.start();
        if (worker.isLive) this.stop(worker);
        if (!startsFirst) time.later(chance.between(0, 1_500), () => this.start());
      });
      delayMs += chance.between(1_500, 6_000);
    }
  }

  #userCode(machine: Machine, shardId: string): UserCode | SingleRecordCode {
    const { settings, chance, deliveries, records, calls, violate, isOver, onStruck } = this.#parts;
    const parts = {
      ...{ machine, shardId, violate, isOver, calls, chance: chance.fork() },
      onStruck: (kind: FaultKind) => onStruck(machine, kind),
      habit: chance.oneOf(settings.habits) ?? 'steady',
      failurePolicy: settings.failurePolicy,
      deadlyRecord: settings.deadlyRecord,
      endsShardsSilently: settings.endsShardsSilently,
      slowMs: settings.slowMs,
      stubbornMs: settings.stubbornMs,
    };
    if (settings.singleRecords !== undefined) return new SingleRecordCode({ ...parts, watch: records });
    return new UserCode({ ...parts, watch: deliveries, checkpointing: settings.checkpointing });
  }

  #loggerOf(machine: Machine): ReturnType<typeof tracedLogger> {
    const { time, trace, violate, settings } = this.#parts;
    return tracedLogger(({ level, message, leaseKey, fields, isMistake }) => {
      if (machine.isDown) return;
      trace.add(time.nowMs, leaseKey, `${machine.name} ${message}`, () => {
        const { err, why } = fields;
        const reason = typeof why === 'string' ? `; ${why}` : '';
        return `${machine.name} ${level}: ${message}${reason}${err === undefined ? '' : `; ${describeError(err)}`}`;
      });
      if (message === 'lease lost') this.#checkLoss(machine, leaseKey ?? '', fields);
      if (level === 'error' && settings.weather === 'calm' && !settings.endsShardsSilently)
        violate('worker', `${machine.name}: ${message}`, leaseKey);
      if (isMistake && !this.#sawForeignRows(fields['err']))
        violate('worker', `${machine.name}: ${message}: ${describeError(fields['err'])}`, leaseKey);
    });
  }

  /** But in storms nobody loses a lease; nor does anybody, anywhere, because of a refusal, if nobody else has changed the row. */
  #checkLoss(machine: Machine, leaseKey: string, { why, fencingToken }: Readonly<Record<string, unknown>>): void {
    const { settings, violate, leases } = this.#parts;
    if (settings.isCalm) violate('G5', `${machine.name} lost the lease: ${String(why)}`, leaseKey);
    const isByItself = why === 'its deadline has passed' || why === 'it was abandoned';
    if (!isByItself && leases.isHolder(machine, leaseKey, Number(fencingToken))) {
      violate('G5', `${machine.name} says that the lease is lost, which is still its own: ${String(why)}`, leaseKey);
    }
  }

  /** Who starts when they are being deleted may see them once more by a read that is not consistent. */
  #sawForeignRows(error: unknown): boolean {
    const { time, settings } = this.#parts;
    const { foreignRowsUntilMs } = settings;
    const wereThere = foreignRowsUntilMs > 0 && time.nowMs < foreignRowsUntilMs + maxReadLagMs + startsWithinMs;
    return wereThere && error instanceof StreamRecreatedError;
  }

  #onEnd(worker: SimulatedWorker): void {
    const { time, trace, settings, violate, isOver } = this.#parts;
    const { machine, end, hasStarted, isStopping } = worker;
    const how = end === 'clean' || end === undefined ? 'cleanly' : `with ${describeError(end.error)}`;
    trace.add(time.nowMs, undefined, `${machine.name} ends`, () => `${machine.name} has ended ${how}`);
    machine.retire();
    this.#parts.onChange();
    const { shards, memory } = worker.worker.snapshot();
    if (shards.length === 0 && memory.usedBytes + memory.waitingShards > 0)
      violate('worker', `${machine.name} has ended and holds ${memory.usedBytes} bytes`);
    if (isStopping && end === 'clean') return;
    // At its start a worker says at once what is wrong, if anything is; whoever runs it begins anew.
    const isMistake = end !== 'clean' && end?.error instanceof TypeError;
    const isExcused = end !== 'clean' && this.#sawForeignRows(end?.error);
    const hasNoReason = end !== 'clean' && (settings.weather === 'calm' || isOver()) && !machine.isRefusedForGood;
    if (((hasStarted || hasNoReason) && !isExcused) || isMistake)
      violate('worker', `${machine.name} ended ${how} ${hasStarted ? 'while it was running' : 'at its start'}`);
    else if (!isStopping || !isOver()) time.later(restartAfterMs, () => this.start());
  }
}

/** Of the worker that comes after so many. */
function leaseOptions(settings: FleetSettings, index: number): NonNullable<WorkerOptions['leases']> {
  const { handoverTimeoutsMs, mailIntervalMs, scanIntervalMs, registry, knowsSecondPlan, maxLeases } = settings;
  return {
    handoverTimeoutMs: inTurn(handoverTimeoutsMs, index, 4_000),
    mailIntervalMs,
    scanIntervalMs,
    registry: inTurn(registry, index, true),
    maxLeases: inTurn(maxLeases, index, Infinity),
    plans: inTurn(knowsSecondPlan, index, false) ? [dealtPlan] : [],
  };
}

function failureOptions(
  { failurePolicy, singleRecords, deadlyRecord }: FleetSettings,
  deadLetter: DeadLetterSink,
): Pick<WorkerOptions, 'failurePolicy' | 'retry'> {
  const crashes = deadlyRecord === undefined ? {} : { maxCrashes: deadlyRecord.maxCrashes };
  if (failurePolicy === 'block') return { retry: crashes };
  const attempts = failurePolicy === 'bisect' ? {} : { maxAttempts };
  const retry = { baseDelayMs: 100, maxDelayMs: 1_000, ...attempts, ...crashes };
  if (failurePolicy !== 'dead-letter') return { retry, failurePolicy };
  const scope = singleRecords?.quarantinesKeys === true ? 'key' : 'record';
  return { retry, failurePolicy: { deadLetter, scope } };
}
