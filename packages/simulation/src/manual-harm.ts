import type { FleetSettings } from './fleet-settings';
import { isFinished, type LeaseRow } from './lease-row';
import type { LeaseWatch } from './lease-watch';
import type { Chance } from './chance';
import type { SimulatedAws } from './simulated-aws';
import type { StreamLog } from './stream-log';
import type { VirtualTime } from './virtual-time';

export interface ManualHarmParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly chance: Chance;
  readonly aws: SimulatedAws;
  readonly leases: LeaseWatch;
  readonly log: StreamLog;
  readonly streamName: string;
  readonly tableName: string;
}

/** The audit looks at the rows so often, at the least, and each of its calls takes time. */
const auditedWithinMs = 80_000;

/** What is missing while workers fill an empty table has never been there, for them. */
const filledWithinMs = 40_000;

/** What is older may be trimmed. */
const retentionMs = 40_000;
/** What is younger never ages out unread. */
const shortestRetentionMs = 15_000;

/**
 * What happens to rows and records behind the workers' backs. In one run only one of the two: a row that is put back is read
 * from its beginning, which has to be there.
 */
export class ManualHarm {
  readonly #parts: ManualHarmParts;
  #hasDeleted = false;
  #hasTrimmed = false;

  constructor(parts: ManualHarmParts) {
    this.#parts = parts;
  }

  /**
   * Somebody deletes a row, one in a run: who has never seen it would make its next counter of a wall clock that may be hours
   * behind, and a child that has begun is all that shows that its parent was read.
   *
   * @param only the one; without it one that tells something, or any
   * @param isSecond the one row may go a second time: all who may put it back have seen its counter, and go on above that
   */
  deleteRow(only?: string, { isSecond = false } = {}): string | undefined {
    const { time, settings, chance, aws, leases, tableName } = this.#parts;
    const putBackMs = auditedWithinMs + 1.5 * Math.max(...settings.failoverTimesMs);
    if ((this.#hasDeleted && !isSecond) || this.#hasTrimmed || time.nowMs + putBackMs > settings.chaosEndsAtMs)
      return undefined;
    if (time.nowMs < Math.max(settings.startsToMs, settings.foreignRowsUntilMs) + filledWithinMs) return undefined;
    const rows = [...leases.rows.values()];
    const proven = rows.filter((each) => isFinished(each) && hasUnevenChildren(each, rows));
    const waiting = rows.filter((each) => waitsForAnother(each, rows));
    const telling = waiting.length > 0 ? waiting : proven;
    const candidates = telling.length > 0 && chance.happens(0.7) ? telling : rows.filter((each) => mayGo(each, rows));
    const row = only === undefined ? chance.oneOf(candidates) : leases.rows.get(only);
    if (row === undefined) return undefined;
    this.#hasDeleted = true;
    aws.perform({
      service: 'dynamodb',
      operation: 'DeleteItem',
      input: { TableName: tableName, Key: { leaseKey: { S: row.leaseKey } } },
    });
    leases.deletedByHand(row.leaseKey);
    return row.leaseKey;
  }

  /** Records grow old: those that are stored as acknowledged, and with them shards that were read to their end. */
  trim(): string | undefined {
    const { time, leases, log } = this.#parts;
    let beforeMs = time.nowMs - retentionMs;
    for (const shard of log.shards()) {
      const row = leases.rows.get(shard.shardId);
      if (leases.isFinished(shard.shardId)) continue;
      const firstUnstored = shard.records[row === undefined ? 0 : (log.coveredBy(shard, row.checkpoint) ?? 0)];
      beforeMs = Math.min(beforeMs, firstUnstored?.atMs ?? Infinity, shard.closedAtMs);
    }
    if (beforeMs < retentionMs) return undefined;
    return this.#trimBefore(beforeMs);
  }

  /** Records grow old, whether anybody has read them or not. */
  ageOut(): string | undefined {
    const { time, chance } = this.#parts;
    const beforeMs = time.nowMs - chance.between(shortestRetentionMs, retentionMs);
    if (this.#hasDeleted || beforeMs < retentionMs) return undefined;
    const text = this.#trimBefore(beforeMs);
    const { log } = this.#parts;
    for (const shard of log.shards()) log.ageOut(shard);
    return text;
  }

  #trimBefore(beforeMs: number): string {
    const { time, aws, log, streamName } = this.#parts;
    this.#hasTrimmed = true;
    aws.kinesis.trim(streamName, { beforeMs: time.wallTime() - Math.ceil(time.nowMs - beforeMs) - 1 });
    const left = new Map(aws.kinesis.inspect(streamName).map(({ shardId, recordCount }) => [shardId, recordCount]));
    for (const shard of log.shards()) log.keepOnly(shard, left.get(shard.shardId));
    return `all before ${(beforeMs / 1_000).toFixed(3)} s`;
  }
}

/** One child of it was begun, and another was not: all that shows the other that it need not wait. */
function hasUnevenChildren({ leaseKey }: LeaseRow, rows: readonly LeaseRow[]): boolean {
  const haveBegun = rows.filter(({ parentShardIds }) => parentShardIds.includes(leaseKey)).map(hasBegun);
  return haveBegun.includes(true) && haveBegun.includes(false);
}

/** One of its parents was read to its end, and another was not: the audit puts it back, and nobody may read it yet. */
function waitsForAnother({ parentShardIds }: LeaseRow, rows: readonly LeaseRow[]): boolean {
  const areFinished = rows.filter(({ leaseKey }) => parentShardIds.includes(leaseKey)).map(isFinished);
  return areFinished.includes(true) && areFinished.includes(false);
}

function hasBegun({ checkpoint: { kind } }: LeaseRow): boolean {
  return kind === 'sequence-number' || kind === 'shard-end';
}

/** One that somebody has held; of the finished ones only those after which another was begun: they must not be read again. */
function mayGo(row: LeaseRow, rows: readonly LeaseRow[]): boolean {
  if (!isFinished(row)) return row.counter > 0;
  return rows.some((each) => each.parentShardIds.includes(row.leaseKey) && hasBegun(each));
}
