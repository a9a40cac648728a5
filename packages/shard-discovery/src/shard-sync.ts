import {
  type AbortSignalLike,
  StopSignal,
  AT_TIMESTAMP,
  forEachAtMost,
  LATEST,
  isFatal,
  repeat,
  retryPassing,
  StreamRecreatedError,
  TRIM_HORIZON,
  type Clock,
  type Lease,
  type LeaseSeed,
  type Logger,
  type Random,
  type Shard,
  type StreamIdentity,
} from '@millrace/core';
import type { ApplicationPosition } from './application-position';
import { nobodyFills, type FillsOfOthers, type FirstStart, type Ownership } from './first-start';
import {
  planFinishedLeases,
  planMissingLeases,
  selectReadable,
  selectStillMissing,
  selectUnknown,
  type MissingLease,
} from './lease-sync-plan';
import type { StreamShards } from './shard-lineage';
import type { ShardLister } from './shard-lister';

/** Rows that are created at the same time. */
const createdAtOnce = 16;

/** How far a counter is ahead of what was last seen of it, at most: a write of each ten milliseconds for hours. */
const counterMargin = 1_000_000;

/** What shard discovery needs of the lease table. */
export interface LeaseTable {
  /** All rows. `consistent`: every write that was acknowledged before the call is seen. `corrupt`: not understood. */
  list(options: { readonly consistent: boolean }): Promise<{
    readonly leases: readonly Lease[];
    /** The registry of live workers. */
    readonly workers: readonly { readonly failoverTimeMs: number }[];
    readonly corrupt: readonly { readonly leaseKey: string }[];
  }>;
  /** Creates the row unless there is one; then answers with that one. */
  create(seed: LeaseSeed, writeId: string): Promise<{ readonly kind: 'created' | 'exists'; readonly lease: Lease }>;
  /** Deletes the row if it is still as observed and at shard end. */
  delete(observed: Lease): Promise<{ readonly kind: 'applied' | 'refused' }>;
}

/** What a row that is put back has besides what every new row has. */
interface Healing {
  readonly leaseCounter: number;
  readonly failoverTimeMs: number;
}

/** The stream and the table, as they were at about the same time. */
type Look = { readonly stream: StreamShards } & Awaited<ReturnType<LeaseTable['list']>>;

export interface ShardSyncObserver {
  leasesCreated?(payload: {
    readonly shardIds: readonly string[];
    readonly reason: 'first-start' | 'audit' | 'reshard';
  }): void;
  leasesDeleted?(payload: { readonly shardIds: readonly string[] }): void;
  auditFailed?(payload: { readonly error: unknown }): void;
}

/**
 * Keeps the lease rows in step with the shards of the stream.
 *
 * How it works:
 * - At the first start (an empty table) a row is created for each shard that is readable at the application's position:
 *   the oldest first and alone, so that of workers that start together one fixes the moment that LATEST means; then the
 *   others, by all workers that start together, each of them a share.
 * - At a shard's end the worker that finished it creates the children's rows ({@link ShardSync.createChildren}) before
 *   it stores shard end. That is the normal way in which new shards are found; no listing is involved.
 * - An audit repeats at an interval on every worker, and comes at once for a row that waits for a newer listing: it puts
 *   back rows that went missing, deletes finished rows whose shards are no longer listed, and stops the worker if the
 *   stream was deleted or made again.
 *
 * Every write is create-if-absent or delete-if-unchanged: any number of workers may do this at the same time.
 */
export class ShardSync {
  #stream: StreamShards = { listed: [], inScope: new Set(), trimmed: new Set() };
  /** Listings are numbered as they start; {@link #stream} is of the one that started last of those that have answered. */
  #listingsStarted = 0;
  #streamNumber = 0;
  /** Leases that no listing knew when their rows were seen, with the last listing that had started by then. */
  readonly #unknownSince = new Map<string, number>();
  #auditSoon = new StopSignal();
  #position: ApplicationPosition;
  #writeCount = 0;
  /** Of all rows that this worker has ever seen. */
  #highestCounter = 0;

  constructor(
    private readonly options: {
      readonly lister: ShardLister;
      readonly table: LeaseTable;
      readonly identity: StreamIdentity;
      readonly position: ApplicationPosition;
      /** Asks the service again which stream this is; rejects when it does not exist. */
      readonly currentIdentity: (signal: AbortSignalLike) => Promise<StreamIdentity>;
      /** Never used twice; names the rows that this worker creates. */
      readonly incarnation: string;
      readonly auditIntervalMs: number;
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly observer?: ShardSyncObserver;
    },
  ) {
    this.#position = options.position;
  }

