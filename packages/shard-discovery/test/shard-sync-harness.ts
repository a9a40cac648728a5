import type { Lease, LeaseSeed, StreamIdentity } from '@millrace/core';
import { aLease, ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { type ApplicationPosition, type FirstStart, type LeaseTable, ShardSync, type ShardSyncObserver } from '../src';
import { FakeShardLister } from '../src/testing';

export const identity: StreamIdentity = { streamName: 'flights', streamArn: 'arn:flights', streamCreatedAtMs: 1 };
export const signal = new AbortController().signal;

export class FakeTable implements LeaseTable {
  readonly rows = new Map<string, Lease>();
  readonly created: LeaseSeed[] = [];
  readonly corrupt: { leaseKey: string }[] = [];
  failNextCreates = 0;

  readonly workers: { failoverTimeMs: number }[] = [];

  async list(): ReturnType<LeaseTable['list']> {
    return { leases: [...this.rows.values()], workers: this.workers, corrupt: this.corrupt };
  }

  /** Calls that created, or tried to. */
  attempts = 0;

  async create(seed: LeaseSeed): Promise<{ kind: 'created' | 'exists'; lease: Lease }> {
    this.attempts++;
    if (this.failNextCreates-- > 0) throw Object.assign(new Error('no'), { name: 'ThrottlingException' });
    const existing = this.rows.get(seed.leaseKey);
    if (existing !== undefined) return { kind: 'exists', lease: existing };
    const lease = aLease({ ...seed, leaseOwner: seed.first?.owner });
    this.rows.set(seed.leaseKey, lease);
    this.created.push(seed);
    return { kind: 'created', lease };
  }

  async delete({ leaseKey }: Lease): Promise<{ kind: 'applied' | 'refused' }> {
    return { kind: this.rows.delete(leaseKey) ? 'applied' : 'refused' };
  }
}

/** Gives everything that is missing to this worker, or what a test says. */
export class FakeFirstStart implements FirstStart {
  isShared = true;
  othersFill = false;
  share: (missing: readonly string[], all: readonly string[]) => readonly string[] = (missing) => missing;
  readonly unowned = new Set<string>();
  /** Whether it was filling when each row was created. */
  readonly wasFilling: boolean[] = [];
  readonly shares: (readonly string[])[] = [];
  isFilling = false;
  isOutdated = false;

  constructor(private readonly table: FakeTable) {}

  async isUnderWay(): Promise<boolean> {
    return this.othersFill;
  }

  willBeRead(): void {
    this.isOutdated = false;
  }

  async begin(): Promise<void> {
    this.isFilling = true;
  }

  async end(): Promise<void> {
    this.isFilling = false;
  }

  async nextShare(
    all: readonly string[],
    wanted: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly unowned: boolean }> | undefined> {
    const missing = wanted.filter((leaseKey) => !this.table.rows.has(leaseKey));
    if (missing.length === 0) return undefined;
    const share = this.share(missing, all);
    this.shares.push(share);
    return new Map(share.map((leaseKey) => [leaseKey, { unowned: this.unowned.has(leaseKey) }]));
  }

  async create(seed: LeaseSeed, { unowned }: { readonly unowned: boolean }): Promise<boolean> {
    if (this.isOutdated) return false;
    this.wasFilling.push(this.isFilling);
    const first = unowned ? undefined : { owner: 'worker-a', failoverTimeMs: 10_000, acquiredAtMs: 0 };
    return (await this.table.create({ ...seed, first })).kind === 'created';
  }
}

export function aShardSync({
  table = new FakeTable(),
  lister = new FakeShardLister(2),
  observer,
  position = { kind: 'moment', sentinel: 'latest', timestampMs: 1_000 },
}: {
  table?: FakeTable;
  lister?: FakeShardLister;
  observer?: ShardSyncObserver;
  position?: ApplicationPosition;
} = {}): {
  firstStart: FakeFirstStart;
  sync: ShardSync;
  table: FakeTable;
  lister: FakeShardLister;
  clock: ManualClock;
  stream: { identity: StreamIdentity };
} {
  const clock = new ManualClock();
  const stream = { identity };
  const sync = new ShardSync({
    lister,
    table,
    identity,
    position,
    currentIdentity: async () => stream.identity,
    incarnation: 'worker-a',
    auditIntervalMs: 60_000,
    clock,
    random: seededRandom(1),
    logger: new RecordingLogger(),
    ...(observer === undefined ? {} : { observer }),
  });
  return { firstStart: new FakeFirstStart(table), sync, table, lister, clock, stream };
}
