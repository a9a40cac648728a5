import { type AbortSignalLike, type Clock, isFatal, type LeaseSeed } from '@millrace/core';
import { affinity } from './affinity';
import type { WorkerView } from './assignment-plan';
import type { FleetPlanner } from './fleet-planner';
import type { ResolvedLeaseOptions } from './lease-options';
import type { LeaseReporter } from './lease-reporter';
import { elapsedMs, type Moment, readMoment } from './moment';
import type { TableView } from './table-view';

export interface FirstStartDependencies {
  readonly workerId: string;
  readonly options: ResolvedLeaseOptions;
  readonly clock: Clock;
  readonly reporter: LeaseReporter;
  readonly table: TableView;
  readonly planner: FleetPlanner;
  /** Reads the table, consistently, and takes it in. */
  readonly read: (signal: AbortSignalLike) => Promise<void>;
  /** Writes this worker's row in the registry now, if it has one. */
  readonly announce: () => Promise<void>;
  readonly create: (seed: LeaseSeed, ownership: Ownership, leftMs: () => number) => Promise<boolean>;
}

/** Whose a new lease is: its creator's, or nobody's. */
export interface Ownership {
  readonly unowned: boolean;
}

/** How often it is looked in quick succession who else is there, or whether anybody gets on. */
const MAX_LOOKS = 8;
/** So many looks must show the same: processes that start together take their time. */
const CALM_LOOKS = 3;
/** More failover times than a slow share takes between two readings: longer is slept over. */
const GAP = 2;
/** How many rows each creates at a time when nobody gets on: all do the same then. */
const MAX_WHEN_STUCK = 64;

/**
 * This worker's part in filling an empty table, together with all that start at the same time.
 *
 * Who fills says so in the registry. Each computes the same shares, of all leases for all who fill, and creates its own
 * as their owner, which takes one write for each. Who dies over it drops out, and the others see its share among theirs.
 * If nobody gets on, because the shares were computed from different views, each creates some of what is missing.
 */
export class FirstStart {
  readonly #deps: FirstStartDependencies;
  #isFilling = false;
  /** When the last reading of the table began. */
  #lookedAt: Moment | undefined;
  /** Whether it did not look for so long that rows may have come and gone that it has never seen. */
  #hasOverslept = false;
  /** Leases that had a row at some time. One that has none any more was deleted, and is the audit's to put back. */
  readonly #known = new Set<string>();
  #seen = '';
  #settledWith = '';
  /** As few were missing, last time, since when. */
  #left = Infinity;
  #leftSinceMs = 0;

  constructor(deps: FirstStartDependencies) {
    this.#deps = deps;
  }

  /** For the registry. */
  get isFilling(): boolean {
    return this.#isFilling;
  }

  /** Whether the others know that this worker fills, so that they share out the work. */
  get isShared(): boolean {
    return this.#deps.options.registry;
  }

  /**
   * Whether another worker fills the table just now: its row says so, and it is seen to get on. The row of one that has died
   * over it says so for long after, and what is missing then was there, maybe. Rejects when the table cannot be read.
   */
  async isUnderWay(signal: AbortSignalLike): Promise<boolean> {
    const { clock, options, table } = this.#deps;
    let before: ReadonlyMap<string, number> | undefined;
    // Even one that creates nothing at the moment gives a sign of life within that time.
    const patienceMs = 2 * options.renewIntervalMs;
    let untilMs = clock.now() + patienceMs;
    for (let looks = 1; ; looks++) {
      const failure = await this.#tryToLook(signal);
      if (failure === undefined) {
        const { fillProgress } = table;
        if (fillProgress.size === 0) return false;
        if (before === undefined) untilMs = clock.now() + patienceMs;
        before ??= fillProgress;
        for (const [workerId, progress] of fillProgress) {
          if (progress > (before.get(workerId) ?? -Infinity)) return true;
        }
      }
      if (clock.now() >= untilMs) {
        if (before === undefined && failure !== undefined) throw failure.error;
        return false;
      }
      await clock.sleep(looks < MAX_LOOKS ? options.settleMs : options.scanIntervalMs / 2, signal);
    }
  }

