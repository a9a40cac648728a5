import {
  type AbortSignalLike,
  backoffDelayMs,
  type Clock,
  type Lease,
  type LeaseSeed,
  type Logger,
  type Random,
  type StreamIdentity,
} from '@millrace/core';
import { Alarm } from './alarm';
import { FleetPlanner } from './fleet-planner';
import { CallWindow } from './call-window';
import { FirstStart, type Ownership } from './first-start';
import { findForeignLease } from './foreign-lease';
import { Gathering, type SharingPhase } from './gathering';
import type { HeldLease } from './held-lease';
import type { LeaseObserverEvents } from './lease-events';
import { LeaseHoldings } from './lease-holdings';
import { type AcquiredLease, LeaseMoves } from './lease-moves';
import type { ResolvedLeaseOptions } from './lease-options';
import { hasCode, LeaseReporter } from './lease-reporter';
import type { LeaseListing, LeaseStore, ListOptions } from './lease-store';
import { type FleetView, isHandedOverTo, isToBePassedOn } from './lease-views';
import { LookAgain } from './look-again';
import { readMoment } from './moment';
import { MoveQueue } from './move-queue';
import { Successors } from './successors';
import { TableView } from './table-view';
import { Tasks } from './tasks';
import { untilAborted } from './until-aborted';
import { WorkerRegistration } from './worker-registration';
import { describeWorker } from './worker-row';
import type { WorkerStore } from './worker-store';

export interface LeaseCoordinatorDependencies {
  readonly store: LeaseStore;
  readonly workers: WorkerStore;
  /** Ends in the process's random incarnation: never used twice. */
  readonly workerId: string;
  /** For the registry. */
  readonly host: string;
  readonly version: string;
  readonly options: ResolvedLeaseOptions;
  readonly identity: StreamIdentity;
  /** What `latest` or `at-timestamp` means for the application; kept in rows at such a position that have none. */
  readonly initialTimestampMs: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The leases that may be read now: not finished, and their parents are. */
  readonly selectReadable: (leases: readonly Lease[]) => readonly Lease[];
  /** This worker must not have the lease now, whatever the plan says. */
  readonly isBarred: (leaseKey: string) => boolean;
  /** Called once for each lease acquired. Must not throw. */
  readonly onAcquired: (held: HeldLease) => void;
  readonly observer?: LeaseObserverEvents | undefined;
}

/** Mail that names more leases leads to a reading of the whole table. */
const MAX_MAILED = 500;
/** So many times what a reading took passes until the next, however often the alarm rings: less while workers come up. */
const REST = { settled: 4, unsettled: 1 };

/**
 * One worker's part in sharing the leases of a stream: it takes what is free or expired, asks busier workers for the
 * rest of its share, adopts what they hand over, and keeps what it has.
 *
 * *The tick* reads the table, judges expiry, plans, and starts the moves. Moves run beside it, bounded, at most one per
 * lease, so that a slow write does not stop the reading, on whose regularity expiry depends. *Mail* names rows that have
 * changed in a way that concerns this worker: they are read at once, without the rest. Each lease acquired is a
 * {@link HeldLease} with loops of its own, which alone writes to its row from then on.
 *
 * *A fleet that comes up together* is seen worker by worker. Nothing is taken or asked for in the moment in which a worker
 * has appeared, so that shares are not computed for those who happened to be first.
 *
 * *Stopping.* After the signal nothing more is acquired or asked for, and every lease that is given up goes to the
 * successor that the plan names. The loop goes on while anything is held: to see requests, and to give back what is
 * still handed over. It ends when the last held lease has, and no move is under way.
 *
 * *Faults.* A failed reading is made again, later and later; leases are kept, or not, by their own deadlines. What
 * cannot be mended (the table is gone, or belongs to another stream) abandons every lease and rejects `run`.
 */
export class LeaseCoordinator {
  /** This worker's part in filling an empty table. */
  readonly firstStart: FirstStart;
  readonly #deps: LeaseCoordinatorDependencies;
  readonly #reporter: LeaseReporter;
  readonly #table: TableView;
  readonly #planner: FleetPlanner;
  readonly #moves: LeaseMoves;
  readonly #registration: WorkerRegistration | undefined;
  readonly #successors: Successors;
  readonly #alarm: Alarm;
  readonly #again: LookAgain;
  readonly #gathering: Gathering;
  readonly #held: LeaseHoldings;
  readonly #moving = new MoveQueue();
  readonly #tasks: Tasks;
  readonly #nextWriteId: () => string;
  /** Ends the loops beside the tick. */
  readonly #over = new AbortController();
  #creating = 0; // Until they count as held: who stops ends as soon as there are none of both.
  /** As many leases it has at most when all that is under way is done: moves that ask for one, or give one back, count too. */
  readonly #wanted = (): number => this.#held.size + this.#moving.size + this.#creating;
  #readConsistently = true;
  #failures = 0;
  #stopping = false;

