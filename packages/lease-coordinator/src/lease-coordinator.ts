import {
  backoffDelayMs,
  type Clock,
  type Lease,
  type Logger,
  type Random,
  type StreamIdentity,
  withDeadline,
} from '@millrace/core';
import { Alarm } from './alarm';
import { planAssignment } from './assignment-plan';
import { CallLimit } from './call-limit';
import { findForeignLease } from './foreign-lease';
import { HeldLease } from './held-lease';
import type { LeaseObserverEvents } from './lease-events';
import { type AcquiredLease, LeaseMoves } from './lease-moves';
import { LeaseObserver } from './lease-observer';
import type { ResolvedLeaseOptions } from './lease-options';
import { hasCode, LeaseReporter } from './lease-reporter';
import type { LeaseListing, LeaseStore } from './lease-store';
import { isHandedOverTo, isToBePassedOn, viewLeases } from './lease-views';

export interface LeaseCoordinatorDependencies {
  readonly store: LeaseStore;
  /** Ends in the process's random incarnation: never used twice. */
  readonly workerId: string;
  readonly options: ResolvedLeaseOptions;
  readonly identity: StreamIdentity;
  /** What `latest` or `at-timestamp` means for the application; kept in rows at such a position that have none. */
  readonly initialTimestampMs: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The leases that may be read now: not finished, and their parents are. */
  readonly selectReadable: (leases: readonly Lease[]) => readonly Lease[];
  /** Called once for each lease acquired. Must not throw. */
  readonly onAcquired: (held: HeldLease) => void;
  readonly observer?: LeaseObserverEvents | undefined;
}

/** Writes that acquire or ask for leases at once, beside the renewals. */
const MAX_MOVES_AT_ONCE = 16;
/** In failover times: after this, whoever was to take a free lease does not. */
const UNCLAIMED_AFTER = 1 / 2;

/**
 * One worker's part in sharing the leases of a stream: it takes what is free or expired, asks busier workers for the
 * rest of its share, adopts what they hand over, and keeps what it has.
 *
 * *One loop*, the tick: read the table, judge expiry, plan, start the moves. Moves run beside it, bounded, at most one
 * per lease, so that a slow write does not stop the reading, on whose regularity expiry depends. Each lease acquired is
 * a {@link HeldLease} with loops of its own, which alone writes to its row from then on.
 *
 * *Stopping.* After the signal nothing more is acquired or asked for. The loop goes on while anything is held: to see
 * requests, and to give back what is still handed over. It ends when the last held lease has, and no move is under way.
 *
 * *Faults.* A failed reading is made again, later and later; leases are kept, or not, by their own deadlines. What
 * cannot be mended (the table is gone, or belongs to another stream) abandons every lease and rejects `run`.
 */
export class LeaseCoordinator {
  readonly #deps: LeaseCoordinatorDependencies;
  readonly #reporter: LeaseReporter;
  readonly #expiry: LeaseObserver;
  readonly #moves: LeaseMoves;
  readonly #alarm: Alarm;
  readonly #limit = new CallLimit(MAX_MOVES_AT_ONCE);
  readonly #held = new Map<string, HeldLease>();
  readonly #moving = new Map<string, Promise<void>>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #nextWriteId: () => string;
  #view: readonly Lease[] = [];
  #readConsistently = true;
  #failures = 0;
  #stopping = false;