  /** The application's position. Its moment moves when rows show that another worker was first to fix it. */
  get position(): ApplicationPosition {
    return this.#position;
  }

  /** The leases whose shards may be read now, by the last listing. Asks for a new one if that is older than a row. */
  selectReadable(leases: readonly Lease[]): readonly Lease[] {
    this.#noteCounters(leases);
    for (const { leaseKey } of selectUnknown(this.#stream, leases)) {
      if (this.#unknownSince.has(leaseKey)) continue;
      this.#unknownSince.set(leaseKey, this.#listingsStarted);
      this.#auditSoon.abort();
    }
    return selectReadable(this.#stream, leases);
  }

  /** Whether the stream lists the shard, asked anew. */
  async isListed(shardId: string, signal: AbortSignalLike): Promise<boolean> {
    const { listed } = await this.#listShards(signal);
    return listed.some((shard) => shard.shardId === shardId);
  }

  /** Lists the shards and, if the table is empty, fills it. Rejects with what is wrong with the stream or the table. */
  async start(firstStart: FirstStart, signal: AbortSignalLike): Promise<void> {
    while (!(await this.#startOnce(firstStart, signal)));
  }

  /** Resolves with whether it is done. If not, it has to look anew whether the table is empty. */
  async #startOnce(firstStart: FirstStart, signal: AbortSignalLike): Promise<boolean> {
    const { incarnation, logger, observer } = this.options;
    const look = await this.#look(signal, () => firstStart.willBeRead());
    if (planMissingLeases(look.stream, look.leases).length === 0) return true;
    // Rows there, but not all, and nobody is creating them: they went missing, which the audit will see to. What this worker has created
    // itself, before it had to look anew, does not count.
    const isEmpty = look.corrupt.length === 0 && look.leases.every(({ leaseOwner }) => leaseOwner === incarnation);
    if (!isEmpty && !(await firstStart.isUnderWay(signal))) return true;
    const shardIds: string[] = [];
    try {
      await retryPassing({ ...this.options, signal }, () => firstStart.begin());
      return await this.#fill(look, firstStart, shardIds, signal);
    } finally {
      await firstStart.end();
      if (shardIds.length > 0) {
        logger.info({ leaseCount: shardIds.length, position: this.#position }, 'leases created at first start');
        observer?.leasesCreated?.({ shardIds, reason: 'first-start' });
      }
    }
  }

  /**
   * Audits at the interval until `signal` aborts; the first time soon, in case whoever filled the table has died over
   * it. Rejects when the stream is gone or is another one.
   */
  async run(signal: AbortSignalLike, firstStart: FillsOfOthers = nobodyFills): Promise<void> {
    const { random, clock, auditIntervalMs } = this.options;
    let isSoon = true;
    await repeat(clock, signal, async () => {
      const share = isSoon ? 0.1 + random.next() / 10 : 0.75 + random.next() / 2;
      await this.#sleepUntilAudit(share * (isSoon ? Math.min(auditIntervalMs, 60_000) : auditIntervalMs), signal);
      isSoon = !(await this.#auditOrWarn(signal, firstStart));
      return 0;
    });
  }

  /**
   * Compares shards and rows once, and mends what differs. Resolves with false if another worker is filling the table:
   * then the missing rows are left to it, and the next audit is to come soon.
   */
  async audit(signal: AbortSignalLike, firstStart: FillsOfOthers = nobodyFills): Promise<boolean> {
    const { table, identity, clock, logger, observer } = this.options;
    const current = await this.options.currentIdentity(signal);
    if (current.streamCreatedAtMs !== identity.streamCreatedAtMs || current.streamArn !== identity.streamArn) {
      throw new StreamRecreatedError(identity.streamName, {
        leaseKey: '(all of this run)',
        storedArn: identity.streamArn,
        storedCreatedAtMs: identity.streamCreatedAtMs,
        actualArn: current.streamArn,
        actualCreatedAtMs: current.streamCreatedAtMs,
      });
    }
    const { stream, leases, workers, corrupt } = await this.#look(signal);
    const corruptKeys = new Set(corrupt.map(({ leaseKey }) => leaseKey));
    const missing = planMissingLeases(stream, leases).filter(({ shard }) => !corruptKeys.has(shard.shardId));
    if (missing.length === 0 && planFinishedLeases(stream, leases).length === 0) return true;
    if (missing.length > 0 && (await firstStart.isUnderWay(signal))) return false;
    // The listing is older than the rows. A shard whose row is not there may have left the stream in between, finished and
    // its row deleted; one that was created and finished in between is missing in the listing, and is not gone.
    const newer = await this.#listShards(signal);
    const failoverTimesMs = [...leases, ...workers].map((row) => row.failoverTimeMs ?? 0);
    const healing: Healing = {
      // Above any counter that the row may have had: writes of an earlier owner that arrive late must still be refused. Rows that were
      // put back before have the time of another clock, which may be ahead of this one.
      leaseCounter: Math.max(Math.floor(clock.wallTime()), this.#highestCounter + counterMargin),
      // That owner may be inside its deadline, and its failover time may be longer than that of whoever takes the lease.
      failoverTimeMs: Math.max(0, ...failoverTimesMs),
    };
    const healed = await this.#create(selectStillMissing(missing, newer, leases), healing, signal);
    if (healed.length > 0) {
      logger.warn({ shardIds: healed }, 'leases were missing and have been put back');
      observer?.leasesCreated?.({ shardIds: healed, reason: 'audit' });
    }
    const shardIds: string[] = [];
    for (const lease of planFinishedLeases(newer, leases)) {
      signal.throwIfAborted();
      const { kind } = await retryPassing({ ...this.options, signal }, () => table.delete(lease));
      if (kind === 'applied') shardIds.push(lease.leaseKey);
    }
    if (shardIds.length > 0) {
      logger.info({ shardIds }, 'finished leases deleted, their shards are no longer listed');
      observer?.leasesDeleted?.({ shardIds });
    }
    return true;
  }

  /**
   * Creates the leases of the shards that came out of `parent`. To be called, and awaited, before the parent's shard
   * end is stored. `childShards` is what the answer that ended the parent named; if that is empty, the listing is asked.
   */
  async createChildren(parentShardId: string, childShards: readonly Shard[], signal: AbortSignalLike): Promise<void> {
    const { logger, observer } = this.options;
    const children =
      childShards.length > 0
        ? childShards
        : (await this.#listShards(signal)).listed.filter(({ parentShardIds }) =>
            parentShardIds.includes(parentShardId),
          );
    const missing = children.map((shard) => ({ shard, start: 'trim-horizon' }) as const);
    const shardIds = await this.#create(missing, undefined, signal);
    if (shardIds.length === 0) return;
    logger.info({ parentShardId, shardIds }, 'leases created for child shards');
    observer?.leasesCreated?.({ shardIds, reason: 'reshard' });
  }

  /** Shards first, then rows: whether a listed shard has a row is asked after it was listed, never before. */
  async #look(signal: AbortSignalLike, beforeRows?: () => void): Promise<Look> {
    for (;;) {
      const stream = await this.#listShards(signal);
      beforeRows?.();
      const table = await this.#listLeases(signal);
      // With another moment other shards are in scope.
      if (!this.#adoptMoment(table.leases)) return { stream, ...table };
    }
  }

  async #listShards(signal: AbortSignalLike): Promise<StreamShards> {
    const { lister } = this.options;
    const number = ++this.#listingsStarted;
    const listed = await lister.list({ kind: 'trim-horizon' }, signal);
    const inScope = this.#position.kind === 'trim-horizon' ? listed : await lister.list(this.#position, signal);
    const listedIds = new Set(listed.map(({ shardId }) => shardId));
    const trimmed = new Set<string>();
    for (const [shardId, since] of this.#unknownSince) {
      if (listedIds.has(shardId)) this.#unknownSince.delete(shardId);
      else if (number > since) trimmed.add(shardId);
    }
    const stream = { listed, inScope: new Set(inScope.map(({ shardId }) => shardId)), trimmed };
    // Listings overlap; what an older one says must not replace what a newer one has said.
    if (number > this.#streamNumber) {
      this.#stream = stream;
      this.#streamNumber = number;
    }
    return stream;
  }

  /** Until the time has passed, or a listing is wanted. */
  async #sleepUntilAudit(delayMs: number, signal: AbortSignalLike): Promise<void> {
    const wanted = this.#auditSoon;
    const woken = StopSignal.any([signal, wanted]);
    await this.options.clock.sleep(delayMs, woken).catch(() => undefined);
    woken.abort();
    signal.throwIfAborted();
    if (wanted.aborted) this.#auditSoon = new StopSignal();
  }

  async #listLeases(signal: AbortSignalLike): ReturnType<LeaseTable['list']> {
    const listed = await retryPassing({ ...this.options, signal }, () => this.options.table.list({ consistent: true }));
    this.#noteCounters(listed.leases);
    return listed;
  }

  #noteCounters(leases: readonly Lease[]): void {
    for (const { leaseCounter } of leases) this.#highestCounter = Math.max(this.#highestCounter, leaseCounter);
  }

  async #auditOrWarn(signal: AbortSignalLike, firstStart: FillsOfOthers): Promise<boolean> {
    try {
      return await this.audit(signal, firstStart);
    } catch (error) {
      if (signal.aborted || isFatal(error)) throw error;
      // Nothing is lost by a late audit: running shards go on, and the next one will see the same. Rows that wait for
      // it ask again at the next reading of the table.
      this.#unknownSince.clear();
      this.options.logger.warn({ err: error }, 'shard audit failed, it will be repeated');
      this.options.observer?.auditFailed?.({ error });
      return true;
    }
  }

  /**
   * Creates this worker's part of the rows of an empty table, and adds to `created` those that were not there yet. Resolves with false if
   * it was held up for so long that the table may no longer be empty.
   */
  async #fill(look: Look, firstStart: FirstStart, created: string[], signal: AbortSignalLike): Promise<boolean> {
    let { stream, leases } = look;
    const create = async (lease: MissingLease, ownership: Ownership): Promise<boolean> => {
      signal.throwIfAborted();
      const seed = this.#seed(lease, undefined);
      const isNew = await retryPassing({ ...this.options, signal }, () => firstStart.create(seed, ownership));
      if (isNew) created.push(seed.leaseKey);
      return isNew;
    };
    const [oldest] = planMissingLeases(stream, leases);
    if (leases.length === 0 && oldest !== undefined && !(await create(oldest, { unowned: false }))) {
      if (firstStart.isOutdated) return false;
      // Another worker was first, and fixed the moment; ours would be another.
      ({ stream, leases } = await this.#look(signal));
      if (!firstStart.isShared) return true;
    }
    const all = planMissingLeases(stream, []).map(({ shard }) => shard.shardId);
    const wanted = new Map(planMissingLeases(stream, leases).map((lease) => [lease.shard.shardId, lease]));
    // There is a row, though nobody understands it.
    for (const { leaseKey } of look.corrupt) wanted.delete(leaseKey);
    for (;;) {
      const share = await firstStart.nextShare(all, [...wanted.keys()], signal);
      if (share === undefined) return true;
      await forEachAtMost(createdAtOnce, [...share], async ([leaseKey, ownership]) => {
        const lease = wanted.get(leaseKey);
        if (lease !== undefined) await create(lease, ownership);
      });
    }
  }

  /** Creates the rows that are missing, oldest first, some at a time; answers with those that were not there yet. */
  async #create(
    missing: readonly MissingLease[],
    healing: Healing | undefined,
    signal: AbortSignalLike,
  ): Promise<readonly string[]> {
    const { incarnation, table } = this.options;
    const created: string[] = [];
    await forEachAtMost(createdAtOnce, missing, async (lease) => {
      signal.throwIfAborted();
      const seed = this.#seed(lease, healing);
      const writeId = `${incarnation}:sync-${String(++this.#writeCount)}`;
      const { kind } = await retryPassing({ ...this.options, signal }, () => table.create(seed, writeId));
      if (kind === 'created') created.push(seed.leaseKey);
    });
    return created;
  }

  #seed({ shard, start }: MissingLease, healing: Healing | undefined): LeaseSeed {
    const { identity } = this.options;
    const position = this.#position;
    const sentinel =
      position.kind === 'trim-horizon' ? TRIM_HORIZON : position.sentinel === 'latest' ? LATEST : AT_TIMESTAMP;
    return {
      leaseKey: shard.shardId,
      leaseCounter: healing?.leaseCounter ?? 0,
      checkpoint: start === 'trim-horizon' ? TRIM_HORIZON : sentinel,
      parentShardIds: shard.parentShardIds,
      hashKeyRange: shard.hashKeyRange,
      healed: healing !== undefined,
      failoverTimeMs: healing?.failoverTimeMs,
      root: start === 'initial-position',
      initialTimestampMs: position.kind === 'moment' ? position.timestampMs : undefined,
      streamArn: identity.streamArn,
      streamCreatedAtMs: identity.streamCreatedAtMs,
    };
  }

  /** The rows' moment is the application's, whenever this worker came to its own. Returns whether ours was another. */
  #adoptMoment(leases: readonly Lease[]): boolean {
    const timestampMs = leases.reduce((least, lease) => Math.min(least, lease.initialTimestampMs ?? least), Infinity);
    if (this.#position.kind !== 'moment' || timestampMs === Infinity) return false;
    if (timestampMs === this.#position.timestampMs) return false;
    this.#position = { ...this.#position, timestampMs };
    return true;
  }
}