  constructor(deps: LeaseCoordinatorDependencies) {
    const { clock, logger, options, workerId, selectReadable, isBarred, store, random, identity } = deps;
    this.#deps = deps;
    this.#reporter = new LeaseReporter(clock, logger, deps.observer ?? {});
    this.#tasks = new Tasks(logger);
    this.#table = new TableView(workerId, options);
    const isHeld = (leaseKey: string): boolean => this.#held.has(leaseKey);
    const own = { isHeld, isMoving: (leaseKey: string) => this.#moving.has(leaseKey), isBarred, selectReadable };
    this.#gathering = new Gathering(workerId, isHeld, () => this.#held.isGiving);
    this.#planner = new FleetPlanner({ workerId, options, table: this.#table, own, clock, logger });
    this.#alarm = new Alarm(clock);
    this.#again = new LookAgain(clock, deps.random, () => this.wake());
    const window = new CallWindow();
    let writes = 0;
    this.#nextWriteId = () => `${workerId}/${String(++writes)}`;
    this.#held = new LeaseHoldings({
      ...{ ...deps, me: workerId, reporter: this.#reporter, tasks: this.#tasks },
      ...{ nextWriteId: this.#nextWriteId, window },
      isGone: (worker) => this.#table.isGone(worker, clock.now()),
      successorOf: (leaseKey) => this.#successors.of(leaseKey),
      onEnded: (leaseKey, to) => this.#ended(leaseKey, to),
    });
    this.#moves = new LeaseMoves({
      ...{ store, random, identity, initialTimestampMs: deps.initialTimestampMs, clock, logger, options, me: workerId },
      ...{ reporter: this.#reporter, nextWriteId: this.#nextWriteId, window },
    });
    this.#registration = options.registry ? this.#newRegistration() : undefined;
    this.#successors = new Successors({ planner: this.#planner, options, clock, announceAndRead: this.#announceStop });
    this.firstStart = new FirstStart({
      ...{ workerId, options, clock, reporter: this.#reporter, table: this.#table, planner: this.#planner },
      read: async (signal) => this.#takeIn(await this.#list(signal, true)),
      announce: () => this.register(),
      create: (seed, ownership, leftMs) => this.#create(seed, ownership, leftMs),
    });
  }

  /** Makes this worker known to the others, if there is a registry. Rejects if that fails; may be called again. */
  async register(): Promise<void> {
    await this.#registration?.register();
  }

  /**
   * Shares leases until `signal` aborts and every held lease has been released, lost or abandoned by whoever got it
   * through `onAcquired`. Rejects with `LeaseTableMissingError` when the table is deleted and `StreamRecreatedError`
   * when it was filled from another stream; all leases are abandoned then.
   */
  async run(signal: AbortSignalLike): Promise<void> {
    const stop = (): void => this.#stop();
    if (signal.aborted) {
      await this.#registration?.deregister();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    const registration = this.#registration?.run(this.#over.signal);
    try {
      while (!this.#stopping || this.#wanted() > 0) {
        await this.#alarm.wait(await this.#tick(signal));
      }
    } finally {
      // Reached with anything held only by a fatal fault: the handlers are unsettled, so nothing may be released.
      this.#stopping = true;
      signal.removeEventListener('abort', stop);
      for (const held of this.#held.all()) held.abandon();
      this.#over.abort();
      await Promise.all([this.#tasks.done(), registration, this.#successors.planned()]);
      await this.#leaveRegistry();
    }
  }

  /** Reads the table soon, consistently: after new rows were added, or a shard has ended. */
  wake(): void {
    this.#readConsistently = true;
    this.#alarm.ring();
  }

  heldLeases(): readonly HeldLease[] {
    return this.#held.all();
  }

  get sharing(): SharingPhase {
    if (this.firstStart.isFilling) return 'filling';
    const { phase } = this.#gathering;
    return this.#wanted() > this.#held.size && phase === 'settled' ? 'gathering' : phase;
  }

  /** Adds the row of a lease, which this worker holds from then on if it may. Resolves with whether there was none. */
  async #create(seed: LeaseSeed, ownership: Ownership, leftMs: () => number): Promise<boolean> {
    const unowned = ownership.unowned || this.#wanted() >= this.#deps.options.maxLeases;
    this.#creating++;
    try {
      const created = await this.#moves.create(seed, { unowned, leftMs });
      if (created.acquired !== undefined) this.#acquired('taken', created.acquired, undefined);
      return created.isNew;
    } finally {
      this.#creating--;
      this.#leftOne();
    }
  }

  /** While it stops the tick sees each end at once, and does not rest after the last one. */
  #leftOne(): void {
    if (!this.#stopping) return;
    if (this.#wanted() === 0) this.#over.abort();
    this.#alarm.ring();
  }

  #newRegistration(): WorkerRegistration {
    const { workers, workerId, host, version, options, clock } = this.#deps;
    const worker = describeWorker({ workerId, host, version, options, startedAt: readMoment(clock) });
    return new WorkerRegistration({
      ...{ store: workers, worker, options, clock, reporter: this.#reporter },
      leasesHeld: () => this.#held.size,
      isFilling: () => this.firstStart.isFilling,
      onMail: (leaseKeys) => this.#tasks.add(this.#readMailed(leaseKeys)),
    });
  }

  #stop(): void {
    this.#stopping = true;
    if (this.#wanted() > 0) this.#successors.planStop();
    this.#alarm.ring();
  }

  readonly #announceStop = async (): Promise<void> => {
    await this.#registration?.announceStop();
    this.#takeIn(await this.#read(true));
  };

  /** The row of a worker whose leases have yet to expire stays: nobody must count on it until it is forgotten. */
  async #leaveRegistry(): Promise<void> {
    await this.#registration?.flush();
    if (this.#held.hasAbandoned) await this.#registration?.announceStop();
    else await this.#registration?.deregister();
  }

  /** Returns the delay until the next one. */
  async #tick(signal: AbortSignalLike): Promise<number> {
    const { clock, options, random } = this.#deps;
    const startedAtMs = clock.now();
    let listing: LeaseListing;
    try {
      listing = await this.#list(signal, this.#readConsistently);
    } catch (error) {
      if (hasCode(error, 'LEASE_TABLE_MISSING')) throw error;
      if (error === signal.reason) return 0;
      this.#reporter.callFailed('list', error);
      this.#readConsistently = true;
      const backoff = { baseMs: options.scanIntervalMs, maxMs: options.failoverTimeMs };
      return backoffDelayMs(this.#failures++, backoff, random);
    }
    const readAtMs = clock.now();
    const tookMs = readAtMs - startedAtMs;
    this.#failures = 0;
    this.#takeIn(listing);
    this.#reporter.listed({ leases: listing.leases.length, held: this.#held.size, durationMs: tookMs }, options);
    const fleet = this.#planner.fleet();
    const isSettled = this.#planner.isSettled(fleet);
    if (!isSettled) this.#readConsistently = true;
    this.#gathering.looked(fleet);
    this.#startMoves(fleet, isSettled);
    // Part of the interval: a longer pause between two readings would look like an outage of DynamoDB.
    const restMs = Math.min(REST[isSettled ? 'settled' : 'unsettled'] * tookMs, options.scanIntervalMs);
    await clock.sleep(restMs, signal.aborted ? this.#over.signal : signal).catch(() => undefined);
    const intervalMs = isSettled ? options.scanIntervalMs : options.settleMs;
    const expiresAtMs = this.#table.nextExpiryAtMs((key) => this.#held.has(key), readAtMs);
    return Math.max(0, Math.min(intervalMs - restMs, expiresAtMs - clock.now()));
  }

  #list(signal: AbortSignalLike, consistent: boolean): Promise<LeaseListing> {
    this.#readConsistently = false;
    const listing = this.#read(consistent);
    // A reading that hangs must not hold up a stop; what is read while stopping must not be cut short by it.
    return signal.aborted ? listing : untilAborted(listing, signal);
  }

  #read(consistent: boolean): Promise<LeaseListing> {
    const { clock, store } = this.#deps;
    const onPage: ListOptions['onPage'] = (leases, workers) => this.#table.takeInPage(leases, workers, clock.now());
    return store.list({ consistent, onPage });
  }

  #takeIn(listing: LeaseListing): void {
    const { clock, identity } = this.#deps;
    const foreign = findForeignLease(listing.leases, identity);
    if (foreign !== undefined) throw foreign;
    this.#table.takeIn(listing, clock.now());
    this.#reporter.corrupt(listing.corrupt);
    for (const lease of listing.leases) this.#held.get(lease.leaseKey)?.notice(lease);
  }

  #startMoves(fleet: FleetView, isSettled: boolean): void {
    const { clock, workers } = this.#deps;
    if (!this.#stopping) {
      for (const lease of this.#planner.adoptable(fleet)) this.#start(lease, () => this.#acquire('adopted', lease));
      if (isSettled) {
        const { take, request, leftOver } = this.#planner.myPart(fleet);
        for (const lease of take) this.#start(lease, () => this.#acquire('taken', lease));
        for (const lease of request) this.#start(lease, () => this.#request(lease));
        for (const lease of this.#table.deaf(clock.now())) this.#start(lease, () => this.#evict(lease));
        this.#reporter.leftOver(leftOver);
      }
      for (const worker of this.#table.forgotten(fleet, clock.now())) {
        this.#tasks.add(
          workers.removeWorker(worker).catch((error: unknown) => this.#reporter.callFailed('forget', error)),
        );
      }
    }
    this.#settleWhatNamesMe();
  }

  /** What was handed over to me and is not wanted goes back; what was asked of me before I had it is passed on. */
  #settleWhatNamesMe(): void {
    const { workerId: me } = this.#deps;
    for (const lease of this.#table.leases) {
      if (isToBePassedOn(me, lease)) this.#start(lease, () => this.#moves.passOn(lease));
      if (isHandedOverTo(me, lease)) this.#start(lease, () => this.#moves.decline(lease));
    }
  }

  async #readMailed(leaseKeys: readonly string[]): Promise<void> {
    const { store, clock } = this.#deps;
    if (leaseKeys.length > MAX_MAILED) {
      this.wake();
      return;
    }
    try {
      this.#takeInRows(await store.getMany(leaseKeys), clock.now());
    } catch (error) {
      this.#reporter.callFailed('get-mailed', error);
      this.wake();
    }
  }

  #takeInRows(rows: readonly Lease[], nowMs: number): void {
    const isComplete = this.#table.takeInRows(rows, nowMs);
    for (const lease of rows) this.#held.get(lease.leaseKey)?.notice(lease);
    if (!isComplete) this.wake();
    if (!this.#stopping) {
      for (const lease of this.#planner.adoptable()) this.#start(lease, () => this.#acquire('adopted', lease));
    }
    this.#settleWhatNamesMe();
  }

  #start({ leaseKey }: Lease, move: () => Promise<void>): void {
    if (this.#moving.has(leaseKey) || this.#held.has(leaseKey)) return;
    this.#tasks.add(this.#moving.run(leaseKey, move).finally(() => this.#leftOne()));
  }

  async #acquire(how: 'taken' | 'adopted', observed: Lease): Promise<void> {
    // Planned before the signal, or before other moves, but only now its turn.
    if (this.#stopping || (how === 'taken' && this.#wanted() > this.#deps.options.maxLeases)) return;
    const acquired = await (how === 'taken' ? this.#moves.take(observed) : this.#moves.adopt(observed));
    // What the others do by now is seen sooner than with the next regular reading.
    if (acquired === 'lost-race') this.#tasks.add(this.#again.soon(this.#deps.options.settleMs, this.#over.signal));
    else if (acquired !== 'failed') this.#acquired(how, acquired, observed.leaseOwner);
  }

  #acquired(how: 'taken' | 'adopted', acquired: AcquiredLease, from: string | undefined): void {
    const { leaseKey, leaseCounter: fencingToken } = acquired.lease;
    this.#deps.logger.info({ leaseKey, fencingToken, from }, how === 'taken' ? 'lease taken' : 'lease adopted');
    this.#reporter.notify((observer) =>
      how === 'taken'
        ? observer.taken?.({ leaseKey, fencingToken, from })
        : observer.adopted?.({ leaseKey, fencingToken }),
    );
    this.#gathering.got(leaseKey);
    this.#held.hold(acquired, { unwanted: this.#stopping });
  }

  #ended(leaseKey: string, to: string | undefined): void {
    if (to !== undefined) this.#registration?.notify(to, leaseKey);
    this.#leftOne();
  }

  async #request(lease: Lease): Promise<void> {
    const { leaseKey, leaseOwner } = lease;
    if (this.#stopping || leaseOwner === undefined) return;
    if (!(await this.#moves.request(lease))) return;
    this.#gathering.asked(leaseKey);
    this.#registration?.notify(leaseOwner, leaseKey);
    this.#reporter.notify((observer) => observer.handoverRequested?.({ leaseKey, from: leaseOwner }));
  }

  async #evict(lease: Lease): Promise<void> {
    const { leaseKey, checkpointOwner: owner = '' } = lease;
    if (this.#stopping || !(await this.#moves.evict(lease))) return;
    this.#deps.logger.warn({ leaseKey, owner }, 'lease evicted, its owner did not hand it over');
    this.#reporter.notify((observer) => observer.evicted?.({ leaseKey, owner }));
  }
}
