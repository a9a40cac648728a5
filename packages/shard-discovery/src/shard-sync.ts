import {
  AT_TIMESTAMP,
  LATEST,
  repeat,
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
import { planFinishedLeases, planMissingLeases, selectReadable } from './lease-sync-plan';
import type { ShardLister } from './shard-lister';

/** What shard discovery needs of the lease table. */
export interface LeaseTable {
  /** All rows. `consistent`: every write that was acknowledged before the call is seen. */
  list(options: { readonly consistent: boolean }): Promise<{ readonly leases: readonly Lease[] }>;
  /** Creates the row unless there is one; then answers with that one. */
  create(seed: LeaseSeed, writeId: string): Promise<{ readonly kind: 'created' | 'exists'; readonly lease: Lease }>;
  /** Deletes the row if it is still as observed and at shard end. */
  delete(observed: Lease): Promise<unknown>;
}

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
 * - At the first start (an empty table) it creates a row for each shard that is readable at the application's position:
 *   the oldest first and alone, so that of workers that start together one fixes the moment that LATEST means.
 * - At a shard's end the worker that finished it creates the children's rows ({@link ShardSync.createChildren}) before
 *   it stores shard end. That is the normal way in which new shards are found; no listing is involved.
 * - An audit repeats at an interval on every worker: it puts back rows that went missing, deletes finished rows whose
 *   shards are no longer listed, and stops the worker if the stream was deleted or made again.
 *
 * Every write is create-if-absent or delete-if-unchanged: any number of workers may do this at the same time.
 */
export class ShardSync {
  #listed: readonly Shard[] = [];
  #position: ApplicationPosition;
  #writeCount = 0;

  constructor(
    private readonly options: {
      readonly lister: ShardLister;
      readonly table: LeaseTable;
      readonly identity: StreamIdentity;
      readonly position: ApplicationPosition;
      /** Asks the service again which stream this is; rejects when it does not exist. */
      readonly currentIdentity: (signal: AbortSignal) => Promise<StreamIdentity>;
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

  /** The application's position. Moves only during {@link start}, when another worker was first to fix the moment. */
  get position(): ApplicationPosition {
    return this.#position;
  }

  /** The leases whose shards may be read now, by the last listing. */
  selectReadable(leases: readonly Lease[]): readonly Lease[] {
    return selectReadable(this.#listed, leases);
  }

  /** Whether the stream lists the shard, asked anew. */
  async isListed(shardId: string, signal: AbortSignal): Promise<boolean> {
    this.#listed = await this.options.lister.list(this.#position, signal);
    return this.#listed.some((shard) => shard.shardId === shardId);
  }

  /** Lists the shards and, if the table is empty, fills it. Rejects with what is wrong with the stream or the table. */
  async start(signal: AbortSignal): Promise<void> {
    const { lister, table, logger, observer } = this.options;
    this.#listed = await lister.list(this.#position, signal);
    const { leases } = await table.list({ consistent: true });
    // Rows there, but perhaps not all: another worker may be creating them just now. The audit will see to the rest.
    if (leases.length > 0) return;
    const [oldest, ...others] = planMissingLeases(this.#listed, leases);
    if (oldest === undefined) return;
    const first = await this.#create(oldest.shard, oldest.start, { healed: false });
    this.#adoptMoment(first.lease);
    const created = await Promise.all(others.map(({ shard, start }) => this.#create(shard, start, { healed: false })));
    const shardIds = [first, ...created].flatMap(({ kind, lease }) => (kind === 'created' ? [lease.leaseKey] : []));
    if (shardIds.length === 0) return;
    logger.info({ leaseCount: shardIds.length, position: this.#position }, 'leases created at first start');
    observer?.leasesCreated?.({ shardIds, reason: 'first-start' });
  }

  /** Audits at the interval until `signal` aborts. Rejects when the stream is gone or is another one. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, auditIntervalMs } = this.options;
    const jitteredMs = (): number => auditIntervalMs * (0.75 + random.next() / 2);
    try {
      await clock.sleep(jitteredMs(), signal);
    } catch {
      return;
    }
    await repeat(clock, signal, async () => {
      await this.#auditOrWarn(signal);
      return jitteredMs();
    });
  }

  /** Compares shards and rows once, and mends what differs. */
  async audit(signal: AbortSignal): Promise<void> {
    const { lister, table, identity, clock, logger, observer } = this.options;
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
    this.#listed = await lister.list(this.#position, signal);
    const { leases } = await table.list({ consistent: true });
    const healed: string[] = [];
    for (const { shard, start } of planMissingLeases(this.#listed, leases)) {
      // Above any counter that the row may have had: writes of an earlier owner that arrive late must still be refused.
      const { kind } = await this.#create(shard, start, { healed: true, leaseCounter: clock.wallTime() });
      if (kind === 'created') healed.push(shard.shardId);
    }
    if (healed.length > 0) {
      logger.warn({ shardIds: healed }, 'leases were missing and have been put back');
      observer?.leasesCreated?.({ shardIds: healed, reason: 'audit' });
    }
    const finished = planFinishedLeases(this.#listed, leases);
    for (const lease of finished) await table.delete(lease);
    if (finished.length === 0) return;
    const shardIds = finished.map(({ leaseKey }) => leaseKey);
    logger.info({ shardIds }, 'finished leases deleted, their shards are no longer listed');
    observer?.leasesDeleted?.({ shardIds });
  }

  /**
   * Creates the leases of the shards that came out of `parent`. To be called, and awaited, before the parent's shard
   * end is stored. `childShards` is what the answer that ended the parent named; if that is empty, the listing is asked.
   */
  async createChildren(parentShardId: string, childShards: readonly Shard[], signal: AbortSignal): Promise<void> {
    const { lister, logger, observer } = this.options;
    let children = childShards;
    if (children.length === 0) {
      this.#listed = await lister.list(this.#position, signal);
      children = this.#listed.filter(({ parentShardIds }) => parentShardIds.includes(parentShardId));
    }
    const results = await Promise.all(children.map((child) => this.#create(child, 'trim-horizon', { healed: false })));
    const shardIds = results.flatMap(({ kind, lease }) => (kind === 'created' ? [lease.leaseKey] : []));
    if (shardIds.length === 0) return;
    logger.info({ parentShardId, shardIds }, 'leases created for child shards');
    observer?.leasesCreated?.({ shardIds, reason: 'reshard' });
  }

  async #auditOrWarn(signal: AbortSignal): Promise<void> {
    try {
      await this.audit(signal);
    } catch (error) {
      if (signal.aborted || isFatal(error)) throw error;
      // Nothing is lost by a late audit: running shards go on, and the next one will see the same.
      this.options.logger.warn({ err: error }, 'shard audit failed, it will be repeated');
      this.options.observer?.auditFailed?.({ error });
    }
  }

  #create(
    shard: Shard,
    start: 'initial-position' | 'trim-horizon',
    { healed, leaseCounter = 0 }: { readonly healed: boolean; readonly leaseCounter?: number },
  ): ReturnType<LeaseTable['create']> {
    const { identity, incarnation, table } = this.options;
    const position = this.#position;
    const sentinel =
      position.kind === 'trim-horizon' ? TRIM_HORIZON : position.sentinel === 'latest' ? LATEST : AT_TIMESTAMP;
    const seed: LeaseSeed = {
      leaseKey: shard.shardId,
      leaseCounter,
      checkpoint: start === 'trim-horizon' ? TRIM_HORIZON : sentinel,
      parentShardIds: shard.parentShardIds,
      hashKeyRange: shard.hashKeyRange,
      healed,
      root: start === 'initial-position',
      initialTimestampMs: position.kind === 'moment' ? position.timestampMs : undefined,
      streamArn: identity.streamArn,
      streamCreatedAtMs: identity.streamCreatedAtMs,
    };
    return table.create(seed, `${incarnation}:sync-${String(++this.#writeCount)}`);
  }

  #adoptMoment({ initialTimestampMs }: Lease): void {
    if (this.#position.kind === 'moment' && initialTimestampMs !== undefined) {
      this.#position = { ...this.#position, timestampMs: initialTimestampMs };
    }
  }
}

function isFatal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'STREAM_NOT_FOUND' || code === 'STREAM_RECREATED';
}