  constructor(deps: LeaseCoordinatorDependencies) {
    const { clock, logger, options, workerId } = deps;
    this.#deps = deps;
    this.#reporter = new LeaseReporter(clock, logger, deps.observer ?? {});
    this.#expiry = new LeaseObserver(options);
    this.#alarm = new Alarm(clock);
    let writes = 0;
    this.#nextWriteId = () => `${workerId}/${String(++writes)}`;
    const { store, random, identity, initialTimestampMs } = deps;
    this.#moves = new LeaseMoves({
      ...{ store, random, identity, initialTimestampMs, clock, logger, options, me: workerId },
      ...{ reporter: this.#reporter, nextWriteId: this.#nextWriteId },
    });
  }

  /**
   * Shares leases until `signal` aborts and every held lease has been released, lost or abandoned by whoever got it
   * through `onAcquired`. Rejects with `LeaseTableMissingError` when the table is deleted and `StreamRecreatedError`
   * when it was filled from another stream; all leases are abandoned then.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#stopping = true;
      this.#alarm.ring();
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!this.#stopping || this.#held.size > 0 || this.#moving.size > 0) {
        await this.#alarm.wait(await this.#tick(signal));
      }
    } finally {
      // Reached with anything held only by a fatal fault: the handlers are unsettled, so nothing may be released.
      this.#stopping = true;
      signal.removeEventListener('abort', stop);
      for (const held of this.#held.values()) held.abandon();
      while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    }
  }

  /** Reads the table now, consistently: after new rows were added, or a shard has ended. */
  wake(): void {
    this.#readConsistently = true;
    this.#alarm.ring();
  }

  heldLeases(): readonly HeldLease[] {
    return [...this.#held.values()];
  }

  /** The leases as last read. */
  view(): readonly Lease[] {
    return this.#view;
  }

  /** Returns the delay until the next one. */
  async #tick(signal: AbortSignal): Promise<number> {
    const { clock, options, random } = this.#deps;
    const startedAtMs = clock.now();
    let listing: LeaseListing;
    try {
      listing = await this.#list(signal);
    } catch (error) {
      if (hasCode(error, 'LEASE_TABLE_MISSING')) throw error;
      if (error === signal.reason) return 0;
      this.#reporter.callFailed('list', error);
      this.#readConsistently = true;
      const backoff = { baseMs: options.scanIntervalMs, maxMs: options.failoverTimeMs };
      return backoffDelayMs(this.#failures++, backoff, random);
    }
    this.#failures = 0;
    this.#takeIn(listing);
    this.#reporter.notify((observer) =>
      observer.listed?.({
        leases: listing.leases.length,
        held: this.#held.size,
        durationMs: clock.now() - startedAtMs,
      }),
    );
    this.#startMoves(listing.leases);
    return options.scanIntervalMs;
  }

  #list(signal: AbortSignal): Promise<LeaseListing> {
    const { clock, store, options } = this.#deps;
    const consistent = this.#readConsistently;
    this.#readConsistently = false;
    // Each page has a deadline of its own; this one is for the whole.
    const deadline = { deadlineMs: options.failoverTimeMs, what: 'reading the lease table' };
    // A hung reading must not hold up a stop; what is read while stopping must not be cut short by it.
    const untilStopped = signal.aborted ? deadline : { ...deadline, signal };
    return withDeadline(clock, untilStopped, () => store.list({ consistent }));
  }

  #takeIn({ leases, corrupt }: LeaseListing): void {
    const { clock, identity } = this.#deps;
    const foreign = findForeignLease(leases, identity);
    if (foreign !== undefined) throw foreign;
    this.#expiry.observe(leases, clock.now());
    this.#view = leases;
    this.#reporter.corrupt(corrupt);
    for (const lease of leases) this.#held.get(lease.leaseKey)?.notice(lease);
  }

  #startMoves(leases: readonly Lease[]): void {
    const { workerId: me } = this.#deps;
    const plan = this.#stopping ? { take: [], adopt: [], request: [] } : this.#plan(leases);
    for (const lease of plan.take) this.#start(lease, () => this.#acquire('taken', lease));
    for (const lease of plan.adopt) this.#start(lease, () => this.#acquire('adopted', lease));
    for (const lease of plan.request) this.#start(lease, () => this.#request(lease));
    const adopted = new Set(plan.adopt);
    for (const lease of leases) {
      if (this.#held.has(lease.leaseKey)) continue;
      if (isToBePassedOn(me, lease)) this.#start(lease, () => this.#moves.passOn(lease));
      if (isHandedOverTo(me, lease) && !adopted.has(lease)) this.#start(lease, () => this.#moves.decline(lease));
    }
  }

  #plan(leases: readonly Lease[]): ReturnType<typeof planAssignment> {
    const { clock, options, workerId: me, selectReadable } = this.#deps;
    const views = viewLeases({
      leases: selectReadable(leases),
      me,
      observer: this.#expiry,
      nowMs: clock.now(),
      isHeld: (leaseKey) => this.#held.has(leaseKey),
      isMoving: (leaseKey) => this.#moving.has(leaseKey),
      unclaimedAfterMs: options.failoverTimeMs * UNCLAIMED_AFTER,
    });
    return planAssignment({ leases: views, me, maxLeases: options.maxLeases });
  }

  #start({ leaseKey }: Lease, move: () => Promise<void>): void {
    if (this.#moving.has(leaseKey) || this.#held.has(leaseKey)) return;
    const task = this.#limit.run(move).finally(() => {
      this.#moving.delete(leaseKey);
      if (this.#stopping) this.#alarm.ring();
    });
    this.#moving.set(leaseKey, task);
    this.#track(task);
  }

  async #acquire(how: 'taken' | 'adopted', observed: Lease): Promise<void> {
    // Planned before the signal, but only now its turn.
    if (this.#stopping) return;
    const acquired = await (how === 'taken' ? this.#moves.take(observed) : this.#moves.adopt(observed));
    if (acquired === undefined) return;
    const { leaseKey, leaseCounter: fencingToken } = acquired.lease;
    const message = how === 'taken' ? 'lease taken' : 'lease adopted';
    this.#deps.logger.info({ leaseKey, fencingToken, from: observed.leaseOwner }, message);
    this.#reporter.notify((observer) =>
      how === 'taken'
        ? observer.taken?.({ leaseKey, fencingToken, from: observed.leaseOwner })
        : observer.adopted?.({ leaseKey, fencingToken }),
    );
    this.#hold(acquired);
  }

  #hold({ lease, acquiredAt }: AcquiredLease): void {
    const { store, logger, workerId, clock, random, options, onAcquired } = this.#deps;
    const held = new HeldLease({
      ...{ store, logger, clock, random, options, lease, acquiredAt, me: workerId },
      ...{ reporter: this.#reporter, nextWriteId: this.#nextWriteId },
    });
    this.#held.set(held.leaseKey, held);
    this.#track(this.#keep(held));
    if (this.#stopping) {
      this.#track(held.release());
      return;
    }
    try {
      onAcquired(held);
    } catch (err) {
      logger.error({ leaseKey: held.leaseKey, err }, 'lease could not be used');
      held.abandon();
    }
  }

  /** Until the lease ends. */
  async #keep(held: HeldLease): Promise<void> {
    const { leaseKey, fencingToken } = held;
    try {
      await held.run();
    } finally {
      this.#held.delete(leaseKey);
    }
    if (this.#stopping) this.#alarm.ring();
    const { ending, receiver } = held;
    if (ending === 'released' || ending === 'handed-over') {
      this.#deps.logger.info({ leaseKey, fencingToken, ending, to: receiver }, 'lease given back');
    }
    this.#reporter.notify((observer) => {
      if (ending === 'handed-over') observer.handedOver?.({ leaseKey, to: receiver ?? '' });
      else if (ending === 'released') observer.released?.({ leaseKey });
      else observer.lost?.({ leaseKey, abandoned: ending === 'abandoned' });
    });
  }

  async #request(lease: Lease): Promise<void> {
    const { leaseKey, leaseOwner } = lease;
    if (this.#stopping || leaseOwner === undefined) return;
    const asked = await this.#moves.request(lease);
    if (asked) this.#reporter.notify((observer) => observer.handoverRequested?.({ leaseKey, from: leaseOwner }));
  }

  /** Work beside the loop, awaited at the end. What it throws is a mistake of ours: said, and survived. */
  #track(work: Promise<void>): void {
    const task = work
      .catch((err: unknown) => this.#deps.logger.error({ err }, 'lease work failed unexpectedly'))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}