  /** To be called right before somebody else reads the table to see what is missing. */
  willBeRead(): void {
    this.#lookedAt = readMoment(this.#deps.clock);
    this.#hasOverslept = false;
  }

  /** To be called before the first row is created: whoever sees a row must see who fills. Rejects if that fails. */
  async begin(): Promise<void> {
    this.#isFilling = true;
    await this.#deps.announce();
  }

  /** Never rejects: the next heartbeat says it, too. */
  async end(): Promise<void> {
    this.#isFilling = false;
    await this.#tryToAnnounce();
  }

  /**
   * Adds a row. Resolves with whether there was none. Once what is known of the table {@link isOutdated}, nothing is sent:
   * the next share comes of a new reading.
   */
  async create(seed: LeaseSeed, ownership: Ownership): Promise<boolean> {
    const { failoverTimeMs } = this.#deps.options;
    if (this.isOutdated) return false;
    // Asked before each attempt: its turn may come late, and the machine may be suspended meanwhile.
    const isNew = await this.#deps.create(seed, ownership, () => GAP * failoverTimeMs - this.#sinceLookedMs());
    this.#known.add(seed.leaseKey);
    return isNew;
  }

  /**
   * Whether it is so long since the table was read that a row which was missing may have been created, used and deleted. Created again
   * as a new one it would begin at counter 0, and late writes of those who used it could meet it.
   */
  get isOutdated(): boolean {
    return this.#sinceLookedMs() >= this.#deps.options.failoverTimeMs;
  }

  /**
   * What this worker is to create next; undefined once none of the `wanted` leases is missing. Undefined, too, when it has overslept: then it
   * cannot know which rows were never there, and the audit, which needs not know, does the rest.
   * `all` are those that the table is filled with, the oldest first: the shares are computed over all, so that they stay
   * the same while rows come up. Waits until the workers that come up together are known, and while others are at it.
   */
  async nextShare(
    all: readonly string[],
    wanted: readonly string[],
    signal: AbortSignalLike,
  ): Promise<ReadonlyMap<string, Ownership> | undefined> {
    const { clock, options } = this.#deps;
    for (;;) {
      const fillers = await this.#readUntilSettled(signal);
      const missing = wanted.filter((leaseKey) => !this.#known.has(leaseKey));
      if (this.#hasOverslept) return undefined;
      if (missing.length === 0) return undefined;
      const share = this.#isStuck(missing.length) ? this.#nearest(missing) : this.#mine(all, missing, fillers);
      if (share.length > 0) {
        this.#left = Infinity;
        return this.#withinLimit(share);
      }
      await clock.sleep(options.scanIntervalMs / 2, signal);
    }
  }

  /** Not one row has come up for a scan interval. */
  #isStuck(missing: number): boolean {
    const { clock, options } = this.#deps;
    if (missing < this.#left) {
      this.#left = missing;
      this.#leftSinceMs = clock.now();
    }
    return clock.now() - this.#leftSinceMs >= options.scanIntervalMs;
  }

  /**
   * Shares are computed for those who are there by now, not for those who happened to be first. Who has registered and
   * does not fill yet may be about to.
   */
  async #readUntilSettled(signal: AbortSignalLike): Promise<readonly WorkerView[]> {
    const { clock, options, planner } = this.#deps;
    for (let looks = 1, calm = 1; ; looks++) {
      await this.#read(signal);
      if (this.#hasOverslept) return [];
      const fillers = this.#fillers();
      const { workers } = planner.fleet();
      const seen = [workers, fillers].map((some) => some.map(({ workerId }) => workerId).join()).join('\n');
      calm = seen === this.#seen ? calm + 1 : 1;
      const isCalm = calm >= CALM_LOOKS && fillers.length === workers.length;
      this.#seen = seen;
      // Once it was settled, it is as long as nobody else comes.
      if (isCalm || seen === this.#settledWith || !options.registry || looks === MAX_LOOKS) {
        this.#settledWith = seen;
        return fillers;
      }
      // Who has found the first rows joins in once it sees a filler get on, which none that waits for it does.
      if (fillers.length < workers.length) await this.#tryToAnnounce();
      // Nor does anybody else get on while all wait.
      this.#left = Infinity;
      await clock.sleep(options.settleMs, signal);
    }
  }

  async #tryToAnnounce(): Promise<void> {
    const { announce, reporter } = this.#deps;
    await announce().catch((error: unknown) => reporter.callFailed('heartbeat', error));
  }

  /** Until it succeeds, or has failed for so long that whatever it shows is no longer enough. */
  async #read(signal: AbortSignalLike): Promise<void> {
    const { clock, options } = this.#deps;
    while ((await this.#tryToLook(signal)) !== undefined) {
      if (this.#hasOverslept) return;
      await clock.sleep(options.scanIntervalMs, signal);
    }
  }

  async #tryToLook(signal: AbortSignalLike): Promise<{ readonly error: unknown } | undefined> {
    const { clock, options, reporter, table, read } = this.#deps;
    const lookedAt = readMoment(clock);
    const failure = await read(signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    this.#hasOverslept ||= this.#sinceLookedMs() > GAP * options.failoverTimeMs;
    if (failure !== undefined) {
      signal.throwIfAborted();
      if (isFatal(failure.error)) throw failure.error;
      reporter.callFailed('list', failure.error);
      return failure;
    }
    for (const { leaseKey } of table.leases) this.#known.add(leaseKey);
    this.#lookedAt = lookedAt;
    return undefined;
  }

  /** By both clocks, for one of them stands still while a machine is suspended. */
  #sinceLookedMs(): number {
    return this.#lookedAt === undefined ? 0 : elapsedMs(this.#lookedAt, readMoment(this.#deps.clock));
  }

  #fillers(): readonly WorkerView[] {
    const { workers, fillers } = this.#deps.planner.fleet();
    return workers.filter(({ workerId }) => workerId === this.#deps.workerId || fillers.has(workerId));
  }

  #mine(all: readonly string[], missing: readonly string[], fillers: readonly WorkerView[]): readonly string[] {
    const { workerId, planner, table } = this.#deps;
    const oldest = table.leases.find(({ leaseKey }) => leaseKey === all[0]);
    const owners = planner.firstOwners(all, fillers, oldest?.leaseOwner);
    // What nobody may have needs a row, too.
    return missing.filter((leaseKey) => (owners.get(leaseKey) ?? nearest(leaseKey, fillers)) === workerId);
  }

  /** Others begin with others. */
  #nearest(missing: readonly string[]): readonly string[] {
    const ranked = missing.map((leaseKey) => ({ leaseKey, rank: affinity(leaseKey, this.#deps.workerId) }));
    const sorted = ranked.sort((a, b) => b.rank - a.rank).slice(0, MAX_WHEN_STUCK);
    return sorted.map(({ leaseKey }) => leaseKey);
  }

  /** What this worker may not have is created as nobody's. */
  #withinLimit(share: readonly string[]): ReadonlyMap<string, Ownership> {
    const { workerId, options, table } = this.#deps;
    const room = options.maxLeases - table.leases.filter(({ leaseOwner }) => leaseOwner === workerId).length;
    return new Map(share.map((leaseKey, index) => [leaseKey, { unowned: index >= room }]));
  }
}

function nearest(leaseKey: string, workers: readonly WorkerView[]): string | undefined {
  const ranked = workers.map(({ workerId }) => ({ workerId, rank: affinity(leaseKey, workerId) }));
  return ranked.sort((a, b) => b.rank - a.rank)[0]?.workerId;
}
